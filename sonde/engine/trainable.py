"""Which parameters are trained, where that changes during a run: a checkpoint lists the changes, a resume makes them again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer


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
        parameters=tuple(name for name, p in modules.named_parameters() if id(p) in ids and p.is_floating_point()),
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


def further_groups(
    optimizer: Optimizer,
    parameters: Sequence[nn.Parameter],
    *,
    peaks: Sequence[float],
    make: Callable[[Sequence[nn.Parameter]], list[dict[str, Any]]] | None,
) -> list[dict[str, Any]]:
    """Groups by which an optimiser trains more parameters: as `make` says, else in all as its first group, at its peak rate."""
    if make is not None:
        return make(parameters)
    first = {name: value for name, value in optimizer.param_groups[0].items() if name not in ("params", "name")}
    return [{**first, "lr": peaks[0], "params": list(parameters)}]
