"""Which module's own backward pass is wrong: each is called alone, on what it was given, and compared with finite differences."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sonde.diagnose.finite_differences import Difference, compare
from sonde.diagnose.fixed import fixed

STEP = 1e-6  # of the inputs' size
JITTER = 1e-3  # of their size: away from the ties and zeros at which relu and pooling have no slope
DIRECTIONS = 3


@dataclass(frozen=True)
class _Call:
    """What a module was given."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]


def at_fault(modules: nn.Module, loss: Callable[[], Tensor], *, seed: int = 0) -> list[str]:
    """Names of the modules with a wrong backward pass of their own, inner ones before what contains them.

    A module that contains one of them is not named, so that what is found is the smallest that is wrong.
    """
    calls = _recorded(modules, loss, seed)
    found: list[str] = []
    inner_first = sorted(calls, key=lambda name: -name.count(".") if name else 1)
    for name in inner_first:
        if not any(not name or other.startswith(f"{name}.") for other in found) and _is_wrong(
            modules.get_submodule(name), calls[name], seed
        ):
            found.append(name)
    order = list(calls)
    return sorted(found, key=order.index)


def _recorded(modules: nn.Module, loss: Callable[[], Tensor], seed: int) -> dict[str, _Call]:
    """The first call of each module while the loss is computed, in the order in which they began."""
    calls: dict[str, _Call] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
            if name not in calls:
                calls[name] = _Call([_copied(each) for each in args], {key: _copied(v) for key, v in kwargs.items()})

        return hook

    handles = [
        module.register_forward_pre_hook(keep(name), with_kwargs=True) for name, module in modules.named_modules()
    ]
    try:
        with fixed(modules, seed=seed):
            loss()
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _is_wrong(module: nn.Module, call: _Call, seed: int) -> bool:
    """Whether the gradients of a module's outputs are not the slopes of what it computes, along random directions."""
    draw = torch.Generator().manual_seed(seed)
    for jitter in (JITTER, 0.0):
        tried = _Alone(module, call, seed, jitter, draw)
        if tried.finite:
            break
    else:
        return False
    found = [tried.compared(direction) for direction in tried.directions(draw)]
    return any(each.verdict == "wrong" for each in found)


class _Alone:
    """A module that is called by itself, as a function of its inputs and of its own weights."""

    def __init__(self, module: nn.Module, call: _Call, seed: int, jitter: float, draw: torch.Generator) -> None:
        self._module, self._call, self._seed = module, call, seed
        given = [each for each in _leaves([*call.args, *call.kwargs.values()]) if _is_real(each)]
        own = [each for each in module.parameters() if each.requires_grad]  # those inside are right, or it is not asked
        self._points = [_jittered(each.detach(), jitter, draw) for each in given]
        self._own = own
        self._places = {id(each): place for place, each in enumerate(given)}
        self._inputs = [each.clone().requires_grad_(True) for each in self._points]
        with fixed(module, seed=seed):
            answered = _leaves([self._answer(self._inputs)])
            self._which = [n for n, each in enumerate(answered) if _is_real(each) and each.requires_grad]
            outputs = [answered[place] for place in self._which]
            self._weights = [torch.randn(each.shape, generator=draw).to(each) for each in outputs]
            total = sum(((a * b).sum() for a, b in zip(outputs, self._weights, strict=True)), torch.zeros(()))
            self.finite = bool(torch.isfinite(total)) and bool(outputs)
            held = [*self._inputs, *own]
            slopes = torch.autograd.grad(total, held, allow_unused=True) if self.finite and held else ()
        self._slopes = [
            torch.zeros_like(each) if slope is None else slope.to_dense() if slope.is_sparse else slope
            for each, slope in zip(held, slopes, strict=False)
        ]

    def _answer(self, inputs: Sequence[Tensor]) -> Any:
        """The module's outputs of other inputs, which stand where those of the call did."""

        def swapped(held: Any) -> Any:
            if isinstance(held, Tensor):
                # a copy, since a module may write into what it is given
                return inputs[self._places[id(held)]].clone() if id(held) in self._places else held
            return _rebuilt(held, swapped)

        args = [swapped(each) for each in self._call.args]
        return self._module(*args, **{key: swapped(each) for key, each in self._call.kwargs.items()})

    def directions(self, draw: torch.Generator) -> list[list[Tensor]]:
        """Random changes of the inputs, and of the weights, of their size."""
        held = [*self._points, *(each.detach() for each in self._own)]
        found = []
        for _ in range(DIRECTIONS if self._slopes else 0):
            found.append([torch.randn(each.shape, generator=draw).to(each) * _size(each) for each in held])
        return found

    def compared(self, direction: Sequence[Tensor]) -> Difference:
        """The slope along a direction beside finite differences."""
        parts = [(a * b).sum() for a, b in zip(self._slopes, direction, strict=True)]
        scale = math.sqrt(sum(float((a * b).square().sum()) for a, b in zip(self._slopes, direction, strict=True)))
        slope = float(sum(parts, torch.zeros(())))
        before, inputs = [each.detach().clone() for each in self._own], len(self._points)

        def value(shift: float) -> float:
            moved = [a + shift * b for a, b in zip(self._points, direction[:inputs], strict=True)]
            with torch.no_grad(), fixed(self._module, seed=self._seed):
                for weight, start, by in zip(self._own, before, direction[inputs:], strict=True):
                    weight.copy_(start + shift * by)
                outputs = _leaves([self._answer(moved)])
                pairs = zip(self._which, self._weights, strict=True)
                total = sum(float((outputs[place] * weight).sum()) for place, weight in pairs)
                for weight, start in zip(self._own, before, strict=True):
                    weight.copy_(start)
            return total

        size = abs(value(0.0)) + scale
        return compare(value, slope, step=STEP, noise=1e-15 * max(size, 1e-300), scale=scale)


def _size(tensor: Tensor) -> float:
    return max(float(tensor.square().mean().sqrt()), 1e-3) if tensor.numel() else 0.0


def _jittered(tensor: Tensor, jitter: float, draw: torch.Generator) -> Tensor:
    return tensor + jitter * _size(tensor) * torch.randn(tensor.shape, generator=draw).to(tensor)


def _is_real(each: Any) -> bool:
    return isinstance(each, Tensor) and each.is_floating_point() and each.numel() > 0


def _copied(held: Any) -> Any:
    if isinstance(held, Tensor):
        return held.detach().clone()
    return _rebuilt(held, _copied)


def _rebuilt(held: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(held, dict):
        return {key: change(each) for key, each in held.items()}
    if isinstance(held, tuple) and hasattr(held, "_fields"):
        return type(held)(*(change(each) for each in held))
    return type(held)(change(each) for each in held) if isinstance(held, list | tuple) else held


def _leaves(held: Any) -> list[Tensor]:
    """Tensors inside of lists, tuples and dicts."""
    if isinstance(held, Tensor):
        return [held]
    if isinstance(held, Mapping):
        held = list(held.values())
    if isinstance(held, list | tuple):
        return [leaf for each in held for leaf in _leaves(each)]
    return []
