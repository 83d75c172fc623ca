"""Forward hooks: which module of a layer to hook, and its output as maps over the image."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from math import isqrt
from typing import Any

import torch
from torch import Tensor, nn

DEPTHS = 3  # layers looked at: early, in the middle, late

# B images, C channels, N tokens, h, w of a map


def as_maps(answer: Any) -> Tensor | None:
    """(B, C, h, w) of a map, of a vector (h = w = 1), or of tokens over a square image, a class token left out; else None."""
    if not isinstance(answer, Tensor) or not answer.is_floating_point():
        return None
    if answer.ndim == 4:
        return answer
    if answer.ndim == 2:
        return answer[:, :, None, None]
    if answer.ndim != 3:
        return None
    side = isqrt(answer.shape[1])
    extra = answer.shape[1] - side * side
    if side < 2 or extra > 1:
        return None
    return answer[:, extra:].mT.unflatten(2, (side, side))  # (B, N, C) -> (B, C, h, w)


@contextmanager
def hooked(modules: Iterable[nn.Module], seen: Callable[[nn.Module, Tensor], None]) -> Iterator[None]:
    """`seen(module, maps)` at the first output of each module that is one of maps, while the body lasts."""
    met: set[nn.Module] = set()

    def hook(module: nn.Module, args: tuple[Any, ...], answer: Any) -> None:
        maps = as_maps(answer)
        if maps is not None and module not in met:
            met.add(module)
            seen(module, maps)

    handles = [module.register_forward_hook(hook) for module in dict.fromkeys(modules)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def as_used(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, without compiled code (which passes over hooks); each module's own mode is put back after."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        # where nothing was compiled, torch would need two seconds to load what compiles
        compiled = "torch._dynamo" in sys.modules
        with torch.compiler.set_stance("force_eager") if compiled else nullcontext():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def places(model: nn.Module, layers: Mapping[str, Sequence[nn.Module]], input: Tensor) -> dict[str, nn.Module]:
    """Name of a layer -> the module whose output to record, for an early, a middle and a late one of those that run.

    layers: name of the module with matrices -> it, and those that follow it
    It is the last one with maps of the same size: the layer's norm and activation count, its pooling does not. Dense layers,
    which see the whole image, are looked at where there are no others.
    """
    shapes: dict[nn.Module, torch.Size] = {}
    modules = [module for row in layers.values() for module in row]
    with torch.no_grad(), hooked(modules, lambda module, maps: shapes.update({module: maps.shape})):
        model(input)
    found = {}
    for name, row in layers.items():
        own = shapes.get(row[0])
        if own is not None:
            found[name] = [module for module in row if shapes.get(module) == own][-1]
    names = [name for name, module in found.items() if shapes[module][2:].numel() > 1] or list(found)
    chosen = sorted({round(part * (len(names) - 1) / (DEPTHS - 1)) for part in range(DEPTHS)}) if names else []
    return {names[place]: found[names[place]] for place in chosen}
