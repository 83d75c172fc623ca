"""How fast a run went over its course, and what memory it took, as metrics.jsonl tells."""

import statistics

from markupsafe import Markup

from sonde.core.units import count, number
from sonde.report.figures import Axis, Series, curves
from sonde.report.folder import Reading
from sonde.report.learning import Figure
from sonde.report.scale import Point

FEWEST = 3  # points
SLOW = 0.5  # of the median speed


def speed_figure(run: Reading) -> Figure | None:
    """Rows a second between logged steps; None where nothing was logged twice."""
    points = speeds(run)
    if not points:
        return None
    title, values = "Throughput", [value for _, value in points if value is not None]
    middle = statistics.median(values)
    if len(points) < FEWEST:
        return Figure(
            title=title, svg=Markup(""), caption=f"{count(middle)} rows a second, measured {len(points)} times."
        )
    svg = curves(
        [Series(name="rows a second", points=points, colour=1)],
        Axis(label="step"),
        Axis(label="rows a second", zero=True),
        name="Throughput over time",
    )
    low = min(values)
    caption = f"Median {number(middle)} rows a second, evaluations and checkpoints included where they fell in between."
    slow = sum(value < SLOW * middle for value in values)
    if slow:
        caption += f" {slow} of {len(values)} stretches went at less than half of that, the slowest at {number(low)}."
    else:
        caption += f" The slowest stretch went at {number(low)}."
    return Figure(title=title, svg=svg, caption=caption)


def speeds(run: Reading) -> list[Point]:
    """(step, rows a second since the line before) of each logged step; a resumed run's clock may go back, which is left out."""
    lines = [
        line for line in run.steps if isinstance(line.get("seconds"), int | float) and isinstance(line.get("rows"), int)
    ]
    found: list[Point] = []
    for before, line in zip(lines, lines[1:], strict=False):
        took, rows = line["seconds"] - before["seconds"], line["rows"] - before["rows"]
        if took > 0 and rows > 0:
            found.append((float(line["step"]), rows / took))
    return found
