"""Which parameters are trained, where that changes during a run: a checkpoint lists the changes, a resume makes them again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim import Optimizer

if TYPE_CHECKING:
    from sonde.engine.update import Update
    from sonde.optim.schedulers import Scheduler


@dataclass(frozen=True, kw_only=True)
class Change:
    """Parameters whose gradients were turned on or off, and modules whose mode was turned with them (names in `task.modules`).

    on: whether they are trained from then on, and the modules in training mode
    """

    on: bool
    parameters: tuple[str, ...]
    modules: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Change":
        """The inverse of `as_dict`."""
        return cls(on=saved["on"], parameters=tuple(saved["parameters"]), modules=tuple(saved["modules"]))

    def found_in(self, modules: nn.Module) -> list[nn.Parameter]:
        """The parameters themselves."""
        named = dict(modules.named_parameters())
        return [named[name] for name in self.parameters if name in named]


def change_of(modules: nn.Module, wanted: Sequence[nn.Module | nn.Parameter], *, on: bool) -> Change:
    """The change that trains what is wanted, or leaves it as it is.

    Running statistics belong to what is frozen: its modules are in evaluation mode until they are trained again.
    """
    parts = [part for one in wanted if isinstance(one, nn.Module) for part in one.modules()]
    ids = {id(p) for one in wanted for p in (one.parameters() if isinstance(one, nn.Module) else [one])}
    return Change(
        on=on,
        parameters=tuple(
            name for name, p in modules.named_parameters() if id(p) in ids and (p.is_floating_point() or p.is_complex())
        ),
        modules=tuple(
            name
            for name, module in modules.named_modules()
            if module.training != on and any(module is part for part in parts)
        ),
    )


def apply(modules: nn.Module, change: Change) -> None:
    """Turn gradients and modes as a change says."""
    for parameter in change.found_in(modules):
        parameter.requires_grad_(change.on)
        if not change.on:
            parameter.grad = None  # else an optimiser would go on moving it
    named = dict(modules.named_modules())
    for name in change.modules:
        named[name].training = change.on


def undo(modules: nn.Module, saved: Mapping[str, Any]) -> None:
    """Turn gradients and modes to what they were when the run began, where its state tells of changes since.

    A network that is passed to a resumed run may be fresh, or the very one that an earlier attempt changed.
    saved: a stepper's state
    """
    changes = [Change.from_dict(each) for each in saved.get("changes", ())]
    begun, named = set(saved.get("trained_at_first", ())), dict(modules.named_modules())
    for change in reversed(changes):
        for name in change.modules:
            named[name].training = not change.on
    touched = {name for change in changes for name in change.parameters}
    for name, parameter in modules.named_parameters():
        if name in touched:
            parameter.requires_grad_(name in begun)


class Trained:
    """What is trained and at which rates, where observers changed that since the run began: a part of a stepper's state."""

    def __init__(
        self,
        modules: nn.Module,
        parameters: dict[str, list[nn.Parameter]],
        peaks: dict[str, list[float]],
        schedulers: "Mapping[str, Scheduler]",
    ) -> None:
        """parameters, peaks, schedulers: the stepper's own, by phase, which are changed here."""
        self._schedulers = schedulers
        self.changes: list[Change] = []
        self._modules, self._parameters, self._peaks = modules, parameters, peaks
        self._at_first = [name for name, parameter in modules.named_parameters() if parameter.requires_grad]
        self._first_peaks = {name: found[0] for name, found in peaks.items()}
        self._scaled: set[str] = set()  # phases whose rates were

    def change(self, change: Change, updates: "Sequence[Update]") -> None:
        """Turn the gradients of parameters on or off from the next step on.

        Optimisers get those that they lack as groups of their own, at the rate of their phase.
        """
        apply(self._modules, change)
        changed = {id(parameter) for parameter in change.found_in(self._modules)}
        for update in updates:
            name, optimizer = update.phase.name, update.optimizer
            held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
            known = held | changed | {id(parameter) for parameter in self._parameters[name]}
            trained = [parameter for parameter in update.phase.parameters() if id(parameter) in known]
            new = [parameter for parameter in trained if id(parameter) in changed and id(parameter) not in held]
            self._parameters[name] = trained
            first, now = self._first_peaks[name], self._peaks[name][0]
            for group in further_groups(optimizer, new, peak=first, make=update.further) if new else ():
                if update.scheduler is not None:  # which has the first group's rate in hand, and goes on with it
                    group |= update.scheduler.of_another_group()
                optimizer.add_param_group(group)
                self._peaks[name].append(
                    now if update.scheduler else float(group["lr"]) * (now / first if first else 1.0)
                )
        self.changes.append(change)

    def put_modes(self) -> None:
        """Put modules into the modes that the changes gave them, where all are in training mode."""
        if self.changes:
            named = dict(self._modules.named_modules())
            for change in self.changes:
                for name in change.modules:
                    named[name].training = change.on

    def scale(self, phase: str, factors: Sequence[float]) -> None:
        """Multiply the rates of a phase's groups from the next step on; its schedule goes on from there."""
        self._scaled.add(phase)
        if phase in self._schedulers:
            self._schedulers[phase].scale(factors)
        self._peaks[phase] = [peak * factor for peak, factor in zip(self._peaks[phase], factors, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """The changes, and the rates that were scaled."""
        return {
            "changes": [change.as_dict() for change in self.changes],
            "trained_at_first": self._at_first if self.changes else [],
            "scaled_peaks": {name: list(self._peaks[name]) for name in sorted(self._scaled)},
        }

    def load_state_dict(self, state: Mapping[str, Any], updates: "Sequence[Update]") -> None:
        """Make the changes of a saved state that were not made yet: before optimisers load, whose groups come with them."""
        for saved in state.get("changes", ())[len(self.changes) :]:
            self.change(Change.from_dict(saved), updates)
        for name, peaks in state.get("scaled_peaks", {}).items():
            self._peaks[name] = list(peaks)
            self._scaled.add(name)


def further_groups(
    optimizer: Optimizer,
    parameters: Sequence[nn.Parameter],
    *,
    peak: float,
    make: Callable[[Sequence[nn.Parameter]], list[dict[str, Any]]] | None,
) -> list[dict[str, Any]]:
    """Groups for more parameters of an optimiser: as `make` says, else in all as its first group, at the peak rate given."""
    if make is not None:
        return make(parameters)
    first = {name: value for name, value in optimizer.param_groups[0].items() if name not in ("params", "name")}
    return [{**first, "lr": peak, "params": list(parameters)}]
