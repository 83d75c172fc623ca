"""Where the first number that is not finite came from: the batch is computed once more, and every function's result looked at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sonde.core.units import number
from sonde.diagnose.parameters import own_name
from sonde.diagnose.signals import calls


@dataclass(frozen=True, kw_only=True)
class Origin:
    """function: torch's name of it;  layer: the last weight that was used before, or by it;  given: what it was called with
    targetless: whether it is a mean over targets that are all left out"""

    function: str
    layer: str
    given: str
    targetless: bool = False

    @property
    def words(self) -> str:
        """For a finding."""
        if self.targetless:
            return (
                f"all targets of the batch are left out of {self.function} (ignore_index), so its mean is over no rows"
            )
        place = f" at or after {self.layer}" if self.layer else ""
        return f"the first value that is not finite comes from {self.function}{place}, which was given {self.given}"


class FiniteWatch(TorchFunctionMode):
    """A context that remembers the first function whose result is not finite though all it was given is."""

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__()
        self._names = names
        self._layer = ""
        self.origin: Origin | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = [each for each in (*args, *(kwargs or {}).values()) if isinstance(each, Tensor)]
        ranges = _ranges(given) if self.origin is None else ""
        found = func(*args, **(kwargs or {}))
        for each in given:
            self._layer = self._names.get(id(each), self._layer)
        output = found[0] if isinstance(found, tuple | list) and found else found
        if self.origin is None and ranges and isinstance(output, Tensor) and not _finite(output):
            name = getattr(func, "__name__", str(func)).strip("_")
            layer, none = self._layer.rpartition(".")[0] or self._layer, _without_targets(func, args, kwargs or {})
            self.origin = Origin(function=name, layer=layer, given=ranges, targetless=none)
        return found


def origin(task: Any, loss: Callable[[], Any]) -> Origin | None:
    """The function of a forward pass whose result is the first that is not finite; None where that is in the backward pass.

    loss: computes the loss of the batch once more
    """
    watch = FiniteWatch({id(p): own_name(task, name) for name, p in task.modules.named_parameters()})
    with torch.no_grad(), watch:
        loss()
    return watch.origin


def _without_targets(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a loss of torch's has classes to find of which every one is its ignore_index."""
    if calls.LOSSES.get(func) not in (calls.CLASSES, calls.LOG_CLASSES):
        return False
    target = kwargs.get("target", args[1] if len(args) > 1 else None)
    if not isinstance(target, Tensor) or target.is_floating_point() or not target.numel():
        return False
    with torch._C.DisableTorchFunction():
        return bool((target == kwargs.get("ignore_index", -100)).all())


def _ranges(given: Sequence[Tensor]) -> str:
    """The values of finite tensors in words; empty where some are not finite, or there are none."""
    floats = [each for each in given if each.is_floating_point() and each.numel()]
    if not floats or not all(map(_finite, floats)):
        return ""
    with torch._C.DisableTorchFunction():
        low, high = min(float(each.min()) for each in floats), max(float(each.max()) for each in floats)
    return f"values from {number(low)} to {number(high)}"


def _finite(value: Tensor) -> bool:
    if not value.is_floating_point() or value.numel() == 0:
        return True
    with torch._C.DisableTorchFunction():
        return bool(torch.isfinite(value.detach()).all())
