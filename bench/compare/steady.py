"""The open loop: latencies at one rate for everyone, 70 % of what the slowest system can take."""
from .loads import open_loop, wrk
from .processes import Processes
from .scenarios import SMALL, setups
from .summary import spread
from .systems import Site

SHARE = 0.7


def run(place, options, say):
    with Processes() as processes:
        site = Site(place, processes, "open-loop")
        systems = [site.start(setup) for setup in setups()]
        say("open loop: what each can take")
        for system in systems:
            wrk(place, processes, system.port, SMALL, options.warm_up)
        most = {system.label: [] for system in systems}
        for _ in range(min(3, options.rounds)):
            for system in systems:
                figures = wrk(place, processes, system.port, SMALL, options.seconds)
                most[system.label].append(figures["requests"] / figures["seconds"])
        saturation = {label: spread(values) for label, values in most.items()}
        rate = SHARE * min(one.median for one in saturation.values())
        rounds = {system.label: [] for system in systems}
        for number in range(options.rounds):
            say(f"open loop, {rate:.0f} requests per second: round {number + 1} of {options.rounds}")
            for system in systems:
                rounds[system.label].append(
                    open_loop(place, processes, system.port, SMALL.path, rate, options.open_seconds))
    return {"title": f"open loop, {rate:,.0f} requests/s", "wanted_rate": rate,
            "systems": {label: {"saturation": saturation[label],
                                **{key: spread([one[key] for one in ones])
                                   for key in ("rate", "p50_us", "p99_us", "p999_us")},
                                "failed": sum(one["failed"] for one in ones), "rounds": ones}
                        for label, ones in rounds.items()}}
