"""What the last layer is given for each row, in the two directions in which it varies most."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

WIDE = 1024  # features beyond which fewer rows are taken
MOST_ROWS, FEW_ROWS = 2000, 1000

# N rows, D features


class Plane(NamedTuple):
    """places (N, 2) along the two main directions;  explained: the share of the variance along each"""

    places: Tensor
    explained: tuple[float, float]


class LastInput:
    """While `watching`, `name` and `value` (B, D) are of the last module with weights that ran, and of what it was given."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.name = ""
        self.value: Tensor | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hooks on all modules that have weights of their own, for as long as the body lasts."""
        handles = [
            module.register_forward_pre_hook(self._hook(name))
            for name, module in self.model.named_modules()
            if any(parameter.ndim > 1 for parameter in module.parameters(recurse=False))
            and not isinstance(module, nn.Embedding)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, name: str) -> Any:
        def hook(module: nn.Module, given: tuple[Any, ...]) -> None:
            first = given[0] if given else None
            if isinstance(first, Tensor) and first.is_floating_point() and first.ndim > 1:
                self.name, self.value = name, by_row(first.detach())

        return hook


def by_row(value: Tensor) -> Tensor:
    """(B, D) float32 of (B, D), (B, tokens or members, D) or (B, D, h, w): means over what is between.

    >>> by_row(torch.ones(2, 5, 3)).shape, by_row(torch.ones(2, 3, 4, 4)).shape
    (torch.Size([2, 3]), torch.Size([2, 3]))
    """
    if value.ndim == 2:
        return value.float()
    return value.float().mean(1) if value.ndim == 3 else value.float().flatten(2).mean(2)


def principal_plane(values: Tensor) -> Plane | None:
    """Principal component analysis of (N, D); None where nothing varies, or in one direction only.

    Each direction points to where its largest loading is positive, so that equal values give an equal picture.
    Source: Pearson 1901, Philosophical Magazine 2(11)
    """
    values = values[torch.isfinite(values).all(1)].double().cpu()
    if len(values) < 3 or values.shape[1] < 2:
        return None
    centred = values - values.mean(0)
    _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
    shares = sizes.square() / sizes.square().sum()
    if not bool(shares[1] > 1e-12):
        return None
    main = directions[:2]
    signs = main.gather(1, main.abs().argmax(1, keepdim=True)).sign()
    return Plane(centred @ (main * signs).T, (float(shares[0]), float(shares[1])))
