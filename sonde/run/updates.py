"""From a task's phases to their updates: each with its optimiser, rate, schedule and clipping, or the run's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from sonde.core.config import OptimConfig, replace_leaves
from sonde.core.errors import ConfigError
from sonde.core.seams import Phase
from sonde.engine.stages import Stages
from sonde.engine.step import Update
from sonde.optim.build import build_optimizer, groups_of
from sonde.optim.fused_adam import spare_the_compiler
from sonde.optim.schedules import Schedule, constant, schedule, warmed

OF_THE_RUN = ("ema",)  # what no phase can have for itself


def updates(
    phases: Sequence[Phase],
    modules: nn.Module,
    optim: OptimConfig,
    *,
    lr: float,
    device_type: str,
    shapes: Mapping[str, Schedule],
    shares: Mapping[str, float],
) -> list[Update]:
    """One update per phase. An optimiser is made here also where its stage begins later, so that what is wrong shows at once.

    lr:     peak rate of the phases that have none of their own
    shapes: of the rate, by name of phase
    shares: of the rate, for parameters with a lower rate, by name
    Raises: ConfigError for settings of a phase that are unknown, or the run's alone
    """
    spare_the_compiler()
    made = []
    for phase in phases:
        named = named_parameters(modules, phase)
        config = settings_of(phase, optim)
        own = isinstance(phase.optimizer, Mapping) and "lr" in phase.optimizer
        further = None
        if callable(phase.optimizer):
            optimizer, own = phase.optimizer(named), True
        else:
            rate = float(config.lr) if own else lr
            optimizer = build_optimizer(config, named, lr=rate, device_type=device_type, shares=shares)
            further = _further(phase, modules, config, rate, shares)
        made.append(
            Update(
                phase=phase,
                optimizer=optimizer,
                multiplier=shapes[phase.name],
                own_rate=own,
                clip=config.clip if phase.clip is None else phase.clip,
                clip_value=config.clip_value if phase.clip_value is None else phase.clip_value,
                further=further,
            )
        )
    return made


def _further(
    phase: Phase, modules: nn.Module, config: OptimConfig, lr: float, shares: Mapping[str, float]
) -> Callable[[Sequence[nn.Parameter]], list[dict[str, Any]]]:
    """Groups for parameters that a phase is to train from some step on, as they were made for those it began with."""
    return lambda more: groups_of(config, named_parameters(modules, phase), lr=lr, shares=shares, among=more)


def schedules(phases: Sequence[Phase], optim: OptimConfig, stages: Stages, *, total: int | None) -> dict[str, Schedule]:
    """The shape of each phase's rate, by name: over the steps of its stage, or of the whole run of `total` steps.

    Where the length is not yet known (None) the rate stays at its peak, after a warm-up given in steps.
    Raises: ConfigError when warm-up and decay do not fit
    """

    def shape(phase: Phase) -> Schedule:
        config = settings_of(phase, optim)
        if total is None:
            return warmed(constant, round(config.warmup) if config.warmup >= 1 else 0)
        return schedule(config, total=stages.steps_of(phase.stage, total=total))

    return {phase.name: phase.schedule or shape(phase) for phase in phases}


def settings_of(phase: Phase, optim: OptimConfig) -> OptimConfig:
    """The run's settings with those that the phase has for itself. Raises: ConfigError."""
    if not isinstance(phase.optimizer, Mapping):
        return optim
    for name in OF_THE_RUN:
        if name in phase.optimizer:
            raise ConfigError(f"phase {phase.name!r}: {name} can only be set for the whole run")
    if phase.optimizer.get("lr") == "auto":
        raise ConfigError(f"phase {phase.name!r}: lr 'auto' is found for the whole run; give a number, or leave it out")
    return replace_leaves(OptimConfig, {**vars(optim), **phase.optimizer})


def named_parameters(modules: nn.Module, phase: Phase) -> list[tuple[str, nn.Parameter]]:
    """The phase's parameters with their names in the task's modules."""
    wanted = {id(parameter) for parameter in phase.parameters()}
    return [(name, parameter) for name, parameter in modules.named_parameters() if id(parameter) in wanted]
