"""What a run that acts, or plays games, is measured by: not rows, but what it did."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sonde.core.units import counted
from sonde.report.folder import Reading


class Measure(NamedTuple):
    """How it is measured.

    part: of result.json;  amount: a number there that says how much it did, of which are said `one` or `several`
    paced: a number there that says how fast it was, of which is said `pace`, and of its curve `drawn`
    """

    part: str
    amount: str
    one: str
    several: str
    paced: str
    pace: str
    drawn: str


MEASURES = (
    Measure(
        "experience",
        "environment_steps",
        "environment step",
        "environment steps",
        "environment_steps",
        "environment steps",
        "Steps of the environments",
    ),
    Measure("self_play", "games", "game of self-play", "games of self-play", "moves", "moves", "Moves of self-play"),
)


def measure_of(run: Reading) -> Measure | None:
    """How it is measured; None of a run that reads rows."""
    for each in MEASURES:
        if isinstance(run.result.get(each.part), Mapping) or any(each.amount in line for line in run.steps[:1]):
            return each
    return None


def taken(run: Reading) -> str:
    """How much it did so far, in words; "" of a run that reads rows, and where it is not known."""
    measure = measure_of(run)
    if measure is None:
        return ""
    held = {**(run.steps[-1] if run.steps else {}), **_whole(run, measure)}
    number = held.get(measure.amount)
    return counted(int(number), measure.one, measure.several) if isinstance(number, int | float) else ""


def pace(run: Reading, lines: Sequence[Mapping[str, Any]]) -> tuple[str, float | None]:
    """(what is done in a second, how much of it): of the whole run once it has ended, else over some lines of its log."""
    measure = measure_of(run)
    what, key = ("rows", "rows") if measure is None else (measure.pace, measure.paced)
    whole = run.result.get("samples_per_s") if measure is None else _whole(run, measure).get("per_s")
    if run.done and whole:
        return what, float(whole)
    if len(lines) < 2:
        return what, None
    done, seconds = ((lines[-1].get(name) or 0) - (lines[0].get(name) or 0) for name in (key, "seconds"))
    return what, done / seconds if done > 0 and seconds > 0 else None


def _whole(run: Reading, measure: Measure) -> Mapping[str, Any]:
    held = run.result.get(measure.part)
    return held if isinstance(held, Mapping) else {}
