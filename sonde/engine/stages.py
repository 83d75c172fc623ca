"""Stages of a run: which phases are at work at which steps, where phases follow one another."""

import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from sonde.core.errors import ConfigError
from sonde.core.seams import Phase, Stage


@dataclass(frozen=True, kw_only=True)
class Stages:
    """The stages of a run in their order, and the step at which each but the last ends; the last goes on to the run's end.

    ends: steps done when stage 0, 1, … ends: the step after it is the next stage's first
    """

    stages: tuple[Stage, ...] = ()
    ends: tuple[int, ...] = ()

    def at(self, step: int) -> tuple[int, int, int]:
        """(which stage the 1-based `step` belongs to, from 0; the stage's first step; its last), the last stage without end."""
        number = bisect_left(self.ends, step)
        return number, *self.bounds(number, total=sys.maxsize)

    def bounds(self, number: int, *, total: int) -> tuple[int, int]:
        """(first, last) 1-based steps of a stage in a run of `total` steps."""
        first = self.ends[number - 1] + 1 if number else 1
        return first, self.ends[number] if number < len(self.ends) else total

    def steps_of(self, stage: Stage | None, *, total: int) -> int:
        """How many steps a phase of this stage has in a run of `total`: all of them without a stage."""
        if stage is None:
            return total
        first, last = self.bounds(self.stages.index(stage), total=total)
        return max(1, last - first + 1)

    def moved(self, *, total: int, done: int) -> "Stages":
        """The stages of a run that ends at step `total` instead, `done` steps of which are done: stages that ended, ended there.

        Raises: ConfigError when a stage would be left without a step
        """
        planned = _ends(self.stages, total)
        ends = [before if before <= done else max(now, done) for before, now in zip(self.ends, planned, strict=True)]
        return Stages(stages=self.stages, ends=tuple(ends))


def plan_stages(phases: Sequence[Phase], *, total: int) -> Stages:
    """The stages of a task's phases in the order in which they are first named, for a run of `total` steps.

    Raises: ConfigError when a stage would have no step
    """
    stages = tuple(dict.fromkeys(phase.stage for phase in phases if phase.stage is not None))
    return Stages(stages=stages, ends=_ends(stages, total))


def _ends(stages: tuple[Stage, ...], total: int) -> tuple[int, ...]:
    """Where all but the last end: those with `steps` take these, the others share what is left of `total`."""
    if not stages:
        return ()
    left = total - sum(stage.steps or 0 for stage in stages)
    shares = sum(stage.share for stage in stages if stage.steps is None)
    ends: list[int] = []
    at = 0.0
    for stage in stages[:-1]:
        at += stage.share / shares * left if stage.steps is None else stage.steps
        ends.append(round(at))
    for number, (first, last) in enumerate(zip([0, *ends], [*ends, total], strict=True)):
        if last <= first:
            raise ConfigError(
                f"stage {stages[number].name!r} would have no step in a run of {total:,}; make the run longer, or the "
                "stages before it shorter"
            )
    return tuple(ends)
