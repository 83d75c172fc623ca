"""No NaN and no infinity gets past a step: weights, buffers, averages and optimiser state stay as they were."""

import math
from collections import deque
from typing import NoReturn

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.errors import NonFinite

UNREAD = 100  # flags that may wait on a device: reading one stops the host for as long as the device has work


class NonFiniteStep(NonFinite):
    """What a step found, for the loop to complete with row names and the checkpoint to go on from."""

    def __init__(
        self, *, step: int, phase: str, what: str, batch: Batch | None, rows: Tensor, remedy: str = ""
    ) -> None:
        super().__init__(f"step {step}, phase {phase!r}: {what}")
        self.step, self.phase, self.what, self.batch, self.rows = step, phase, what, batch, rows
        self.remedy = remedy  # "" for the usual one


class Guard:
    """Checks each step: on the host at once where reading is free (CPU), else on the device, read late.

    On a device that must not be waited for, `flag` tells the fused optimiser to leave the weights alone, and `settle`
    reads what happened; it must be called before anything is saved or evaluated.
    """

    def __init__(self, modules: nn.Module, device: torch.device) -> None:
        self.late = device.type == "cuda"
        self._buffers = list(modules.buffers())
        self._saved = [b.detach().clone() for b in self._buffers]
        self._recent: deque[tuple[int, str, Tensor, Tensor]] = deque()  # step, phase, rows, flag

    def before_step(self) -> None:
        """Remember the buffers (batch norm's running statistics), which a forward pass may poison.

        Raises: NonFiniteStep where nobody else has read the flags for long
        """
        if self.late:
            if len(self._recent) >= UNREAD:
                self.settle()
        elif self._buffers:
            torch._foreach_copy_(self._saved, self._buffers)

    def forget(self) -> None:
        """Take the buffers as they are now for good, and drop what is unread: for steps that were undone."""
        self._recent.clear()
        if self._buffers:
            torch._foreach_copy_(self._saved, self._buffers)

    def check(self, step: int, phase: str, batch: Batch, value: Tensor, norm: Tensor) -> Tensor | None:
        """Raise at once on the host; on a late device return the flag (1.0 where the step is bad).

        Raises: NonFiniteStep with the buffers put back
        """
        if self.late:
            flag = 1.0 - (torch.isfinite(norm) & torch.isfinite(value)).float()
            self._recent.append((step, phase, batch.index, flag))
            return flag
        if not math.isfinite(norm.item()) or not math.isfinite(value.item()):
            self.refuse(step, phase, batch, describe(value.item(), norm.item()))
        return None

    def refuse(self, step: int, phase: str, batch: Batch, what: str, *, remedy: str = "") -> NoReturn:
        """Put the buffers back. Raises: NonFiniteStep."""
        self._put_back()
        raise NonFiniteStep(step=step, phase=phase, what=what, batch=batch, rows=batch.index, remedy=remedy)

    def settle(self) -> None:
        """Read the flags of all steps since the last call. Raises: NonFiniteStep for the first bad one."""
        if not self._recent:
            return
        flags = torch.stack([flag for *_, flag in self._recent]).tolist()
        recent, self._recent = list(self._recent), deque()
        for (step, phase, rows, _), flag in zip(recent, flags, strict=True):
            if flag:
                self._put_back()
                what = "the loss or its gradient is not finite"
                raise NonFiniteStep(step=step, phase=phase, what=what, batch=None, rows=rows)
        if self._buffers:
            torch._foreach_copy_(self._saved, self._buffers)

    def _put_back(self) -> None:
        if self._buffers:
            torch._foreach_copy_(self._buffers, self._saved)


def describe(value: float, norm: float) -> str:
    """What is wrong, in words.

    >>> describe(float("nan"), 1.0), describe(1.0, float("inf"))
    ('the loss is nan', 'the gradient norm is inf while the loss is 1')
    """
    if not math.isfinite(value):
        return f"the loss is {value:g}"
    return f"the gradient norm is {norm:g} while the loss is {value:g}"
