"""Inline SVG: curves, scatters, a confusion heat map and bars.

Colours are CSS variables, so one picture serves light, dark and paper. Each function returns markup whose texts were
escaped here. Hovering shows values through <title>, without a script.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np
from markupsafe import Markup

from sonde.core.units import count, number, share
from sonde.report.legend import CHARACTER, HELP, HELP_TOO, HIGH, legend_drawn, legend_rows
from sonde.report.scale import Point, Scale, fit, thinned

WIDTH, HEIGHT = 460, 268
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 12, 42
MOST_HOVERS = 90


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve.

    colour: 1…4, an entry of the palette; HELP is the muted tone of helping lines, HELP_TOO of another beside it
    faint: in the background
    dots: mark each point; radii: sizes of the dots where they differ
    down_to: where there are points, the area between these and `points` is shaded, and no line drawn
    key: by which a script finds the same curve in several figures
    """

    name: str
    points: Sequence[Point]
    colour: int = 1
    faint: bool = False
    dots: bool = False
    line: bool = True
    radii: Sequence[float] = ()
    down_to: Sequence[Point] = ()
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A direction of a figure: its name, and what it must hold where that is not read off the data."""

    label: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    zero: bool = False
    bounds: tuple[float, float] | None = None  # beyond which no value can lie, nor the axis go


def curves(
    series: Sequence[Series],
    x: Axis,
    y: Axis,
    *,
    name: str,
    mark: tuple[float, str] | None = None,
    legend: bool = True,
) -> Markup:
    """Curves over a common x. `mark` is an x with a word, drawn as a vertical line; `name` says aloud what is seen.

    legend: whether the names stand in the figure, where there are several; without, the page has them beside the figures,
            and a script may zoom in (`curves.js`)
    """
    shown = [thin for s in series if (thin := _thin(s)).points]
    across = scaled((px for s in shown for px, _ in s.points), x, start=LEFT, end=WIDTH - RIGHT)
    named = [(s.name, s.colour) for s in shown if s.name and not s.faint] if legend else []
    room = WIDTH - LEFT - RIGHT
    top = TOP + HIGH * len(legend_rows(named, room))
    values = (py for s in shown for _, py in (*s.points, *s.down_to) if py is not None)
    up = scaled(values, y, start=HEIGHT - BOTTOM, end=top)
    parts = [framed(across, up, x.label, y.label)]
    drawn = [_curve(s, across, up) for s in sorted(shown, key=lambda s: (not s.down_to, not s.faint))]
    drawn += _bands([s for s in shown if not s.faint and s.line and s.colour not in (HELP, HELP_TOO)], across, x.label)
    parts += drawn if legend else [_inset(drawn, across, up)]
    if mark is not None:  # over the curves, since its word may have to cross them
        lines = [[(across(px), up(py)) for px, py in s.points if py is not None] for s in shown]
        parts.append(_vertical(across(mark[0]), mark[1], [line for line in lines if line]))
    parts += [legend_drawn(named, right=WIDTH - RIGHT, top=TOP, room=room)]
    return as_svg(parts, name, across=across if legend else None)


def scatter(
    points: Sequence[tuple[float, float]], x: Axis, y: Axis, *, name: str, line: str, titles: bool = True
) -> Markup:
    """A cloud of points. line: "diagonal" where x and y are the same quantity (on equal scales), "zero" for residuals."""
    if line == "diagonal":
        both = [value for point in points for value in point]
        across = fit(both, start=LEFT, end=WIDTH - RIGHT)
        up = fit(both, start=HEIGHT - BOTTOM, end=TOP)
        helping = ((across.low, up.low), (across.high, up.high))
    else:
        across = fit([px for px, _ in points], start=LEFT, end=WIDTH - RIGHT)
        up = fit([*(py for _, py in points), 0.0], start=HEIGHT - BOTTOM, end=TOP)
        helping = ((across.low, 0.0), (across.high, 0.0))
    (x1, y1), (x2, y2) = helping
    parts = [framed(across, up, x.label, y.label)]
    parts.append(f'<path class="help" d="M{across(x1):.1f} {up(y1):.1f}L{across(x2):.1f} {up(y2):.1f}"/>')
    if titles:
        parts += [
            f'<circle class="pt" cx="{across(px):.1f}" cy="{up(py):.1f}" r="2.5"><title>{escape(x.label)} {number(px, 4)}, '
            f"{escape(y.label)} {number(py, 4)}</title></circle>"
            for px, py in points
        ]
    else:
        path = "".join(f"M{across(px):.1f} {up(py):.1f}h0" for px, py in points)
        parts.append(f'<path class="pts" d="{path}"/>')
    return as_svg(parts, name)


def heat_map(names: Sequence[str], counts: Sequence[Sequence[int]], *, name: str) -> Markup:
    """A confusion matrix: rows the truth, columns the prediction; right answers in one colour, mistakes in another.

    A cell's strength is its share of its row; mistakes are drawn on a square-root scale, so that rare ones can be seen.
    """
    longest = min(18, max(map(len, names)))
    left = 30 + 6.4 * longest
    cell = min(72.0 if len(names) <= 4 else 44.0, (600 - left) / len(names))  # few classes: larger cells
    text_size = min(11.5, cell * 0.9)
    bottom = 6 + len(names) * cell
    turned = 6.4 * longest > cell
    foot = 8 + 6.4 * longest if turned else 22.0
    middle = left + len(names) * cell / 2
    parts = [
        f'<text class="ax" transform="translate(11 {(6 + bottom) / 2:.1f}) rotate(-90)" text-anchor="middle">truth</text>',
        f'<text class="ax" x="{middle:.1f}" y="{bottom + foot + 14:.1f}" text-anchor="middle">prediction</text>',
    ]
    for i, row in enumerate(counts):
        whole, y = sum(row) or 1, 6 + i * cell
        parts.append(word_at(left - 6, y + cell / 2 + 4, names[i], "end", text_size))
        for j, value in enumerate(row):
            title = f"{names[i]} predicted as {names[j]}: {count(value)} of {count(whole)} ({share(value / whole, 1)})"
            parts.append(
                _cell(
                    left + j * cell,
                    y,
                    cell,
                    value,
                    strength=_strength(value / whole, i == j),
                    right=i == j,
                    title=title,
                )
            )
    for j, text in enumerate(names):
        x = left + (j + 0.5) * cell
        upright = f'transform="translate({x + 4:.1f} {bottom + 6:.1f}) rotate(-90)" text-anchor="end"'
        place = upright if turned else f'x="{x:.1f}" y="{bottom + 15:.1f}" text-anchor="middle"'
        parts.append(f'<text class="tx" {place} style="font-size:{text_size:.1f}px">{shortened(text)}</text>')
    return as_svg(parts, name, width=left + len(names) * cell + 8, height=bottom + foot + 20, kind="natural")


def _strength(part: float, right: bool) -> float:
    if right:
        return 0.08 + 0.82 * part
    return 0.06 + 0.84 * part**0.5 if part else 0.0


def _cell(x: float, y: float, cell: float, value: int, *, strength: float, right: bool, title: str) -> str:
    """One field of the heat map, empty ones without a number."""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}"'
    drawn = f'<g><title>{escape(title)}</title><rect class="cell" {box}/>'
    if strength:
        drawn += f'<rect class="{"hit" if right else "miss"}" {box} fill-opacity="{strength:.2f}"/>'
    if value:
        size = min(12.0, max(6.5, cell * 0.34), 1.5 * cell / len(str(value)))
        drawn += (
            f'<text class="{"on" if strength > 0.6 else "tx"}" x="{x + cell / 2 - 0.5:.1f}" '
            f'y="{y + cell / 2 + size * 0.36:.1f}" text-anchor="middle" style="font-size:{size:.1f}px">{value}</text>'
        )
    return drawn + "</g>"


def stacked_bar(parts: Sequence[tuple[str, float, str]], *, name: str) -> Markup:
    """One bar cut into (label, amount, text) pieces."""
    whole = sum(amount for _, amount, _ in parts) or 1.0
    drawn, x, wide = [], 0.0, 940.0
    for place, (label, amount, text) in enumerate(parts):
        width = wide * amount / whole
        drawn.append(
            f"<g><title>{escape(label)}: {escape(text)}</title>"
            f'<rect class="f{place + 1}" x="{x:.1f}" y="0" width="{max(0.0, width - 1.5):.1f}" height="26" rx="2"/></g>'
        )
        x += width
    return as_svg(drawn, name, width=wide, height=26)


def bars(entries: Sequence[tuple[str, float]], *, name: str) -> Markup:
    """Horizontal bars with their counts, one under the other."""
    left = min(170.0, 14 + 6.6 * max(len(shortened(label, 24)) for label, _ in entries))
    most = max(value for _, value in entries) or 1.0
    room, high = WIDTH - left - 62, 18
    drawn = []
    for place, (label, value) in enumerate(entries):
        y = place * high
        width = max(1.0, room * value / most)
        drawn.append(
            f"<g><title>{escape(label)}: {count(value)}</title>{word_at(left - 6, y + 13, label, 'end', 11.5, 24)}"
            f'<rect class="f1" x="{left:.1f}" y="{y + 3}" width="{width:.1f}" height="12" rx="2"/>'
            f'<text class="tk" x="{left + width + 5:.1f}" y="{y + 13}">{count(value)}</text></g>'
        )
    return as_svg(drawn, name, height=len(entries) * high + 2)


def _thin(series: Series) -> Series:
    if series.radii or series.down_to:
        return series
    return replace(series, points=thinned(series.points))


def scaled(values: Iterable[float], axis: Axis, *, start: float, end: float) -> Scale:
    """The scale of a direction: as its axis says, else as its values need."""
    if axis.low is not None and axis.high is not None:
        return Scale(low=axis.low, high=axis.high, start=start, end=end, log=axis.log)
    values = list(values)
    found = fit(values, start=start, end=end, log=axis.log, zero=axis.zero)
    if axis.bounds is None or any(not axis.bounds[0] <= value <= axis.bounds[1] for value in values):
        return found
    return replace(found, low=max(found.low, axis.bounds[0]), high=min(found.high, axis.bounds[1]))


def framed(across: Scale, up: Scale, x_label: str, y_label: str) -> str:
    """Grid lines, ticks and the names of both directions."""
    parts = []
    for value, text in up.ticks():
        y = up(value)
        parts.append(f'<path class="gl" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="tk" x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for value, text in across.ticks(6):
        x = across(value)
        parts.append(f'<path class="tick" d="M{x:.1f} {HEIGHT - BOTTOM}v4"/>')
        parts.append(f'<text class="tk" x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{text}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="ax" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
    height = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="ax" transform="translate(11 {height}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>'
    )
    return "".join(parts)


def _curve(series: Series, across: Scale, up: Scale) -> str:
    drawn = ""
    if series.down_to:
        edge = [*series.points, *reversed(series.down_to)]
        path = "L".join(f"{across(x):.1f} {up(y):.1f}" for x, y in edge if y is not None)
        drawn = f'<path class="f{series.colour} band" d="M{path}Z"/>'
    elif series.line:
        path, pen = [], "M"
        for x, y in series.points:
            if y is None:
                pen = "M"
                continue
            path.append(f"{pen}{across(x):.1f} {up(y):.1f}")
            pen = "L"
        drawn = f'<path class="c{series.colour}{" faint" if series.faint else ""}" d="{"".join(path)}"/>'
    if series.dots:
        radii = series.radii or [2.6] * len(series.points)
        drawn += "".join(
            f'<circle class="f{series.colour}" cx="{across(x):.1f}" cy="{up(y):.1f}" r="{r:.1f}">'
            f"<title>{escape(series.name)}: {number(x, 4)}, {number(y, 4)}</title></circle>"
            for (x, y), r in zip(series.points, radii, strict=True)
            if y is not None
        )
    return f'<g data-key="{escape(series.key)}">{drawn}</g>' if series.key else drawn


def _inset(drawn: Sequence[str], across: Scale, up: Scale) -> str:
    """Curves that end where the axes do, with the scales that a script needs to show a part of them."""
    x, y, width, height = LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    told = "".join(
        f' data-{name}="{s.low:.9g} {s.high:.9g} {s.start:g} {s.end:g} {"log" if s.log else "linear"}"'
        for name, s in (("across", across), ("up", up))
    )
    place = f'x="{x}" y="{y}" width="{width}" height="{height}" style="width:{width}px;height:{height}px"'
    return f'<svg class="plot" {place} viewBox="{x} {y} {width} {height}"{told}>{"".join(drawn)}</svg>'


def _bands(series: Sequence[Series], across: Scale, label: str) -> list[str]:
    """Invisible full-height strips that tell all curves' values at their x."""
    longest = max(series, key=lambda s: len(s.points), default=None)
    if longest is None:
        return []
    stride = max(1, -(-len(longest.points) // MOST_HOVERS))
    xs = [x for x, _ in longest.points[::stride]]
    places = [across(x) for x in xs]
    edges = [LEFT, *((a + b) / 2 for a, b in zip(places, places[1:], strict=False)), WIDTH - RIGHT]
    bands = []
    for x, begin, end in zip(xs, edges, edges[1:], strict=False):
        values = [f"{s.name}: {number(y, 4)}" for s in series if (y := _nearest(s.points, x)) is not None]
        title = escape("\n".join([f"{label} {number(x, 4)}", *values]))
        bands.append(
            f'<rect class="h" x="{begin:.1f}" y="{TOP}" width="{max(0.0, end - begin):.1f}" height="{HEIGHT - TOP - BOTTOM}">'
            f"<title>{title}</title></rect>"
        )
    return bands


def _nearest(points: Sequence[Point], x: float) -> float | None:
    """The y of the point whose x is nearest; points are in the order of their x."""
    if not points:
        return None
    place = bisect_left(points, x, key=lambda point: point[0])
    around = points[max(0, place - 1) : place + 1]
    return min(around, key=lambda point: abs(point[0] - x))[1]


def _vertical(x: float, word: str, lines: Sequence[Sequence[tuple[float, float]]]) -> str:
    """A dashed line with its word at the lower or the upper end: where the curves, as `lines` are drawn, are not."""
    anchor, shift = ("end", -5) if x > WIDTH * 0.6 else ("start", 5)
    under = np.linspace(x + 2 * shift, x + shift * (1 + CHARACTER * len(word) / 5), 16)
    heights = [np.interp(under, *np.transpose(line)) for line in lines] or [np.zeros(1)]
    y = max((TOP + 11, HEIGHT - BOTTOM - 8), key=lambda end: np.abs(np.concatenate(heights) - end + 4).min())
    return (
        f'<path class="mark" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
        f'<text class="tx over" x="{x + shift:.1f}" y="{y}" text-anchor="{anchor}">{escape(word)}</text>'
    )


def word_at(x: float, y: float, text: str, anchor: str, size: float, most: int = 18) -> str:
    """A word, cut to `most` characters."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="font-size:{size:.1f}px"'
    return f'<text class="tx" {place}>{shortened(text, most)}</text>'


def shortened(text: str, most: int = 18) -> str:
    """Escaped, and cut to `most` characters."""
    return escape(text if len(text) <= most else text[: most - 1] + "…")


def as_svg(
    parts: Sequence[str],
    name: str,
    *,
    width: float = WIDTH,
    height: float = HEIGHT,
    kind: str = "",
    across: Scale | None = None,
) -> Markup:
    """Parts as one picture. kind "natural": never drawn larger than its own size, else as wide as its column.

    across: the scale of x, which the picture then tells a script: values and places of its ends
    """
    limit = f' style="max-width:{width:.0f}px"' if kind == "natural" else ""
    head = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(name)}"{limit}{_told(across)}>'
    return Markup(f"{head}{''.join(parts)}</svg>")


def _told(across: Scale | None) -> str:
    """The scale of x for a script that reads a place on it; none of a logarithmic one."""
    if across is None or across.log:
        return ""
    ends = (across.low, across.high, across.start, across.end)
    return f' data-across="{" ".join(f"{end:.6g}" for end in ends)}"'
