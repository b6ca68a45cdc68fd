"""gracevisord beside an earlier build of itself: has the request path become slower? The answer is a ratio with the
interval in which it lies, since single runs on small machines differ by ten times what is looked for."""
import math
import statistics
from dataclasses import replace

from . import scenarios, table

NAMES = ("small", "16k", "connections", "unix")
OURS = "gracevisord"


def setups(scenario, build):
    ours = next(setup for setup in scenario.setups if setup.kind == OURS)
    return replace(ours, label="before", build=build), replace(ours, label="now")


def interval(ratios):
    """The geometric mean, and what it lies within in 19 cases of 20, from the scatter of the rounds."""
    logs = [math.log(one) for one in ratios]
    mean = statistics.fmean(logs)
    half = 1.96 * statistics.stdev(logs) / math.sqrt(len(logs))
    return tuple(math.exp(one) for one in (mean, mean - half, mean + half))


def row(result):
    ones = {label: [one["cpu_us"] for one in system["rounds"]] for label, system in result["systems"].items()}
    ratio, low, high = interval([now / before for now, before in zip(ones["now"], ones["before"])])
    return [result["title"], *(table.number(statistics.median(ones[label])) for label in ("before", "now")),
            f"{ratio:.4f}", f"{low:.4f}-{high:.4f}"]


def run(place, options, say):
    """Returns whether every request succeeded."""
    results = []
    for name in options.only:
        scenario = replace(scenarios.BY_NAME[name], setups=setups(scenarios.BY_NAME[name], options.before))
        results.append(scenarios.run(scenario, place, options, say))
    head = ["CPU µs/request", "before", "now", "now to before", "95 %"]
    print(table.Table(f"{options.before} and now, {options.text}, in turn", head, [row(one) for one in results]).text())
    wrong = list(scenarios.find_wrong(results))
    if wrong:
        print(*table.wrong({"wrong": wrong}), sep="\n")
    return not wrong


def check(options, error):
    """What --before asks of the other options."""
    for name in options.only:
        if name not in NAMES:
            error(f"{name}: --before compares {', '.join(NAMES)}")
    if options.rounds < 2:
        error("--before needs 2 rounds at least")
    program = options.before / "apps" / OURS / OURS
    if not program.is_file():
        error(f"{program} does not exist: --before takes the folder of a release build")
