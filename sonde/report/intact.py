"""Drawing a page from a folder of which some file holds what no run writes: that file is left out, and named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from sonde.core.damaged import DAMAGE
from sonde.core.errors import first_line
from sonde.report.folder import Reading

FILES = {
    "config": "config.yaml", "plan": "plan.json", "data": "data.json", "env": "env.json", "result": "result.json",
    "lr_range": "lr_range.json", "features": "features.json", "samples": "samples/",
}  # fmt: skip
LOGS = ("steps", "evaluations", "events", "logged")  # kinds of lines in metrics.jsonl


Drawn = TypeVar("Drawn")


def drawn(run: Reading, draw: Callable[[Reading], Drawn], troubles: tuple[type[Exception], ...] = ()) -> Drawn:
    """`draw(run)`, without the files that cannot be drawn.

    troubles: further kinds of errors that damaged files lead to
    """
    kinds = (*DAMAGE, *troubles)
    try:
        return draw(run)
    except kinds as error:
        trouble = error
    for name, less in _each_left_out(run):
        try:
            return draw(_saying(less, [name], trouble))
        except kinds:
            continue
    # several are damaged: they are left out one after the other until the rest can be drawn
    left_out: list[str] = []
    for name, _ in [*_each_left_out(run)]:
        run = dict(_each_left_out(run)).get(name, run)
        left_out.append(name)
        try:
            return draw(_saying(run, left_out, trouble))
        except kinds as error:
            trouble = error
    raise trouble  # nothing is left, so that the fault is in what draws


def _saying(run: Reading, names: list[str], trouble: Exception) -> Reading:
    text = f"{', '.join(names)} does not hold what a run writes there ({first_line(trouble)[:200]}) and was left out"
    return replace(run, unreadable=(*run.unreadable, text))


def _each_left_out(run: Reading) -> Iterator[tuple[str, Reading]]:
    """(file, the reading without it) for each that holds something."""
    for split, details in run.evaluated.items():
        for stem in details:
            less: dict[str, Any] = {name: value for name, value in details.items() if name != stem}
            yield f"evaluation/{split}/{stem}.json", replace(run, evaluated={**run.evaluated, split: less})
    for field, name in FILES.items():
        if getattr(run, field):
            yield name, replace(run, **{field: {}})
    if run.findings:
        yield "findings.jsonl", replace(run, findings=[])
    if run.signals:
        yield "signals.jsonl", replace(run, signals=())
    if any(getattr(run, field) for field in LOGS):
        yield "metrics.jsonl", replace(run, **dict.fromkeys(LOGS, ()))
