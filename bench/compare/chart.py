"""CPU per request as an SVG: a panel for each scenario with a scale of its own, a bar for each system, whiskers from the
least to the most. Drawn by hand; its colours follow the reader's light or dark mode."""
from html import escape

WIDTH = 860
LEFT, RIGHT = 214, 180      # of the bars: names, figures
ROW, BAR, TITLE, GAP = 26, 15, 34, 14
HEAD = 92

STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328; }
  .head { font-size: 18px; font-weight: 600; }
  .title { font-size: 14px; font-weight: 600; }
  .quiet { fill: #59636e; font-size: 12px; }
  .name { text-anchor: end; }
  .own { font-weight: 600; }
  .axis { stroke: #d1d9e0; }
  .whisker { stroke: #1f2328; stroke-width: 1.2; fill: none; opacity: .7; }
  .floor { fill: #afb8c1; } .gracevisord { fill: #2f6feb; } .nginx { fill: #4aa564; } .haproxy { fill: #d9822b; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .axis { stroke: #3d444d; }
    .whisker { stroke: #e6edf3; }
    .floor { fill: #656c76; } .gracevisord { fill: #4c8dff; } .nginx { fill: #3f9a5a; } .haproxy { fill: #d08a3e; }
  }
"""


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def bar(y, label, one, scale):
    cpu = one["cpu_us"]
    middle = y + ROW / 2
    low, high = LEFT + cpu.min * scale, LEFT + cpu.max * scale
    figures = f"{figure(cpu.median)} µs"
    if one["to_floor"] is not None and one["kind"] != "floor":
        figures += f" · {one['to_floor'].median:.2f} × floor"
    own = " own" if one["kind"] == "gracevisord" else ""
    return [
        f'<text class="name{own}" x="{LEFT - 10}" y="{middle + 4.5:.1f}">{escape(label)}</text>',
        f'<rect class="{one["kind"]}" x="{LEFT}" y="{middle - BAR / 2:.1f}" width="{cpu.median * scale:.1f}" '
        f'height="{BAR}" rx="2"><title>{escape(label)}: {figure(cpu.median)} µs, {figure(cpu.min)} to '
        f'{figure(cpu.max)}</title></rect>',
        f'<path class="whisker" d="M{low:.1f} {middle - 4}v8M{low:.1f} {middle}H{high:.1f}M{high:.1f} {middle - 4}v8"/>',
        f'<text class="{own.strip()}" x="{max(high, LEFT + cpu.median * scale) + 8:.1f}" y="{middle + 4.5:.1f}">'
        f'{figures}</text>',
    ]


def panel(y, result):
    systems = result["systems"]
    most = max(one["cpu_us"].max for one in systems.values())
    scale = (WIDTH - LEFT - RIGHT) / most if most else 0
    drawn = [f'<text class="title" x="{LEFT}" y="{y + 18}">{escape(result["title"])}</text>']
    y += TITLE - 6
    drawn.append(f'<path class="axis" d="M{LEFT - 0.5} {y}v{ROW * len(systems)}"/>')
    for label, one in systems.items():
        drawn += bar(y, label, one, scale)
        y += ROW
    return drawn, y + GAP


def svg(results):
    """None where no scenario counted CPU time."""
    scenarios = results["scenarios"]
    if not scenarios:
        return None
    machine = results["machine"]
    lines = [f"Less is better. Medians of {results['options']['rounds']} interleaved rounds; whiskers from the least to "
             "the most; a scale for each panel.",
             f"{machine['date']}, {machine['cpu']}, nginx {machine['nginx']}, HAProxy {machine['haproxy']}"]
    drawn = ['<text class="head" x="24" y="32">CPU time of the proxy per request, in microseconds</text>']
    drawn += [f'<text class="quiet" x="24" y="{54 + 18 * row}">{escape(line)}</text>' for row, line in enumerate(lines)]
    y = HEAD
    for result in scenarios.values():
        part, y = panel(y, result)
        drawn += part
    body = "\n".join(drawn)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" '
            f'role="img" aria-label="CPU time per request of gracevisord, nginx and HAProxy">\n'
            f'<style>{STYLE}</style>\n{body}\n</svg>\n')
