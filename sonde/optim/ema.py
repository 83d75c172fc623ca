"""An exponential moving average of the weights, which is what gets evaluated and kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.errors import RunFolderError


class EMA:
    """Averages of all parameters and floating-point buffers; copies of the newest where a mean says nothing.

    Those are integer buffers (counts) and buffers that hold an infinity (the open end of a range: inf - inf is NaN).

    The n-th update (from 1) keeps a share min(decay, (1 + n) / (10 + n)) of the average, so that the random weights a run
    starts from are forgotten in a few steps although `decay` may be 0.9999.
    Source: Polyak and Juditsky 1992, SIAM J. Control Optim. 30(4); the rising decay is that of TensorFlow's
    ExponentialMovingAverage(num_updates)
    """

    def __init__(self, modules: nn.Module, decay: float) -> None:
        """The average starts as a copy of the weights, on their device and with their strides."""
        self.decay, self.count = decay, 0
        buffers = dict(modules.named_buffers())
        live = {**dict(modules.named_parameters()), **buffers}
        copied = {
            name
            for name, value in live.items()
            if not (value.is_floating_point() or value.is_complex()) or (name in buffers and not value.isfinite().all())
        }
        # averages first, else as they came
        self._names = sorted(live, key=copied.__contains__)
        self._averaged = len(live) - len(copied)
        self._live: list[Tensor] = [live[name] for name in self._names]
        self._averages = [value.detach().clone(memory_format=torch.preserve_format) for value in self._live]

    @torch.no_grad()
    def update(self) -> None:
        """Move the averages toward the weights as they are now."""
        self.count += 1
        keep = min(self.decay, (1 + self.count) / (10 + self.count))
        cut = self._averaged
        if cut:
            torch._foreach_lerp_(self._averages[:cut], self._live[:cut], 1 - keep)
        if cut < len(self._live):
            torch._foreach_copy_(self._averages[cut:], self._live[cut:])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the modules hold the averages; nothing is copied, the tensors change places."""
        weights = [value.data for value in self._live]
        _place(self._live, self._averages)
        try:
            yield
        finally:
            _place(self._live, weights)

    def state_dict(self) -> dict[str, Any]:
        """The number of updates, and the averages themselves by name."""
        return {"count": self.count, "tensors": dict(zip(self._names, self._averages, strict=True))}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy saved averages in; strides stay. Raises: RunFolderError when they are not of these modules."""
        saved = state["tensors"]
        shapes = {name: tuple(value.shape) for name, value in zip(self._names, self._averages, strict=True)}
        differing = sorted(
            name
            for name in shapes.keys() | saved.keys()
            if name not in shapes or name not in saved or tuple(saved[name].shape) != shapes[name]
        )
        if differing:
            raise RunFolderError(
                f"the checkpoint's averaged weights do not fit this model (first difference: {differing[0]}); "
                "use the model settings of the run, or start over with --fresh"
            )
        self.count = int(state["count"])
        for name, value in zip(self._names, self._averages, strict=True):
            value.copy_(saved[name])


def _place(tensors: list[Tensor], contents: list[Tensor]) -> None:
    for tensor, content in zip(tensors, contents, strict=True):
        tensor.data = content
