"""Deploys under full load: what clients notice of gvctl deploy, of nginx -s reload and of HAProxy's reload."""
import time

from .loads import Wrk, wrk
from .processes import Processes
from .scenarios import PEERS, SMALL, setups
from .summary import ratio, spread
from .systems import Site

# The same for all: as fast as they come would be another number for each, and other p99s.
PACE = 0.5


def run(place, options, say):
    """Rounds alternate as elsewhere; each is as long without deploys as with them."""
    rounds = {kind: [] for kind in ("gracevisord", *PEERS)}
    for number in range(options.deploy_rounds):
        for kind, ones in rounds.items():
            say(f"{options.deploys_per_round} deploys under load: {kind}, round {number + 1} of {options.deploy_rounds}")
            ones.append(measure(kind, place, options))
    count = options.deploy_rounds * options.deploys_per_round
    return {"title": f"{count} deploys under load", "deploys": count,
            "systems": {kind: result(ones) for kind, ones in rounds.items()}}


def measure(kind, place, options):
    with Processes() as processes:
        system = Site(place, processes, "deploys").start(setups((kind,))[0])
        wrk(place, processes, system.port, SMALL, options.warm_up)
        quiet = wrk(place, processes, system.port, SMALL, PACE * options.deploys_per_round)
        load = Wrk(place, processes, system.port, SMALL)
        took = []
        for number in range(options.deploys_per_round):
            time.sleep(max(0.0, load.began + PACE * (number + 0.5) - time.monotonic()))
            began = time.monotonic()
            system.deploy()
            took.append(time.monotonic() - began)
        time.sleep(PACE / 2)
        busy = load.stop()
    return {"quiet": quiet, "busy": busy, "deploy_seconds": took}


def result(ones):
    """Non-2xx answers and timeouts are failed requests; connections that ended under a request are broken."""
    errors = [one["busy"]["errors"] for one in ones]
    quiet, busy = ([one[when]["p99_us"] for one in ones] for when in ("quiet", "busy"))
    return {"failed": sum(e["status"] + e["timeout"] for e in errors),
            "broken": sum(e["connect"] + e["read"] + e["write"] for e in errors),
            "requests": sum(one["busy"]["requests"] for one in ones),
            "p99_quiet_us": spread(quiet), "p99_busy_us": spread(busy), "p99_ratio": ratio(busy, quiet),
            "deploy_ms": spread([seconds * 1000 for one in ones for seconds in one["deploy_seconds"]]),
            "rounds": ones}
