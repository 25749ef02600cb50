"""Charts drawn on the server as SVG, each with a table as its text alternative. Pure.

The markup has no inline styles: colours and dashes are classes of the style sheet, so that they
follow the reader's light or dark theme.
"""

import math
from collections.abc import Sequence

from flask_babel import gettext as _
from markupsafe import Markup, escape
from msgspec import Struct

from addon.web.formats import moment, number

WIDTH, HEIGHT = 720, 240
RIGHT, TOP, BOTTOM = 12, 12, 40
LETTER = 14
"""Width of a character in the labels of the scale, at the text size used on a phone."""
COLOURS = 6
STEPS = 4
"""Maximum number of steps of the scale."""
MOST_ROWS = 60
"""Maximum number of rows in the table, the newest; the chart itself has all points."""
DATE_ALONE_FROM = 3 * 24 * 3600.0
"""Length in seconds of a time axis from which its ends are labelled with dates alone."""


class Series(Struct, frozen=True):
    """A line: its name, and (seconds since 1970 UTC, value) in order of time."""

    name: str
    points: tuple[tuple[float, float], ...]


class Scale(Struct, frozen=True):
    """The value axis, from 0 in whole, evenly spaced numbers."""

    step: int
    steps: int

    @property
    def top(self) -> int:
        """The value at the top of the axis."""
        return self.step * self.steps

    @property
    def left(self) -> int:
        """The x coordinate where the drawing begins, right of the widest number."""
        return LETTER * (len(number(self.top)) + 1)


def line_chart(series: Sequence[Series], label: str = "") -> Markup:
    """Draw values over time, one line per series."""
    times = [at for each in series for at, _value in each.points]
    first, last = min(times), max(times)
    scale = scale_to(max((v for each in series for _at, v in each.points), default=0))
    parts = []
    for kind, each in zip(_kinds(series), series, strict=True):
        spots = [
            (_across(at, first, last, scale.left), _up(value, scale)) for at, value in each.points
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline class="line-{kind}" points="{path}"/>')
        x, y = spots[-1]
        parts.append(f'<circle class="dot-{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
    parts += _time_labels(first, last, scale.left)
    return _figure(series, parts, scale, label)


def scale_to(value: float) -> Scale:
    """Return the finest scale of at most STEPS steps of 1, 2 or 5 times a power of ten."""
    least = max(1.0, value / STEPS)
    power = 10 ** math.floor(math.log10(least))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= least)
    return Scale(step, max(1, math.ceil(value / step)))


def _kinds(series: Sequence[Series]) -> list[str]:
    """Return the class suffix of each series: the number of its colour."""
    return [str(n % COLOURS + 1) for n in range(len(series))]


def _across(at: float, first: float, last: float, left: int) -> float:
    span = last - first or 1.0
    return left + (at - first) / span * (WIDTH - left - RIGHT)


def _up(value: float, scale: Scale) -> float:
    return HEIGHT - BOTTOM - value / scale.top * (HEIGHT - TOP - BOTTOM)


def _time_labels(first: float, last: float, left: int) -> list[str]:
    y = HEIGHT - 8
    begin, end = _range_text(first, last)
    labels = [f'<text x="{left}" y="{y}">{escape(begin)}</text>']
    if end:
        x = WIDTH - RIGHT
        labels.append(f'<text x="{x}" y="{y}" text-anchor="end">{escape(end)}</text>')
    return labels


def _range_text(first: float, last: float) -> tuple[str, str]:
    """Label both ends of the time axis, as briefly as tells them apart.

    The second label is empty when both ends are the same.
    """
    begin, end = moment(first), moment(last)
    if begin == end:
        return begin, ""
    if last - first >= DATE_ALONE_FROM:
        return begin.split(" ")[0], end.split(" ")[0]
    same_day = begin.split(" ")[0] == end.split(" ")[0]
    return begin, end.split(" ")[1] if same_day else end


def _figure(series: Sequence[Series], parts: list[str], scale: Scale, label: str) -> Markup:
    lines, left = [], scale.left
    for tick in range(scale.steps + 1):
        value = scale.step * tick
        y = f"{_up(value, scale):.1f}"
        kind = "axis" if tick else "base"
        lines.append(f'<line class="{kind}" x1="{left}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        lines.append(
            f'<text x="{left - 8}" y="{y}" dy="4" text-anchor="end">{escape(number(value))}</text>'
        )
    names = ", ".join(each.name for each in series)
    said = escape(label or _("Diagram: %(names)s. Siffrorna finns i tabellen.", names=names))
    legend = "".join(
        f"<li>{_line_sample(kind)}{escape(each.name)}</li>"
        for kind, each in zip(_kinds(series), series, strict=True)
    )
    return Markup(
        f'<figure class="chart"><ul class="legend">{legend}</ul>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">'
        f"{''.join(lines)}{''.join(parts)}</svg>{_table(series)}</figure>"
    )


def _line_sample(kind: str) -> str:
    drawn = f'<line class="line-{kind}" x1="0" x2="38" y1="8" y2="8"/>'
    return f'<svg viewBox="0 0 38 16" aria-hidden="true">{drawn}</svg>'


def _table(series: Sequence[Series]) -> str:
    times = sorted({at for each in series for at, _value in each.points})[-MOST_ROWS:]
    values = [dict(each.points) for each in series]
    head = "".join(f'<th scope="col" class="num">{escape(each.name)}</th>' for each in series)
    rows = "".join(
        f'<tr><th scope="row">{escape(moment(at))}</th>'
        + "".join(
            f'<td class="num">{escape(number(v[at])) if at in v else "–"}</td>' for v in values
        )
        + "</tr>"
        for at in reversed(times)
    )
    return (
        f"<details><summary>{escape(_('Visa som tabell'))}</summary>"
        f'<table class="table table-sm"><thead><tr><th scope="col">{escape(_("När"))}</th>{head}'
        f"</tr></thead><tbody>{rows}</tbody></table></details>"
    )
