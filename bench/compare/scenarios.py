"""The scenarios whose figure is CPU per request: which systems, which load, and the interleaved rounds."""
from dataclasses import dataclass

from . import machine
from .loads import ONE_MB, Load, check_bytes, failures, wrk
from .processes import Processes, cpu_us
from .summary import ratio, spread
from .systems import Setup, Site

SYSTEMS = ("floor", "gracevisord", "nginx", "haproxy")
PEERS = ("nginx", "haproxy")


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    load: Load
    setups: tuple
    load_cpus: frozenset = machine.LOAD_CPU
    short: str = ""  # what the overview calls it, before what tells its systems apart; empty: the title


def setups(kinds=SYSTEMS, suffix="", **options):
    return tuple(Setup(kind, kind + suffix, **options) for kind in kinds)


def two_workers():
    """One worker and two in the same place, both CPUs, shared with the load, so that only their number differs."""
    both = {"cpus": machine.BOTH_CPUS, "app_cpus": machine.BOTH_CPUS}
    kinds = SYSTEMS[1:]
    return tuple(setup for kind in kinds for setup in
                 setups((kind,), ", 1 worker", **both) + setups((kind,), ", 2 workers", workers=2, **both))


def with_logs():
    """Each with and without its log next to each other."""
    return setups(("floor",)) + tuple(setup for kind in SYSTEMS[1:] for setup in
                                      setups((kind,), ", log off") + setups((kind,), ", log on", logs=True))


SMALL = Load("/100")
SCENARIOS = (
    Scenario("small", "100 B replies", SMALL, setups()),
    Scenario("16k", "16 kB replies", Load("/16384"), setups()),
    Scenario("1m", "1 MB replies", Load(f"/{ONE_MB}", connections=8), setups(large=True)),
    Scenario("upload", "1 MB uploads", Load("/upload", connections=8, method="POST", upload=ONE_MB), setups(large=True)),
    Scenario("connections", "100 B, a new connection for each request", Load("/100", close=True), setups()),
    Scenario("unix", "100 B, Unix-socket upstream", SMALL,
             setups(("floor",)) + setups(SYSTEMS, ", Unix socket", unix=True), short="100 B"),
    Scenario("logs", "100 B, access log off and on", SMALL, with_logs(), short="100 B"),
    Scenario("workers", "100 B, one worker and two on both CPUs", SMALL, two_workers(), machine.BOTH_CPUS,
             short="100 B, on both CPUs"),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def run(scenario, place, options, say):
    """All systems stay started; one at a time is loaded, in turn, round after round."""
    with Processes() as processes:
        site = Site(place, processes, scenario.name)
        systems = [site.start(setup) for setup in scenario.setups]
        for system in systems:
            check_bytes(system, scenario.load)
            wrk(place, processes, system.port, scenario.load, options.warm_up, scenario.load_cpus)
        rounds = {system.label: [] for system in systems}
        for number in range(options.rounds):
            say(f"{scenario.title}: round {number + 1} of {options.rounds}")
            # There and back, so that a machine that drifts favours nobody.
            for system in systems if number % 2 == 0 else reversed(systems):
                rounds[system.label].append(measure(system, scenario, place, processes, options.seconds))
    # Now that all have ended, their logs are whole.
    for system in systems:
        if system.setup.logs:
            check_log(system, rounds[system.label])
    return result(scenario, rounds)


def check_log(system, ones):
    """A line for each request, or the log was cheap for a reason. It is not kept: they come to hundreds of megabytes."""
    log = system.access_log()
    with open(log, "rb") as lines:
        written = sum(1 for _ in lines)
    log.unlink()
    requests = sum(one["requests"] for one in ones)
    if written < requests:
        ones[-1]["wrong"] += f"{written} lines in the access log of {requests} requests"


def measure(system, scenario, place, processes, seconds):
    before = cpu_us(system.pids())
    figures = wrk(place, processes, system.port, scenario.load, seconds, scenario.load_cpus)
    used = cpu_us(system.pids()) - before
    count = max(1, figures["requests"])
    return {"cpu_us": used / count, "rps": figures["requests"] / figures["seconds"], "p50_us": figures["p50_us"],
            "p99_us": figures["p99_us"], "requests": figures["requests"], "wrong": failures(figures)}


def find_wrong(results):
    for one in results:
        for label, system in one["systems"].items():
            if system["wrong"]:
                yield f"{one['title']}: {label}: {system['wrong']}"


def result(scenario, rounds):
    """For each system the spreads, and its ratios to the floor and to the better peer of the same kind."""
    cpu = {label: [one["cpu_us"] for one in ones] for label, ones in rounds.items()}
    systems = {}
    for setup in scenario.setups:
        ones = rounds[setup.label]
        systems[setup.label] = {
            "kind": setup.kind,
            **{key: spread([one[key] for one in ones]) for key in ("cpu_us", "rps", "p50_us", "p99_us")},
            "to_floor": ratio(cpu[setup.label], cpu["floor"]) if "floor" in cpu else None,
            "to_peer": None, "peer": None,
            "wrong": "; ".join(one["wrong"] for one in ones if one["wrong"]),
            "rounds": ones,
        }
        suffix = setup.label.removeprefix(setup.kind)
        peers = [kind + suffix for kind in PEERS if kind + suffix in cpu]
        if setup.kind == "gracevisord" and peers:
            best = min(peers, key=lambda peer: spread(cpu[peer]).median)
            systems[setup.label].update(peer=best, to_peer=ratio(cpu[setup.label], cpu[best]))
    return {"title": scenario.title, "short": scenario.short or scenario.title, "systems": systems}
