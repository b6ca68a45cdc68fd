"""What is reached for, and by how much it is met or missed."""
import re
import subprocess
from dataclasses import dataclass

from .processes import Failure
from .scenarios import PEERS
from .summary import Spread, ratio, spread


@dataclass(frozen=True)
class Target:
    what: str
    value: float
    bound: float
    unit: str = ""
    at_least: bool = False

    @property
    def met(self):
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def verdict(self):
        if self.bound == 0:
            return "met" if self.met else f"missed: {self.value:g}"
        by = abs(self.value / self.bound - 1) * 100
        return f"{'met' if self.met else 'MISSED'} by {by:.0f} %"


def routing(place, options, say):
    """Route lookups with 10,000 hosts, from the micro-benchmark: the slower of exact and wildcard hosts."""
    say("route lookup")
    command = [place.bench("micro/bench_route_lookup")] + (["--smoke"] if options.short else [])
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    rows = re.findall(r"^ *10000 hosts, (\w+) +([\d.]+) +([\d.]+) +([\d.]+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not rows:
        raise Failure(f"bench_route_lookup ended with {done.returncode}: {done.stdout}{done.stderr}")
    return {"title": "Route lookup, 10,000 hosts", "values": {
        kind: Spread(float(middle), float(low), float(high)) for kind, low, middle, high in rows}}


def cpu(scenarios, name, label="gracevisord"):
    return [one["cpu_us"] for one in scenarios[name]["systems"][label]["rounds"]]


def of_cpu(scenarios):
    for name in ("small", "unix", "16k", "1m", "upload", "connections"):
        if name not in scenarios:
            continue
        result = scenarios[name]
        if name == "unix":
            value = result["systems"]["gracevisord, Unix socket"]["to_floor"].median
            yield Target("CPU per request, Unix-socket upstream, to the TCP floor", value, .90)
            continue
        ours = result["systems"]["gracevisord"]
        if name == "small":
            yield Target(f"CPU per request, {result['title']}, to the floor", ours["to_floor"].median, 1.12)
        yield Target(f"CPU per request, {result['title']}, to {ours['peer']}", ours["to_peer"].median,
                     .90 if name == "small" else 1.0)
    if "logs" in scenarios:
        value = log_to_none(scenarios, "gracevisord").median
        yield Target("CPU per request, access log on, to off", value, 1.10)
    if "workers" in scenarios:
        yield Target("two workers to one, requests per CPU-second available", two_to_one(scenarios, "gracevisord").median,
                     1.8, at_least=True)


def log_to_none(scenarios, kind):
    return ratio(cpu(scenarios, "logs", f"{kind}, log on"), cpu(scenarios, "logs", f"{kind}, log off"))


def two_to_one(scenarios, kind):
    """Two workers may use twice the CPU time; what they do with it depends on what a request then costs."""
    one, two = (cpu(scenarios, "workers", f"{kind}, {workers}") for workers in ("1 worker", "2 workers"))
    return spread([2 * a / b for a, b in zip(one, two)])


def of_memory(result):
    ours, nginx = result["systems"]["gracevisord"], result["systems"]["nginx"]
    yield Target("RSS per idle connection, bytes, nginx being the bound", ours["rss_per_connection"].median,
                 nginx["rss_per_connection"].median, " B")
    yield Target(f"RSS with {result['connections']} idle connections, nginx being the bound",
                 ours["rss_with"].median / 2**20, nginx["rss_with"].median / 2**20, " MiB")


def of_deploys(result):
    ours = result["systems"]["gracevisord"]
    yield Target(f"{result['deploys']} deploys under full load: failed requests", ours["failed"], 0)
    yield Target(f"{result['deploys']} deploys under full load: broken connections", ours["broken"], 0)
    yield Target("p99 during deploys to p99 without", ours["p99_ratio"].median, 1.5)


def of_open_loop(result):
    systems = result["systems"]
    best = min(PEERS, key=lambda peer: systems[peer]["p99_us"].median)
    yield Target(f"p99 in the open loop, {best} being the bound", systems["gracevisord"]["p99_us"].median,
                 systems[best]["p99_us"].median, " µs")


def of_reaction(result):
    values = result["values"]
    yield Target("command to cutover, boot taken off", values["command to cutover, boot taken off"].median, 50, " ms")
    yield Target("exit of an instance to unrouted", values["kill -9 to unrouted"].median, 5, " ms")
    yield Target("exit of an instance to its replacement's spawn, 10 ms of back-off included",
                 values["kill -9 to its replacement's spawn"].median, 20, " ms")


def of_routing(result):
    yield Target("route lookup, 10,000 hosts", max(one.median for one in result["values"].values()), 200, " ns")


def all_targets(results):
    """Those whose measurements there are."""
    targets = list(of_cpu(results["scenarios"]))
    for name, of in (("open-loop", of_open_loop), ("memory", of_memory), ("deploys", of_deploys), ("reaction", of_reaction),
                     ("routing", of_routing)):
        if name in results:
            targets += of(results[name])
    return targets
