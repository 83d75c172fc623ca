"""Phases and stages of a run: what phases may train, and which are at work at which steps, where they follow one another."""

import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from sonde.core.errors import ConfigError
from sonde.core.seams import Phase, Stage, Task, parameters_of


@dataclass(frozen=True, kw_only=True)
class Stages:
    """The stages of a run in their order, and the step at which each but the last ends; the last goes on to the run's end.

    ends: steps done when stage 0, 1, … ends: the step after it is the next stage's first
    batches: steps of an epoch, where they are known
    """

    stages: tuple[Stage, ...] = ()
    ends: tuple[int, ...] = ()
    batches: int | None = None

    def at(self, step: int) -> tuple[int, int, int]:
        """(which stage the 1-based `step` belongs to, from 0; the stage's first step; its last), the last stage without end."""
        number = bisect_left(self.ends, step)
        return number, *self.bounds(number, total=sys.maxsize)

    def begins(self, step: int) -> Stage | None:
        """The stage whose first step the 1-based `step` is."""
        if not self.stages:
            return None
        number, first, _ = self.at(step)
        return self.stages[number] if step == first else None

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
        planned = _ends(self.stages, total, self.batches)
        ends = [before if before <= done else max(now, done) for before, now in zip(self.ends, planned, strict=True)]
        return Stages(stages=self.stages, ends=tuple(ends), batches=self.batches)


def plan_stages(phases: Sequence[Phase], *, total: int, batches: int | None = None) -> Stages:
    """The stages of a task's phases in the order in which they are first named, for a run of `total` steps.

    batches: steps of an epoch, where they are known
    Raises: ConfigError when a stage would have no step, or is counted in epochs of unknown length
    """
    stages = _named(phases)
    return Stages(stages=stages, ends=_ends(stages, total, batches), batches=batches)


def check_phases(task: Task) -> None:
    """Raises: ConfigError for phases of one name, or that train nothing, another's modules, or what `task.modules` lacks."""
    phases, modules = task.phases, task.modules
    for called in (
        phase.name for number, phase in enumerate(phases) if phase.name in {p.name for p in phases[:number]}
    ):
        raise ConfigError(f"two phases are called {called!r}; give each a name of its own")
    owned = {id(parameter) for parameter in modules.parameters()}
    for phase in phases:
        for module in phase.trains:
            if any(id(parameter) not in owned for parameter in parameters_of(module)):
                raise ConfigError(
                    f"phase {phase.name!r} trains {_attribute(task, module)}, which is not in task.modules, so that it would not "
                    "be moved, trained, saved or restored; add it there"
                )
        if not phase.parameters():
            what = ", ".join(type(module).__name__ for module in phase.trains) or "no module"
            raise ConfigError(
                f"phase {phase.name!r} has nothing to train: {what} without a parameter that requires a gradient"
            )
    for number, phase in enumerate(phases):
        trained = {id(parameter) for parameter in phase.parameters()}
        for other in phases[:number]:
            together = phase.stage is None or other.stage is None or phase.stage == other.stage
            shared = trained & {id(parameter) for parameter in other.parameters()}
            if together and shared:
                name = next(name for name, parameter in modules.named_parameters() if id(parameter) in shared)
                raise ConfigError(
                    f"phases {other.name!r} and {phase.name!r} both train {name.partition('.')[0]!r} ({name}) in the same stage; "
                    "let one of them train it, or give them different stages"
                )


def _attribute(task: Task, module: object) -> str:
    """What the task calls a module, where it has it as an attribute; else its class."""
    held = getattr(task, "__dict__", {})
    name = next((name for name, value in held.items() if value is module), None)
    return f"a {type(module).__name__}" if name is None else repr(name)


def fixed_length(phases: Sequence[Phase], *, batches: int | None = None) -> int | None:
    """The steps of all stages together; None unless each stage has `steps` or `epochs`, and where there are none.

    batches: steps of an epoch; where they are not known, nor is the length of stages in epochs
    """
    stages = _named(phases)
    steps = [_steps(stage, batches) for stage in stages]
    return sum(filter(None, steps)) if stages and None not in steps else None


def fixed_epochs(phases: Sequence[Phase]) -> float | None:
    """The epochs of all stages together; None unless each stage has `epochs`, and where there are none."""
    epochs = [stage.epochs for stage in _named(phases)]
    return sum(filter(None, epochs)) if epochs and None not in epochs else None


def check_total(
    phases: Sequence[Phase], total: int | None, *, length: str, remedy: str, batches: int | None = None
) -> None:
    """Raises: ConfigError where all stages have a length, and the run's is another than their sum.

    length: the run's length in words;  remedy: what to give instead, with {steps} for the sum
    batches: steps of an epoch, where they are known
    """
    for stage in _named(phases):
        if stage.epochs is not None and batches is None:
            raise _unknown_epochs(stage)
    fixed = fixed_length(phases, batches=batches)
    if fixed is not None and total != fixed:
        listed = ", ".join(f"{stage.name} {_steps(stage, batches):,}" for stage in _named(phases))
        raise ConfigError(
            f"the task's stages take {fixed:,} steps together ({listed}), and the run has {length}; "
            f"{remedy.format(steps=fixed)}, or leave the length of the last stage out"
        )


def _steps(stage: Stage, batches: int | None) -> int | None:
    """How many steps a stage says it has; None for one with a share, or epochs that are not known."""
    if stage.epochs is None:
        return stage.steps
    return None if batches is None else max(1, round(stage.epochs * batches))


def _unknown_epochs(stage: Stage) -> ConfigError:
    return ConfigError(
        f"stage {stage.name!r} has epochs={stage.epochs:g}, and the length of an epoch of these data is not known before one "
        "is over; give it steps="
    )


def _named(phases: Sequence[Phase]) -> tuple[Stage, ...]:
    """The stages in the order in which phases name them first. Raises: ConfigError for two different ones of one name"""
    stages = tuple(dict.fromkeys(phase.stage for phase in phases if phase.stage is not None))
    for number, stage in enumerate(stages):
        if stage.name in {before.name for before in stages[:number]}:
            raise ConfigError(
                f"two different stages are called {stage.name!r}; give phases of one stage the same Stage"
            )
    return stages


def _ends(stages: tuple[Stage, ...], total: int, batches: int | None) -> tuple[int, ...]:
    """Where all but the last end: those with a length take it, the others share what is left of `total`."""
    if not stages:
        return ()
    if (unknown := next((s for s in stages if s.epochs is not None and batches is None), None)) is not None:
        raise _unknown_epochs(unknown)
    steps = {stage: _steps(stage, batches) for stage in stages}
    left = total - sum(count or 0 for count in steps.values())
    shares = sum(stage.share for stage in stages if steps[stage] is None)
    ends: list[int] = []
    at = 0.0
    for stage in stages[:-1]:
        taken = steps[stage]
        at += stage.share / shares * left if taken is None else taken
        ends.append(round(at))
    for number, (first, last) in enumerate(zip([0, *ends], [*ends, total], strict=True)):
        if last <= first:
            raise ConfigError(
                f"stage {stages[number].name!r} would have no step in a run of {total:,}; make the run longer, or the "
                "stages before it shorter"
            )
    return tuple(ends)
