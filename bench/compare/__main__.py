"""Runs what is asked for and writes the tables. Started by bench/run.sh; `sh bench/run.sh --help` says how."""
import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import before, chart, deploys, machine, memory, reaction, scenarios, steady, table, targets
from .processes import Failure
from .summary import Spread
from .systems import Place

ROOT = Path(__file__).resolve().parent.parent.parent
OTHERS = {"open-loop": steady.run, "memory": memory.run, "deploys": deploys.run, "reaction": reaction.run,
          "routing": targets.routing}
NAMES = (*scenarios.BY_NAME, *OTHERS)

#               full, short
DEFAULTS = {
    "rounds": (7, 2), "seconds": (3.0, 0.5), "warm_up": (1.0, 0.2), "open_seconds": (5, 1), "memory_rounds": (3, 1),
    "deploy_rounds": (5, 1), "deploys_per_round": (10, 5), "reaction_rounds": (20, 5),
}


def read_options():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description="gracevisord beside nginx, HAProxy and the floor")
    parser.add_argument("--short", action="store_true", help="all of it within 2 minutes, for a look, not for figures")
    parser.add_argument("--only", metavar="NAME[,NAME]", help="some of: " + ", ".join(NAMES))
    parser.add_argument("--rounds", type=int, help="interleaved rounds, 7 (--short: 2)")
    parser.add_argument("--seconds", type=float, help="of a system's turn, 3 (--short: 0.5)")
    parser.add_argument("--before", metavar="BUILD", type=Path, help="instead of all that, gracevisord of another"
                        " release build beside this one's (" + ", ".join(before.NAMES) + "): 40 rounds of 1 s, in turn")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown, too")
    options = parser.parse_args()
    options.only = options.only.split(",") if options.only else list(before.NAMES if options.before else NAMES)
    for name in options.only:
        if name not in NAMES:
            parser.error(f"{name}: not one of {', '.join(NAMES)}")
    if options.rounds is not None and options.rounds < 1 or options.seconds is not None and options.seconds < 0.3:
        parser.error("at least 1 round of 0.3 s")
    if options.before:
        options.before = options.before.absolute()
        options.rounds, options.seconds = options.rounds or 40, options.seconds or 1.0
        before.check(options, parser.error)
    for name, (full, short) in DEFAULTS.items():
        if getattr(options, name, None) is None:
            setattr(options, name, short if options.short else full)
    options.text = f"{options.rounds} rounds of {options.seconds:g} s" + (", short mode" if options.short else "")
    return options


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


def collect(options, place, results):
    """Fills the results in as they come. What fails is said, and does not take what can be measured with it."""
    for name in NAMES:
        if name not in options.only:
            continue
        try:
            if name in scenarios.BY_NAME:
                results["scenarios"][name] = scenarios.run(scenarios.BY_NAME[name], place, options, say)
            else:
                results[name] = OTHERS[name](place, options, say)
        except Failure as failure:
            say(f"{name} failed: {failure}")
            results["wrong"].append(f"{name}: {failure}")


def find_wrong(results):
    """Loads with failed requests: figures of those are worth nothing. Those during deploys are figures themselves."""
    yield from scenarios.find_wrong(results["scenarios"].values())
    for label, one in results.get("open-loop", {"systems": {}})["systems"].items():
        if one["failed"]:
            yield f"open loop: {label}: {one['failed']} failed"


def as_json(value):
    if isinstance(value, Spread):
        return value.as_json()
    if isinstance(value, targets.Target):
        return {**vars(value), "met": value.met}
    raise TypeError(type(value).__name__)


def write(results, output, options):
    results["wrong"] += find_wrong(results)
    results["targets"] = targets.all_targets(results)
    text = table.text(results)
    (output / "table.txt").write_text(text, encoding="utf-8")
    (output / "table.md").write_text(table.markdown(results), encoding="utf-8")
    (output / "results.json").write_text(json.dumps(results, indent=1, default=as_json) + "\n", encoding="utf-8")
    drawn = chart.svg(results)
    if drawn:
        (output / "cpu.svg").write_text(drawn, encoding="utf-8")
    print(table.markdown(results) if options.markdown else text)
    say(f"table.txt, table.md, results.json{' and cpu.svg' if drawn else ''} are in {output}")


def main():
    options = read_options()
    # Ends as Ctrl-C does: what was started is ended on the way out.
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which scripts in the background begin without
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    began = time.monotonic()
    output = ROOT / "build" / "bench"
    (output / "logs").mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="gv-bench-"))
    folder.chmod(0o755)
    try:
        machine.check_cpus()
        place = Place(ROOT / "build" / "release", output, folder, machine.raise_file_limit())
        results = {"machine": machine.describe(ROOT, place.app("gracevisord")), "options": {
            "rounds": options.rounds, "seconds": options.seconds, "short": options.short,
            "text": options.text},
            "scenarios": {}, "wrong": []}
        if results["machine"]["load average at the start"] > 0.7:
            say("this machine is busy with something else: latencies and throughput will be its, not the systems'")
        # The driver, too, keeps off the CPU of the proxies.
        machine.stay_on(machine.LOAD_CPU)
        if options.before:
            return 0 if before.run(place, options, say) else 1
        try:
            collect(options, place, results)
        finally:
            if results["scenarios"] or any(name in results for name in OTHERS):
                write(results, output, options)
        say(f"took {time.monotonic() - began:.0f} s")
        return 1 if results["wrong"] else 0
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)


sys.exit(main())
