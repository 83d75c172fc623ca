"""Schedules that are not ours: a function of the step, or a scheduler of torch, which sets the rates itself."""

import copy
import functools
import inspect
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from sonde.core.config import OptimConfig
from sonde.core.errors import ConfigError, first_line
from sonde.core.given_object import TAKES, GivenObject, text_of

Every = Literal["step", "epoch", "evaluation"]
EVERY_STEP = (OneCycleLR, CyclicLR)  # "step should be called after a batch has been used for training"


BY_GROUP = ("base_lrs", "max_lrs", "min_lrs", "lr_lambdas", "_last_lr", "base_momentums", "max_momentums")
"""Attributes of torch's schedulers that have an entry for each group."""
RATES = ("lr", "initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum")
"""What they read in the groups."""


class Scheduler:
    """A scheduler of torch at work: it owns the rates of its optimiser's groups.

    every: when it is stepped: after each step, at each epoch's end, or with the monitored metric at each evaluation
    """

    def __init__(self, scheduler: LRScheduler, *, every: Every) -> None:
        self.scheduler, self.every = scheduler, every
        self._most = getattr(scheduler, "total_steps", None)  # after which OneCycleLR raises

    @property
    def steps(self) -> int | None:
        """Steps after which it knows no further; None where it goes on for ever."""
        return self._most if self.every == "step" else None

    def advance(self, value: float | None = None) -> None:
        """One step on, and the rates set. value: of the metric, for those that are stepped at evaluations"""
        if value is not None:
            self.scheduler.step(value)  # type: ignore[arg-type]
        elif (
            self._most is None or self.scheduler.last_epoch < self._most
        ):  # a run whose end was moved stays at the last rate
            self.scheduler.optimizer._opt_called = True  # type: ignore[attr-defined]  # our updates go past what counts them
            self.scheduler.step()

    def of_another_group(self) -> dict[str, Any]:
        """What a further group of the optimiser is to hold, which is scheduled as the first from now on."""
        first = self.scheduler.optimizer.param_groups[0]
        for one in (self.scheduler, *getattr(self.scheduler, "_schedulers", ())):
            for name in BY_GROUP:
                values = getattr(one, name, None)
                if isinstance(values, list) and values:
                    setattr(one, name, [*values, values[0]])
        return {name: first[name] for name in RATES if name in first}

    def scale(self, factors: Sequence[float]) -> None:
        """Take over rates that somebody multiplied: those that the coming ones are computed from are multiplied too."""
        for group, factor in zip(self.scheduler.optimizer.param_groups, factors, strict=True):
            group.update({name: group[name] * factor for name in ("initial_lr", "max_lr", "min_lr") if name in group})
        for one in (self.scheduler, *getattr(self.scheduler, "_schedulers", ())):
            for name in ("base_lrs", "max_lrs"):
                if hasattr(one, name):
                    setattr(
                        one, name, [rate * factor for rate, factor in zip(getattr(one, name), factors, strict=True)]
                    )

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's own."""
        return self.scheduler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put a saved state back, counts as counts: JSON knows only objects."""
        live = vars(self.scheduler)
        kept = {name: Counter(value) if isinstance(live.get(name), Counter) else value for name, value in state.items()}
        self.scheduler.load_state_dict(copy.deepcopy(kept))  # which some empty as they read


def function_of_step(choice: str | GivenObject) -> Callable[[int], float] | None:
    """The share of the peak rate by 0-based step, where that is what was given.

    Raises: ConfigError, at the step, for a share that is no number from 0 on
    """
    if isinstance(choice, str) or _is_torchs(choice.value):
        return None
    try:
        first = choice.value(0)
    except Exception:  # noqa: BLE001  # made for an optimiser, most likely; where it is not, `scheduler_of` tells both errors
        return None
    if not _is_number(first):
        return None

    def share(step: int) -> float:
        value = float(choice.value(step))
        if not 0 <= value < math.inf:
            raise ConfigError(
                f"schedule={text_of(choice.value)}: it gave {value:g} at step {step:,}; the share of the peak rate is a number "
                "from 0 on"
            )
        return value

    share(0)
    return share


def scheduler_of(optim: OptimConfig, optimizer: Optimizer, *, mode: Literal["min", "max"]) -> Scheduler | None:
    """The scheduler of torch that `optim` names or holds, over `optimizer`; None where the rate is a function of the step.

    mode: whether the monitored metric is better small or large
    Raises: ConfigError for what gives none, or watches a metric the other way round
    """
    choice = optim.schedule
    if choice == "plateau":
        floors = [optim.lr_floor * float(group["lr"]) for group in optimizer.param_groups]
        plateau = ReduceLROnPlateau(
            optimizer, mode, factor=optim.plateau_factor, patience=optim.plateau_patience, min_lr=floors
        )
        return Scheduler(plateau, every="evaluation")
    if isinstance(choice, str):
        return None
    made = _made(choice, optim.optimizer, optimizer)
    if not isinstance(made, ReduceLROnPlateau):
        return Scheduler(made, every=optim.schedule_every or ("step" if _counts_steps(made) else "epoch"))
    if made.mode != mode:
        better = "smaller" if mode == "min" else "larger"
        raise ConfigError(
            f"schedule={choice}: it has mode={made.mode!r}, and the monitored metric is better {better}; give "
            f'functools.partial(ReduceLROnPlateau, mode="{mode}"), or schedule="plateau", which follows the metric'
        )
    if optim.schedule_every is not None:
        raise ConfigError(f"schedule={choice}: it is stepped at each evaluation; leave schedule_every out")
    return Scheduler(made, every="evaluation")


def _made(choice: GivenObject, given: str | GivenObject, optimizer: Optimizer) -> LRScheduler:
    value = choice.value
    if isinstance(value, LRScheduler):
        original = given.value if isinstance(given, GivenObject) else None
        if original is None or value.optimizer is not original:
            raise ConfigError(
                f"schedule={choice}: it belongs to another optimizer than optimizer=; give both, or a function that makes it: "
                f"schedule=lambda optimizer: {type(value).__name__}(optimizer, …)"
            )
        return _copied(value, original, optimizer)
    try:
        made = value(optimizer)
    except Exception as error:
        raise ConfigError(_why_not(choice, error)) from error
    if not isinstance(made, LRScheduler):
        raise ConfigError(f"{TAKES['schedule']}; {choice} gave a {type(made).__name__}")
    if made.optimizer is not optimizer:
        raise ConfigError(f"schedule={choice}: it gave a scheduler of another optimizer than the one it was given")
    return made


def _why_not(choice: GivenObject, error: Exception) -> str:
    value, said = choice.value, f"{type(error).__name__}: {first_line(error)}"
    kind = value.func if isinstance(value, functools.partial) else value
    if isinstance(kind, type) and issubclass(kind, LRScheduler):
        if not isinstance(value, type):
            return f"schedule={choice}: {said}"
        lacks = [
            entry.name
            for entry in inspect.signature(kind).parameters.values()
            if entry.default is entry.empty and entry.name != "optimizer" and entry.kind is entry.POSITIONAL_OR_KEYWORD
        ]
        more = ", ".join(f"{name}=…" for name in lacks) or "…"
        return f"schedule={choice}: {said}; give functools.partial({kind.__name__}, {more})"
    try:
        value(0)
    except Exception as first:
        said = f"given step 0 it raised {type(first).__name__}: {first_line(first)}; given the optimizer, {said}"
    return f"{TAKES['schedule']}; {choice}: {said}"


def _copied(scheduler: LRScheduler, original: Optimizer, optimizer: Optimizer) -> LRScheduler:
    """The same scheduler over a copy of its optimiser."""
    shared: dict[int, Any] = {id(p): p for group in optimizer.param_groups for p in group["params"]}
    made = copy.deepcopy(scheduler, {**shared, id(original): optimizer})

    def step(*given: Any, **more: Any) -> Any:
        return type(optimizer).step(optimizer, *given, **more)

    step._wrapped_by_lr_sched = True  # type: ignore[attr-defined]  # what schedulers look for, to warn where it is missing
    optimizer.step = step  # type: ignore[method-assign]
    return made


def _counts_steps(scheduler: LRScheduler) -> bool:
    """Whether it is made to be stepped at every step, it or one of those that it joins."""
    joined = getattr(scheduler, "_schedulers", ())
    return isinstance(scheduler, EVERY_STEP) or any(map(_counts_steps, joined))


def _is_torchs(value: Any) -> bool:
    kind = value.func if isinstance(value, functools.partial) else value
    return isinstance(kind, LRScheduler) or (isinstance(kind, type) and issubclass(kind, LRScheduler))


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    return isinstance(value, int | float) or (hasattr(value, "item") and getattr(value, "ndim", None) == 0)
