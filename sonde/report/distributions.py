"""How values are spread: histograms, bars with their spread, and clouds of points in colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from sonde.core.units import number, share
from sonde.report.figures import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, as_svg, framed, scaled, word_at
from sonde.report.scale import Scale, fit

ROW, MARK = 20, 3.4
MOST_LABEL = 26  # characters


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar from x = low to x = high. height: below 0 it hangs;  colour: an entry of the palette;  title: told by hovering"""

    low: float
    high: float
    height: float
    colour: int
    title: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """Points of one colour. crossed: drawn as crosses"""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int
    crossed: bool = False


def histogram(bars: Sequence[Bar], x: Axis, y: Axis, *, name: str, line: float | None = None) -> Markup:
    """Bars over a common x, from 0 up or down. line: an x that is marked"""
    edges = [edge for bar in bars for edge in (bar.low, bar.high)]
    across = Scale(low=min(edges), high=max(edges), start=LEFT, end=WIDTH - RIGHT)
    up = scaled([0.0, *(bar.height for bar in bars)], y, start=HEIGHT - BOTTOM, end=TOP)
    parts = [framed(across, up, x.label, y.label)]
    for bar in bars:
        top, bottom = sorted((up(bar.height), up(0.0)))
        wide = max(0.5, across(bar.high) - across(bar.low) - 1)
        place = f'x="{across(bar.low):.1f}" y="{top:.1f}" width="{wide:.1f}" height="{bottom - top:.1f}"'
        parts.append(f'<rect class="f{bar.colour}" {place}><title>{escape(bar.title)}</title></rect>')
    parts.append(f'<path class="axis" d="M{LEFT} {up(0.0):.1f}H{WIDTH - RIGHT}"/>')
    if line is not None and across.low <= line <= across.high:
        parts.append(f'<path class="mark" d="M{across(line):.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
    return as_svg(parts, name)


def spread_bars(entries: Sequence[tuple[str, Sequence[float]]], *, name: str, unit: str) -> Markup:
    """A bar for the mean of each entry's values, and a line from the lowest of them to the highest."""
    left = min(190.0, 14 + 6.6 * max(min(MOST_LABEL, len(label)) for label, _ in entries))
    every = [value for _, values in entries for value in values]
    across = fit([0.0, *every], start=left, end=WIDTH - 58)
    parts = [f'<path class="axis" d="M{across(0.0):.1f} 0V{len(entries) * ROW}"/>']
    for place, (label, values) in enumerate(entries):
        mean, low, high = sum(values) / len(values), min(values), max(values)
        middle = place * ROW + ROW / 2
        begin, end = sorted((across(0.0), across(mean)))
        told = f"{label}: {number(mean)} {unit}, from {number(low)} to {number(high)}"
        parts.append(
            f"<g><title>{escape(told)}</title>{word_at(left - 7, middle + 4, label, 'end', 11.5, MOST_LABEL)}"
            f'<rect class="f1" x="{begin:.1f}" y="{middle - 6:.1f}" width="{max(1.0, end - begin):.1f}" height="12" rx="2"/>'
            f'<path class="whisker" d="M{across(low):.1f} {middle:.1f}H{across(high):.1f}'
            f'M{across(low):.1f} {middle - 3:.1f}v6M{across(high):.1f} {middle - 3:.1f}v6"/>'
            f'<text class="tk" x="{WIDTH - 52}" y="{middle + 4:.1f}">{number(mean, 2)}</text></g>'
        )
    return as_svg(parts, name, height=len(entries) * ROW + 2)


def paired_bars(entries: Sequence[tuple[str, float, float]], *, name: str) -> Markup:
    """Two bars an entry, one below the other in two colours: shares."""
    left = min(190.0, 14 + 6.6 * max(min(MOST_LABEL, len(label)) for label, *_ in entries))
    most = max(max(values) for _, *values in entries) or 1.0
    high, parts = 30, []
    for place, (label, *values) in enumerate(entries):
        told = f"{label}: {' and '.join(share(value, 1) for value in values)}"
        parts.append(
            f"<g><title>{escape(told)}</title>{word_at(left - 7, place * high + 18, label, 'end', 11.5, MOST_LABEL)}"
        )
        for line, value in enumerate(values):
            top, width = place * high + 3 + 12 * line, max(1.0, (WIDTH - left - 58) * value / most)
            parts.append(
                f'<rect class="f{line + 1}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="10" rx="2"/>'
                f'<text class="tk" x="{left + width + 5:.1f}" y="{top + 9}">{share(value, 1)}</text>'
            )
        parts.append("</g>")
    return as_svg(parts, name, height=len(entries) * high + 2)


def cloud(groups: Sequence[Group], x: Axis, y: Axis, *, name: str) -> Markup:
    """Points in the colours of their groups, the last group on top."""
    across = fit([px for group in groups for px, _ in group.points], start=LEFT, end=WIDTH - RIGHT)
    up = fit([py for group in groups for _, py in group.points], start=HEIGHT - BOTTOM, end=TOP)
    parts = [framed(across, up, x.label, y.label)]
    for group in groups:
        if group.crossed:
            m = MARK
            path = "".join(
                f"M{across(px) - m:.1f} {up(py) - m:.1f}l{2 * m} {2 * m}m0 {-2 * m}l{-2 * m} {2 * m}"
                for px, py in group.points
            )
            parts.append(f'<path class="cross k{group.colour}" d="{path}"/>')
        else:
            path = "".join(f"M{across(px):.1f} {up(py):.1f}h0" for px, py in group.points)
            parts.append(f'<path class="spot k{group.colour}" d="{path}"/>')
    return as_svg(parts, name)
