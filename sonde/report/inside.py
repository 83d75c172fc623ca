"""The report's section on the network's inside: a heat map of layers by steps for each quantity, below a sentence."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

from markupsafe import Markup

from sonde.core.units import ABSENT, count, share
from sonde.report.additions import Section
from sonde.report.folder import Reading
from sonde.report.layers import (
    HEALTHY_STEPS,
    Grid,
    Inside,
    compact,
    error_says,
    gradient_says,
    inside,
    spread_says,
    stuck_says,
    update_says,
)

FEWEST = 3  # looks, below which there is nothing to draw
MOST_LAYERS, MOST_LOOKS = 26, 30  # of a map; of more the first, the last and those evenly between
WIDTH, NAMES, NUMBERS, ROW, HEAD, FOOT = 460, 126, 52, 15, 18, 34
LEAST_RATIO = 10.0  # of the darkest to the lightest value
LETTERS = 16  # of a layer's name
FAINTEST, STRONGEST = 0.06, 0.94

ABOUT = (
    "What went on between the layers, measured at some of the steps: rows are layers from the input (top) to the "
    "output, columns the steps that were measured. Dark is large; the numbers are those of the first and the last of "
    "these steps."
)


def inside_section(run: Reading) -> Section | None:
    """The section of a run with signals.jsonl; None of one without. Raises: KeyError, TypeError, ValueError for damaged lines"""
    seen = inside(run.signals)
    if seen is None:
        return None
    figures = [_figure(each) for each in _quantities(seen) if each.grid.names]
    html = Markup('<div class="grid">\n{}</div>\n').format(Markup("").join(figures))
    return Section(name="inside", title="Inside the network", html=html, note=ABOUT)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What is drawn. says: what this run shows, of the grid;  caption: how to read it;  percent: whether values are drawn so"""

    title: str
    grid: Grid
    says: Callable[[Grid], str]
    caption: str
    is_share: bool = False
    percent: bool = False


def _quantities(seen: Inside) -> list[Quantity]:
    return [
        Quantity(
            title="Error signal δ",
            grid=seen.error,
            says=error_says,
            caption="Root mean square of the loss's gradient with respect to a layer's output: what back-propagation "
            "passes back.",
        ),
        Quantity(
            title="Gradient of the weights",
            grid=seen.gradient,
            says=gradient_says,
            caption="Norm, as used for the update. From layer to layer it should stay within one order of magnitude.",
        ),
        Quantity(
            title="Spread of the activations",
            grid=seen.spread,
            says=spread_says,
            caption="Standard deviation over units and rows. Towards 0: all rows look alike; growing: values explode.",
        ),
        Quantity(
            title="Dead and saturated units",
            grid=seen.stuck,
            says=stuck_says,
            caption="Share of units that are 0 for all rows of the batch, or of values within 3 % of an activation's limit.",
            is_share=True,
        ),
        Quantity(
            title="Update / weight, %",
            grid=seen.update,
            says=update_says,
            caption=f"By how much a step changes a weight, relative to its size: {HEALTHY_STEPS}.",
            percent=True,
        ),
    ]


def _figure(shown: Quantity) -> Markup:
    grid, caption, drawn = shown.grid, shown.caption, Markup("")
    if len(grid.steps) < FEWEST:
        caption += f" Only {len(grid.steps)} of the steps {'was' if len(grid.steps) == 1 else 'were'} measured, too few to draw."
    else:
        values = [[None if value is None else 100 * value for value in row] for row in grid.values]
        drawn = heat(
            replace(grid, values=values) if shown.percent else grid,
            name=f"{shown.title} by layer and step",
            as_share=shown.is_share,
        )
    text = Markup('<figure>\n<h3>{}</h3>\n<p class="says">{}</p>\n{}\n<figcaption>{}</figcaption>\n</figure>\n')
    return text.format(shown.title, _unbroken(shown.says(grid)), drawn, _unbroken(caption))


def _unbroken(text: str) -> str:
    """Numbers stay with their unit, and activations with their layer, where lines are broken."""
    return text.replace(" %", "\u00a0%").replace(" → ", "\u00a0→\u00a0")


def heat(grid: Grid, *, name: str, as_share: bool = False) -> Markup:
    """Layers by steps, on a logarithmic scale of colours; shares on a linear one."""
    rows, looks = _some(len(grid.names), MOST_LAYERS), _some(len(grid.steps), MOST_LOOKS)
    shown = [[grid.values[row][look] for look in looks] for row in rows]
    known = [value for row in shown for value in row if value is not None and (value > 0 or as_share)]
    low, high = (0.0, 1.0) if as_share else (min(known, default=1.0), max(known, default=1.0))
    narrow = max(1.0, (LEAST_RATIO * low / high) ** 0.5) if not as_share else 1.0  # small differences are to look small
    wide = (WIDTH - NAMES - 2 * NUMBERS) / len(looks)
    written = (lambda value: share(value, 0)) if as_share else compact
    right = WIDTH - NUMBERS
    parts = [
        _text(right, 11, f"step {count(grid.steps[looks[0]])}", "end", "ax"),
        _text(WIDTH, 11, count(grid.steps[looks[-1]]), "end", "ax"),
    ]
    for place, row in enumerate(rows):
        cells = zip(looks, shown[place], strict=True)
        drawn = "".join(
            _cell(
                column * wide,
                wide,
                _strength(value, low / narrow, high * narrow, as_share),
                f"{grid.names[row]}, step {count(grid.steps[look])}: {ABSENT if value is None else written(value)}",
                "miss" if as_share else "hit",
            )
            for column, (look, value) in enumerate(cells)
        )
        y = HEAD + place * ROW
        parts.append(f'<g transform="translate({NAMES} {y})">{drawn}</g>')
        parts.append(_text(NAMES - 6, y + 11, _cut(grid.names[row]), "end", "tx"))
        for x, value in ((right, shown[place][0]), (WIDTH, shown[place][-1])):
            parts.append(_text(x, y + 11, ABSENT if value is None else written(value), "end", "tx"))
    bottom = HEAD + len(rows) * ROW
    parts += _scale(bottom + 10, written(low / narrow), written(high * narrow), "miss" if as_share else "hit")
    if len(rows) < len(grid.names):
        parts.append(_text(NAMES - 6, bottom + 19, f"{len(rows)} of {count(len(grid.names))} layers", "end", "ax"))
    svg = '<svg viewBox="0 0 {w} {h}" role="img" aria-label="{name}">{parts}</svg>'
    return Markup(svg.format(w=WIDTH, h=bottom + FOOT, name=escape(name), parts="".join(parts)))


def _some(count_of: int, most: int) -> list[int]:
    """Places of the first, the last and those evenly between.

    >>> _some(3, 5), _some(10, 4)
    ([0, 1, 2], [0, 3, 6, 9])
    """
    if count_of <= most:
        return list(range(count_of))
    return [round(place * (count_of - 1) / (most - 1)) for place in range(most)]


def _strength(value: float | None, low: float, high: float, as_share: bool) -> float:
    """How dark; 0 where nothing was measured, or it is 0."""
    if value is None or value <= 0:
        return 0.0
    part = min(1.0, value) if as_share else math.log(value / low) / math.log(high / low)
    return FAINTEST + (STRONGEST - FAINTEST) * part


def _cell(x: float, width: float, strength: float, title: str, kind: str) -> str:
    box = f'x="{x:.1f}" width="{max(1.0, width - 1):.1f}" height="{ROW - 1}"'
    shade = f'class="{kind}" fill-opacity="{strength:.2f}"' if strength else 'class="cell"'
    return f"<rect {shade} {box}><title>{escape(title)}</title></rect>"


def _scale(y: float, low: str, high: str, kind: str) -> list[str]:
    """The colours from the smallest to the largest value."""
    steps, wide = 8, 14
    x = NAMES + 52
    parts = [_text(x - 6, y + 9, low, "end", "ax")]
    for place in range(steps):
        strength = FAINTEST + (STRONGEST - FAINTEST) * place / (steps - 1)
        parts.append(
            f'<rect class="{kind}" fill-opacity="{strength:.2f}" x="{x + place * wide}" y="{y}" width="{wide}" height="10"/>'
        )
    return [*parts, _text(x + steps * wide + 6, y + 9, high, "start", "ax")]


def _text(x: float, y: float, text: str, anchor: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _cut(name: str) -> str:
    """The end of a long name, which tells layers apart."""
    return name if len(name) <= LETTERS else "…" + name[1 - LETTERS :]


def table(seen: Inside, *, widest: int = 16) -> tuple[list[str], list[tuple[str, ...]]]:
    """(columns, rows) for a terminal of 80 columns: a row for each layer, from the network's input to its output."""
    columns = ["layer", "δ", "δ last", "grad", "grad last", "spread", "stuck", "step"]
    gradient, update = _by_layer(seen.gradient), _by_layer(seen.update)
    error, spread, stuck = _by_layer(seen.error), _by_layer(seen.spread), _by_layer(seen.stuck)
    rows = []
    for layer in dict.fromkeys([*error, *gradient]):
        changes = sorted(value for value in update.get(layer, ()) if value is not None)
        rows.append(
            (
                layer if len(layer) <= widest else "…" + layer[1 - widest :],
                *(_at(error.get(layer), place) for place in (0, -1)),
                *(_at(gradient.get(layer), place) for place in (0, -1)),
                _at(spread.get(layer), -1),
                _at(stuck.get(layer), -1, percent=True),
                f"{compact(100 * changes[len(changes) // 2])} %" if changes else ABSENT,
            )
        )
    return columns, rows


def _by_layer(grid: Grid) -> dict[str, Sequence[float | None]]:
    """The rows of a grid by the name of the layer: of a weight and of an activation that of the layer they belong to."""
    found: dict[str, Sequence[float | None]] = {}
    for name, row in zip(grid.names, grid.values, strict=True):
        found.setdefault(name.partition(" → ")[0].removesuffix(".weight"), row)
    return found


def _at(row: Sequence[float | None] | None, place: int, *, percent: bool = False) -> str:
    value = None if row is None else row[place]
    if value is None:
        return ABSENT
    return share(value, 0) if percent else compact(value)
