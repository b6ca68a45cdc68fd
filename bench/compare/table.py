"""The results as tables, for a terminal and as Markdown."""
from . import targets as reach
from .scenarios import SYSTEMS

NOTES = (
    "One interleaved run: the systems take turns, round after round. Figures are medians, with (min-max).",
    "CPU: user + system time of all processes and threads of a proxy, its application excluded, by completed request.",
    "Ratios are taken round by round, then their median. \"to peer\": to the better of nginx and HAProxy.",
    "The floor relays bytes and knows no HTTP. nginx and HAProxy add X-Forwarded-For, -Proto and -Host; gracevisord these,",
    "X-Request-ID and Via. Its metrics cannot be switched off and are on everywhere; access logs only where it says so.",
    "One worker: the proxy on CPU 0, load and application on CPU 1. p50 and p99 are wrk's, of a closed loop at full load;",
    "the open loop is what to look at for latency: its requests fall due on their own, and latencies count from then.",
)


def number(value):
    """Three digits and more, never more than they are worth."""
    if abs(value) >= 100 or isinstance(value, int):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread_text(spread, show=number, scale=1.0):
    if spread is None:
        return "-"
    return f"{show(spread.median * scale)} ({show(spread.min * scale)}-{show(spread.max * scale)})"


def ratio_text(spread):
    return "-" if spread is None else f"{spread.median:.2f} ({spread.min:.2f}-{spread.max:.2f})"


def millions(spread):
    return spread_text(spread, scale=1 / 2**20)


class Table:
    """Rows of as many cells as the head; a row of one cell is the heading of those that follow."""

    def __init__(self, title, head, rows):
        self.title, self.head, self.rows = title, head, rows

    def text(self):
        full = [self.head] + [row for row in self.rows if len(row) > 1]
        widths = [max(len(row[column]) for row in full) for column in range(len(self.head))]
        rule = "  ".join("-" * width for width in widths)

        def line(row):
            if len(row) == 1:
                return "\n" + row[0]
            cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
            return "  ".join(cells).rstrip()
        return "\n".join([self.title, rule, line(self.head), rule, *map(line, self.rows)])

    def markdown(self):
        def line(row):
            cells = row if len(row) > 1 else [f"**{row[0]}**"] + [""] * (len(self.head) - 1)
            return "| " + " | ".join(cells) + " |"
        rule = "| --- |" + " ---: |" * (len(self.head) - 1)
        return "\n".join([f"**{self.title}**", "", line(self.head), rule, *map(line, self.rows)])


def glance_table(scenarios):
    """One row for each comparison that is like with like."""
    rows = []
    for result in scenarios.values():
        systems = result["systems"]
        for label, one in systems.items():
            if one["peer"] is None:
                continue
            suffix = label.removeprefix("gracevisord")
            cells = [systems["floor"]["cpu_us"] if "floor" in systems else None]  # the one that ratios are of: over TCP
            cells += [systems[kind + suffix]["cpu_us"] for kind in SYSTEMS[1:]]
            rows.append([result["short"] + suffix] + ["-" if cell is None else number(cell.median) for cell in cells]
                        + ["-" if one[key] is None else f"{one[key].median:.2f}" for key in ("to_floor", "to_peer")])
    return Table("CPU microseconds of the proxy per request", ["", *SYSTEMS, "ours to the floor", "ours to the better peer"],
                 rows)


def cpu_table(scenarios):
    rows = []
    for result in scenarios.values():
        rows.append([result["title"]])
        rows += [[label, spread_text(one["cpu_us"]), ratio_text(one["to_floor"]), ratio_text(one["to_peer"]),
                  spread_text(one["rps"]), spread_text(one["p50_us"], scale=1e-3), spread_text(one["p99_us"], scale=1e-3)]
                 for label, one in result["systems"].items()]
    return Table("Closed loop at full load", ["", "CPU µs/request", "to the floor", "to peer", "requests/s", "p50 ms",
                                              "p99 ms"], rows)


def cpu_tables(scenarios):
    yield glance_table(scenarios)
    yield cpu_table(scenarios)
    if "workers" in scenarios:
        rows = [[kind, ratio_text(reach.two_to_one(scenarios, kind))] for kind in SYSTEMS[1:]]
        yield Table("Two workers to one, requests per CPU-second available", ["", "ratio"], rows)
    if "logs" in scenarios:
        rows = [[kind, ratio_text(reach.log_to_none(scenarios, kind))] for kind in SYSTEMS[1:]]
        yield Table("CPU per request with an access log to without", ["", "ratio"], rows)


def memory_table(result):
    rows = [[label, millions(one["rss_before"]), millions(one["rss_with"]), millions(one["pss_with"]),
             spread_text(one["rss_per_connection"]), spread_text(one["pss_per_connection"])]
            for label, one in result["systems"].items()]
    return Table(result["title"], ["", "RSS MiB before", "RSS MiB with them", "PSS MiB with them", "RSS B each",
                                   "PSS B each"], rows)


def deploys_table(result):
    rows = [[label, f"{one['failed']:,}", f"{one['broken']:,}", f"{one['requests']:,}",
             spread_text(one["p99_quiet_us"], scale=1e-3), spread_text(one["p99_busy_us"], scale=1e-3),
             ratio_text(one["p99_ratio"]), spread_text(one["deploy_ms"])]
            for label, one in result["systems"].items()]
    return Table(result["title"], ["", "failed", "broken", "requests", "p99 ms without", "p99 ms during", "ratio",
                                   "a deploy ms"], rows)


def open_loop_table(result):
    rows = [[label, spread_text(one["saturation"]), spread_text(one["rate"]), str(one["failed"])]
            + [spread_text(one[key], scale=1e-3) for key in ("p50_us", "p99_us", "p999_us")]
            for label, one in result["systems"].items()]
    return Table(result["title"], ["", "closed loop, requests/s", "here", "failed", "p50 ms", "p99 ms", "p99.9 ms"], rows)


def values_table(result, unit):
    return Table(result["title"], ["", unit],
                 [[label, spread_text(one)] for label, one in result["values"].items()])


def tables(results):
    found = list(cpu_tables(results["scenarios"])) if results["scenarios"] else []
    for name, make in (("open-loop", open_loop_table), ("memory", memory_table), ("deploys", deploys_table)):
        if name in results:
            found.append(make(results[name]))
    for name, unit in (("reaction", "ms"), ("routing", "ns")):
        if name in results:
            found.append(values_table(results[name], unit))
    if results["targets"]:
        rows = [[one.what, number(one.value) + one.unit, (">= " if one.at_least else "<= ") + number(one.bound) + one.unit,
                 one.verdict()] for one in results["targets"]]
        found.append(Table("What is reached for", ["", "measured", "wanted", ""], rows))
    return found


def head(results):
    return [f"{key}: {value}" for key, value in results["machine"].items()] + [results["options"]["text"]]


def text(results):
    return "\n".join(["gracevisord beside nginx and HAProxy", "", *head(results), "", *NOTES, "",
                      "\n\n".join(table.text() for table in tables(results)), *wrong(results), ""])


def markdown(results):
    return "\n".join([*(f"- {line}" for line in head(results)), "", " ".join(NOTES), "",
                      "\n\n".join(table.markdown() for table in tables(results)), *wrong(results), ""])


def wrong(results):
    return ["", "NOT VALID, as something failed:", *results["wrong"]] if results["wrong"] else []
