"""Charts drawn on the server as SVG, each with a table for those who read instead. Pure.

No styles are in the markup: colours are classes of the style sheet, so that they follow the
reader's light or dark ground.
"""

import math
from collections.abc import Sequence

from flask_babel import gettext as _
from markupsafe import Markup, escape
from msgspec import Struct

from addon.web.formats import moment, number

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 28
COLOURS = 6
TICKS = 4
MOST_ROWS = 60
"""Rows of the table, the newest; the chart itself has all points."""


class Series(Struct, frozen=True):
    """A line or a row of bars: its name, and (seconds since 1970 UTC, value) in order of time."""

    name: str
    points: tuple[tuple[float, float], ...]


def line_chart(series: Sequence[Series], label: str = "") -> Markup:
    """Values over time, a line each."""
    times = [at for each in series for at, _value in each.points]
    first, last = min(times), max(times)
    top = nice_top(max((v for each in series for _at, v in each.points), default=0))
    parts = []
    for n, each in enumerate(series):
        spots = [(_across(at, first, last), _up(value, top)) for at, value in each.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline class="line-{_colour(n)}" points="{path}"/>')
        x, y = spots[-1]
        parts.append(f'<circle class="dot-{_colour(n)}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
    parts += _time_labels(first, last)
    return _figure(series, parts, top, label)


def bar_chart(series: Sequence[Series], label: str = "") -> Markup:
    """Values of the same moments, stacked."""
    moments = [at for at, _value in series[0].points]
    sums = [sum(each.points[i][1] for each in series) for i in range(len(moments))]
    top = nice_top(max(sums, default=0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(moments))
    parts = []
    for i in range(len(moments)):
        below = 0.0
        for n, each in enumerate(series):
            value = each.points[i][1]
            if value:
                y, base = _up(below + value, top), _up(below, top)
                parts.append(
                    f'<rect class="bar-{_colour(n)}" x="{LEFT + i * step + step * 0.15:.1f}" '
                    f'y="{y:.1f}" width="{step * 0.7:.1f}" height="{base - y:.1f}"/>'
                )
                below += value
    if moments:
        parts += _time_labels(moments[0], moments[-1])
    return _figure(series, parts, top, label)


def nice_top(value: float) -> float:
    """The least of 1, 2, 2.5, 5 and 10 times a power of ten that is not below `value`."""
    if value <= TICKS:
        return float(TICKS)
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= value)


def _colour(place: int) -> int:
    return place % COLOURS + 1


def _across(at: float, first: float, last: float) -> float:
    span = last - first or 1.0
    return LEFT + (at - first) / span * (WIDTH - LEFT - RIGHT)


def _up(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _time_labels(first: float, last: float) -> list[str]:
    y = HEIGHT - 8
    begin = f'<text x="{LEFT}" y="{y}">{escape(moment(first))}</text>'
    if last == first:
        return [begin]
    end = f'<text x="{WIDTH - RIGHT}" y="{y}" text-anchor="end">{escape(moment(last))}</text>'
    return [begin, end]


def _figure(series: Sequence[Series], parts: list[str], top: float, label: str) -> Markup:
    lines = []
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        y = _up(value, top)
        lines.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        lines.append(
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(number(value))}</text>'
        )
    said = escape(label or ", ".join(each.name for each in series))
    legend = "".join(
        f'<li class="legend-{_colour(n)}">{escape(each.name)}</li>' for n, each in enumerate(series)
    )
    return Markup(
        f'<figure class="chart"><ul class="legend">{legend}</ul>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">'
        f"{''.join(lines)}{''.join(parts)}</svg>{_table(series)}</figure>"
    )


def _table(series: Sequence[Series]) -> str:
    times = sorted({at for each in series for at, _value in each.points})[-MOST_ROWS:]
    values = [dict(each.points) for each in series]
    head = "".join(f'<th scope="col">{escape(each.name)}</th>' for each in series)
    rows = "".join(
        f'<tr><th scope="row">{escape(moment(at))}</th>'
        + "".join(f"<td>{escape(number(v[at])) if at in v else '–'}</td>" for v in values)
        + "</tr>"
        for at in times
    )
    return (
        f"<details><summary>{escape(_('Visa som tabell'))}</summary>"
        f'<table class="table table-sm"><thead><tr><th scope="col">{escape(_("När"))}</th>{head}'
        f"</tr></thead><tbody>{rows}</tbody></table></details>"
    )
