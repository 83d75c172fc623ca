"""From a task's phases to their updates: each with its optimiser, rate, schedule and clipping, or the run's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from sonde.core.config import OptimConfig, Precision, replace_leaves
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.findings import Finding
from sonde.core.given_object import GivenObject, as_setting, text_of
from sonde.core.seams import Phase, parameters_of
from sonde.core.units import ordinal
from sonde.engine.stages import Stages
from sonde.engine.update import Update, has_sparse_gradients, peak_rates, sparse_in
from sonde.optim.build import build_optimizer, groups_of
from sonde.optim.custom import (
    OURS,
    SETTINGS,
    check_dense,
    check_parameters,
    check_sparse,
    class_of,
    defaults,
    makes_its_own,
    needs_closure,
    reads,
)
from sonde.optim.groups import tables_in
from sonde.optim.schedulers import Every, Scheduler, function_of_step, scheduler_of
from sonde.optim.schedules import Schedule, constant, schedule, warmed

OF_THE_RUN = ("ema",)  # what no phase can have for itself
FASTER = ("foreach", "fused", "capturable")  # how an update is computed; may differ on another device
TURNED = (
    "betas",
    "momentum",
    "max_momentum",
    "base_momentum",
)  # hyperparameters that a scheduler may turn beside the rate


def updates(
    phases: Sequence[Phase],
    modules: nn.Module,
    optim: OptimConfig,
    *,
    lr: float | None,
    device_type: str,
    shapes: Mapping[str, Schedule],
    shares: Mapping[str, float],
    mode: Literal["min", "max"] = "min",
) -> list[Update]:
    """One update per phase. An optimiser is made here also where its stage begins later, so that what is wrong shows at once.

    lr:     peak rate of the phases that have none of their own; None where there are no such
    shapes: of the rate, by name of phase
    shares: of the rate, for parameters with a lower rate, by name
    mode:   whether the monitored metric is better small or large, for schedules that watch it
    Raises: ConfigError for settings of a phase that are unknown, or the run's alone, and for optimisers or schedules that do
            not fit the network
    """
    names = {id(parameter): name for name, parameter in modules.named_parameters()}
    made, tables = [], tables_in(modules)
    for phase in phases:
        config = settings_of(phase, optim)
        own = makes_its_own(config.optimizer) or _own_rate(phase)
        rate = config.lr if own else lr
        if rate is None and not makes_its_own(config.optimizer):
            raise ConfigError(
                f"phase {phase.name!r}: {config.optimizer} needs a rate, and the run's optimizer has one of its own; give the "
                'phase one: optimizer={"lr": …}'
            )
        named = named_parameters(modules, phase)
        peak = 0.0 if rate is None else float(rate)
        sparse = any(has_sparse_gradients(module) for module in phase.trains)
        optimizer = build_optimizer(
            config, named, lr=peak, device_type=device_type, shares=shares, sparse=sparse, tables=tables
        )
        if sparse:
            check_sparse(optimizer, config.optimizer)
        check_dense(optimizer, config.optimizer, sparse=sparse_in(modules))
        everything = [parameter for trained in phase.trains for parameter in parameters_of(trained)]
        check_parameters(optimizer, config.optimizer, phase=phase.name, own=everything, names=names)
        update = Update(
            phase=phase,
            optimizer=optimizer,
            multiplier=shapes[phase.name],
            own_rate=own,
            clip=config.clip if phase.clip is None else phase.clip,
            clip_value=config.clip_value if phase.clip_value is None else phase.clip_value,
            scheduler=scheduler_of(config, optimizer, mode=mode) if _is_torchs(config) else None,
            closure=needs_closure(optimizer),
            custom=config.optimizer not in OURS,
            further=None if makes_its_own(config.optimizer) else _further(phase, modules, config, peak, shares),
        )
        _check_clipping(update, config)
        made.append(update)
    return made


def _further(
    phase: Phase, modules: nn.Module, config: OptimConfig, lr: float, shares: Mapping[str, float]
) -> Callable[[Sequence[nn.Parameter]], list[dict[str, Any]]]:
    """Groups for parameters that a phase is to train from some step on, as they were made for those it began with."""
    return lambda more: groups_of(
        config, named_parameters(modules, phase), lr=lr, shares=shares, among=more, tables=tables_in(modules)
    )


def schedules(phases: Sequence[Phase], optim: OptimConfig, stages: Stages, *, total: int | None) -> dict[str, Schedule]:
    """The shape of each phase's rate, by name: over the steps of its stage, or of the whole run of `total` steps.

    Where the length is not yet known (None) the rate stays at its peak, after a warm-up given in steps. A scheduler of torch
    sets the rate itself, see `updates`.
    Raises: ConfigError when warm-up and decay do not fit
    """

    def shape(phase: Phase) -> Schedule:
        config = settings_of(phase, optim)
        if not isinstance(config.schedule, str):
            return function_of_step(config.schedule) or constant
        if total is None:
            return warmed(constant, round(config.warmup) if config.warmup >= 1 else 0)
        return schedule(config, total=stages.steps_of(phase.stage, total=total))

    return {phase.name: shape(phase) for phase in phases}


def settings_of(phase: Phase, optim: OptimConfig) -> OptimConfig:
    """The run's settings with those that the phase has for itself. Raises: ConfigError."""
    own: dict[str, Any] = {}
    if isinstance(phase.optimizer, Mapping):
        own = {name: as_setting(name, value) for name, value in phase.optimizer.items()}
    elif phase.optimizer is not None:
        own = {"optimizer": as_setting("optimizer", phase.optimizer)}
    if phase.schedule is not None:
        own["schedule"] = as_setting("schedule", phase.schedule)
    for name in OF_THE_RUN:
        if name in own:
            raise ConfigError(f"phase {phase.name!r}: {name} can only be set for the whole run")
    if own.get("lr") == "auto":
        raise ConfigError(f"phase {phase.name!r}: lr 'auto' is found for the whole run; give a number, or leave it out")
    if not own:
        return optim
    chosen = own.get("optimizer", optim.optimizer)
    if chosen in OURS or "optimizer" not in own:
        return replace_leaves(OptimConfig, {**vars(optim), **own})
    usual = _usual(phase, chosen, own)
    return replace_leaves(OptimConfig, {**vars(optim), **usual, **own})


def _usual(phase: Phase, chosen: str | GivenObject, own: Mapping[str, Any]) -> dict[str, Any]:
    """What an optimiser that is not ours has by itself for what the phase leaves open: nothing of the run's was meant for it."""
    replace_leaves(OptimConfig, {"optimizer": chosen})  # refuses an unknown name
    if unread := [name for name in SETTINGS if name in own and name not in reads(chosen)]:
        what = "has its own" if makes_its_own(chosen) else "does not read it"
        raise ConfigError(f"phase {phase.name!r}: {unread[0]} has no effect: {chosen} {what}; leave it out")
    kind = class_of(chosen)
    return {"lr": None} if kind is None else {"lr": None, **defaults(kind)}


def _own_rate(phase: Phase) -> bool:
    """Whether the phase says what its rate is, itself or by an optimiser with one of its own."""
    if phase.optimizer is None:
        return False
    if not isinstance(phase.optimizer, Mapping):
        return True
    return "lr" in phase.optimizer or phase.optimizer.get("optimizer", "adam") not in OURS


def _is_torchs(config: OptimConfig) -> bool:
    """Whether a scheduler of torch sets the rate."""
    if isinstance(config.schedule, str):
        return config.schedule == "plateau"
    return function_of_step(config.schedule) is None


def _check_clipping(update: Update, config: OptimConfig) -> None:
    """Raises: ConfigError for clipping where gradients are compared with each other."""
    for name, value in (("clip", update.clip), ("clip_value", update.clip_value)):
        if update.closure and value:
            raise ConfigError(
                f"{name}={value:g} cannot be combined with optimizer={config.optimizer}: its line search needs the "
                f"gradient of the loss itself; leave {name} out, or give the phase {name}=0"
            )


def check_search(updates: Sequence[Update], precision: Precision, *, compiled: bool) -> None:
    """Raises: ConfigError for a way to compute steps in which an optimiser cannot compute the loss again."""
    for update in updates:
        name = type(update.optimizer).__name__
        if update.closure and precision == "fp16":
            raise ConfigError(f"--precision fp16: {name} compares losses, which fp16 scales; use --precision fp32")
        if update.closure and compiled:
            raise ConfigError(
                f"--compile cannot be combined with {name}, which computes the loss several times a step; leave it out"
            )


def check_watched(updates: Sequence[Update], *, watched: bool) -> None:
    """Raises: ConfigError for a schedule that waits for a metric where none is measured."""
    for update in updates:
        if update.scheduler is not None and update.scheduler.every == "evaluation" and not watched:
            raise ConfigError(
                f"phase {update.phase.name!r}: its schedule watches the monitored validation metric, and there is "
                "none; pass validation= (to sonde.fit, for a task with an objective), or use another schedule"
            )


def searching_in_batches(updates: Sequence[Update], batches: int | None) -> list[Finding]:
    """A warning where what an optimiser learns from one batch's gradients is used on another's.

    Source: Bollapragada et al. 2018, arXiv:1802.05374: without special care, L-BFGS wants all rows in a batch
    """
    names = [type(update.optimizer).__name__ for update in updates if update.closure]
    if not names or batches == 1:
        return []
    parts = "batches that change" if batches is None else f"{batches:,} batches an epoch"
    return [
        Finding(
            check="line search on batches",
            name="line-search-on-batches",
            severity="warning",
            evidence=f"{names[0]} compares gradients of one step with those of the next, and these come from {parts}",
            action="give all rows in one batch (batch_size=…), in pieces if memory is short (accumulate=…)",
        )
    ]


def optimizer_lines(updates: Sequence[Update], optim: OptimConfig) -> list[str]:
    """A line for the plan on each optimiser and schedule that is not ours: what it was made with, and when it is stepped."""
    lines = []
    for update in updates:
        config = settings_of(update.phase, optim)
        parts = []
        if update.custom:
            parts.append(
                text_of(update.optimizer) + (", the loss computed several times a step" if update.closure else "")
            )
        if update.scheduler is not None:
            parts.append(_stepping(update.scheduler, typed=config.schedule_every is not None))
        elif isinstance(config.schedule, GivenObject):
            parts.append(f"rate {float(update.optimizer.param_groups[0]['lr']):g} times {config.schedule}")
        if len(updates) > 1:
            parts = _of_phase(update, config) + parts
        if parts:
            named = f"{update.phase.name}: " if len(updates) > 1 else ""
            lines.append(named + "; ".join(parts))
    return lines


def _of_phase(update: Update, config: OptimConfig) -> list[str]:
    """What one of several phases is trained by, where that is ours, and how often."""
    parts = []
    if not update.custom:
        parts.append(f"{config.optimizer}, rate {peak_rates(update)[0]:g}")
        if isinstance(config.schedule, str) and config.schedule != "constant":
            parts[0] += f" ({config.schedule})"
    return parts + ([f"on every {ordinal(update.phase.every)} step"] if update.phase.every > 1 else [])


def _stepping(scheduler: Scheduler, *, typed: bool) -> str:
    """What a scheduler is, when it is stepped, and how to have it otherwise where nobody has said so."""
    when = {"step": "at every step", "epoch": "at each epoch's end", "evaluation": "at each evaluation"}
    other: Every = "epoch" if scheduler.every == "step" else "step"
    more = "" if typed or scheduler.every == "evaluation" else f' (schedule_every="{other}": {when[other]})'
    until = "" if scheduler.steps is None else f", until step {scheduler.steps:,}"
    return f"rate set by {text_of(scheduler.scheduler)} {when[scheduler.every]}{until}{more}"


def check_total_steps(updates: Sequence[Update], total: int | None) -> None:
    """Raises: ConfigError for a scheduler that knows fewer steps than there are."""
    for update in updates:
        known = None if update.scheduler is None else update.scheduler.steps
        if total is not None and known is not None and known < total:
            assert update.scheduler is not None
            made = type(update.scheduler.scheduler).__name__
            raise ConfigError(
                f"schedule={made}(…) ends after {known:,} steps, and the run has {total:,}; give it total_steps={total}"
            )


def same_optimizers(updates: Sequence[Update], saved: Mapping[str, Any], *, where: str) -> None:
    """Raises: RunFolderError where an optimiser that was given is not made as it was when the run began.

    Called before a step is taken or a state put back, when rates are what they were made with.
    saved: the stepper's state;  where: the run's folder, in words
    """
    if "peaks" not in saved:
        return  # a run of an earlier version, which did not keep them
    for update in updates:
        name, former = update.phase.name, saved["peaks"]
        _same_kind(update, name in former, name in saved.get("schedulers", {}), where=where)
        if not update.custom:
            continue  # their settings are compared
        before = saved["optimizers"][name]["param_groups"]
        skip = ("params", "lr", "initial_lr", *FASTER, *(TURNED if update.scheduler is not None else ()))
        rates = zip(former[name], peak_rates(update), strict=False)
        for old, new, rate in zip(before, update.optimizer.param_groups, rates, strict=False):
            compared: dict[str, Any] = {"lr": rate}
            compared |= {key: (old[key], value) for key, value in new.items() if key in old and key not in skip}
            for key, (was, now) in compared.items():
                if not isinstance(now, Tensor) and was != now:
                    raise RunFolderError(
                        f"{where} holds a run whose optimizer {type(update.optimizer).__name__} has {key}={was}, and now it has "
                        f"{key}={now}; make the same call as before, start over with fresh=True, or give another out="
                    )


def _same_kind(update: Update, custom: bool, scheduler: bool, *, where: str) -> None:
    if (update.custom, update.scheduler is not None) != (custom, scheduler):
        what = "optimizer" if update.custom != custom else "schedule"
        raise RunFolderError(
            f"{where} holds a run whose phase {update.phase.name!r} has another {what}; make the same call as before, start over "
            "with fresh=True, or give another out="
        )


def named_parameters(modules: nn.Module, phase: Phase) -> list[tuple[str, nn.Parameter]]:
    """The phase's parameters with their names in the task's modules."""
    wanted = {id(parameter) for parameter in phase.parameters()}
    return [(name, parameter) for name, parameter in modules.named_parameters() if id(parameter) in wanted]
