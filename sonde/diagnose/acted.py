"""How a policy does while it trains, by what the log holds of it: figures of its experience, and the parts of its losses."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sonde.core.units import count, number

FEW = 20  # episodes: a mean return of fewer says little
MOST = 2048  # entries that are kept: of more every second one
RISEN = 0.1  # of the range of all returns: what the mean return has to come up by

TOLD = {
    "train_return": "mean return of the last 100 episodes",
    "train_length": "their mean length",
    "entropy": "entropy of the policy, nats",
    "kl": "KL divergence from the policy that acted",
    "clipped": "share of the ratios beyond the clip range",
    "at_bound": "share of the actions at one of their bounds",
    "explained_variance": "share of the variance of returns that values explain",
    "exploration": "share of the actions drawn at random",
}


@dataclass(frozen=True, kw_only=True)
class Acted:
    """What was logged at a step: figures of a source such as "train_return", parts of losses such as "policy/entropy"."""

    step: int
    numbers: Mapping[str, float]


class Logged(NamedTuple):
    """figures: those of a source;  every: so many steps they are logged"""

    figures: Callable[[], Mapping[str, float]]
    every: int


@dataclass(kw_only=True)
class Course:
    """All entries of a run, in order."""

    entries: list[Acted] = field(default_factory=list)

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take an entry; where there are too many, every second one is forgotten."""
        self.entries.append(Acted(step=step, numbers=numbers))
        if len(self.entries) > MOST:
            del self.entries[1::2]

    def now(self, name: str) -> float:
        """The latest number of that name; nan where there is none."""
        return next((each.numbers[name] for each in reversed(self.entries) if name in each.numbers), math.nan)

    def of(self, part: str) -> list[tuple[int, float]]:
        """(step, number) of a part of a loss, whatever the phase is called; the numbers that are finite."""
        ending = f"/{part}"
        return [
            (each.step, value)
            for each in self.entries
            for name, value in each.numbers.items()
            if name.endswith(ending) and math.isfinite(value)
        ]

    def signs(self) -> tuple[list[str], list[tuple[str, ...]]]:
        """(titles, rows) of a table of what rules go by: what was logged first, halfway and last; no rows of too few entries."""
        if len(self.entries) < 3:
            return [], []
        shown = [self.entries[place] for place in (0, len(self.entries) // 2, -1)]
        rows = []
        for name, told in TOLD.items():
            values = [_logged(each.numbers, name) for each in shown]
            if any(map(math.isfinite, values)):
                rows.append((told, *(number(value) if math.isfinite(value) else "–" for value in values)))
        return ["what was logged", *(f"step {count(each.step)}" for each in shown)], rows

    def returns(self) -> list[tuple[int, float]]:
        """(step, mean return of the last episodes of training), since there are some episodes."""
        return [
            (each.step, each.numbers["train_return"])
            for each in self.entries
            if each.numbers.get("episodes", 0) >= FEW and math.isfinite(each.numbers.get("train_return", math.nan))
        ]

    def span(self) -> float:
        """Between the lowest and the highest return of an episode so far; nan before one ended."""
        return self.now("return_highest") - self.now("return_lowest")


def _logged(numbers: Mapping[str, float], name: str) -> float:
    """That of a source, or of a part of a loss, whatever the phase is called; nan where there is none."""
    return next((value for key, value in numbers.items() if key == name or key.endswith(f"/{name}")), math.nan)


def level(values: Sequence[tuple[int, float]], share: float = 0.2, least: int = 5) -> float:
    """Median of the last share of some values; nan where there are too few."""
    last = values[-max(least, round(share * len(values))) :]
    return statistics.median(value for _, value in last) if len(last) >= least else math.nan


def course_of(lines: Iterable[Mapping[str, Any]], since: int = 0) -> Course:
    """That of the lines of metrics.jsonl about steps. since: the step after which they count"""
    course = Course()
    for line in lines:
        if line.get("kind") == "step" and isinstance(line.get("step"), int) and line["step"] > since:
            numbers = {name: float(value) for name, value in line.items() if isinstance(value, int | float)}
            course.add(line["step"], numbers)
    return course
