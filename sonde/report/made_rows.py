"""The part of a report that shows rows of a table which the model has made beside real ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, share
from sonde.report.additions import grid
from sonde.report.distributions import Bar, histogram, paired_bars
from sonde.report.figures import Axis, scatter
from sonde.report.learning import Figure

MOST = 12  # columns that are drawn, those that differ most first
MOST_NAME = 60  # characters of a column's name
COLOURS = Markup(
    '<p class="aside"><svg class="key" viewBox="0 0 10 10"><rect class="f1" width="10" height="10"/></svg> made rows &nbsp; '
    '<svg class="key" viewBox="0 0 10 10"><rect class="f2" width="10" height="10"/></svg> real rows</p>\n'
)
TABLE = Markup(
    '<h3>{}</h3>\n<div class="scroll"><table class="rows"><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>\n'
)


def made_rows_html(found: Mapping[str, Any], split: str) -> Markup:
    """What `compared` of samples.json holds. split: of the real rows"""
    names, rows = found["names"], found["rows"]
    html = _table("Made rows", names, rows["made"]) + _table(f"Rows of the {split} data", names, rows["real"])
    columns = sorted(found["columns"], key=lambda each: -float(each["apart"]))
    figures = [_figure(each) for each in columns[:MOST]]
    if pairs := (found.get("correlations") or {}).get("pairs"):
        figures.append(_correlations(pairs))
    left = f" {count(len(columns) - MOST)} more columns differ less." if len(columns) > MOST else ""
    told = Markup('<h3>Column by column</h3>\n<p class="aside">Those that differ most first.{}</p>\n').format(left)
    return html + told + COLOURS + grid(figures)


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    head = Markup("").join(Markup("<th>{}</th>").format(_short(name)) for name in names)
    body = [Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row) for row in rows]
    return TABLE.format(title, head, Markup("").join(Markup("<tr>{}</tr>\n").format(row) for row in body))


def _figure(each: Mapping[str, Any]) -> Figure:
    name, made, real = _short(each["name"]), list(map(float, each["made"])), list(map(float, each["real"]))
    alt = f"{name}: made and real rows"
    if each["kind"] == "category":
        labels = [str(label) for label in each["labels"]]
        svg = paired_bars(list(zip(labels, made, real, strict=True)), name=alt)
    else:
        svg = _histogram(
            name if each["kind"] == "number" else f"{name}, seconds since 1970", each["edges"], made, real, alt
        )
    caption = f"{share(float(each['apart']), 0)} of the made rows would have to change for the same shares."
    gaps = [share(float(gap), 0) for gap in each["gaps"]]
    if any(map(float, each["gaps"])):
        caption += f" Gaps: {gaps[0]} of the made rows, {gaps[1]} of the real ones."
    return Figure(title=name, svg=svg, caption=caption)


def _histogram(label: str, edges: Sequence[float], made: Sequence[float], real: Sequence[float], alt: str) -> Markup:
    """Two bars in each bin, side by side."""
    bars = []
    for low, high, one, other in zip(edges, edges[1:], made, real, strict=False):
        middle = (low + high) / 2
        where = f"{low:.6g} to {high:.6g}"
        bars.append(Bar(low=low, high=middle, height=one, colour=1, title=f"{where}: {share(one, 1)} of the made rows"))
        bars.append(
            Bar(low=middle, high=high, height=other, colour=2, title=f"{where}: {share(other, 1)} of the real rows")
        )
    return histogram(bars, Axis(label=label), Axis(label="share of the rows"), name=alt)


def _correlations(pairs: Sequence[Sequence[Any]]) -> Figure:
    points = [(float(real), float(made)) for _, _, made, real in pairs]
    svg = scatter(
        points, Axis(label="in real rows"), Axis(label="in made rows"), name="Correlations of columns", line="diagonal"
    )
    first, second, made, real = max(pairs, key=lambda pair: abs(float(pair[2]) - float(pair[3])))
    mean = sum(abs(one - other) for one, other in points) / len(points)
    caption = (
        f"Spearman's correlation of each pair of columns; on the line it is the same. They differ by {mean:.2f} on average, and "
        f"most of {_short(first)} and {_short(second)}: {float(made):.2f} in made rows, {float(real):.2f} in real ones."
    )
    return Figure(title="Which columns go together", svg=svg, caption=caption)


def _short(name: Any) -> str:
    return str(name)[:MOST_NAME]
