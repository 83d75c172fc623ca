"""Whether what a network or a loss of the caller's gives in an evaluation is a number at all."""

import math
from typing import Any

import torch
from torch import Tensor

from sonde.core.errors import NonFiniteOutput
from sonde.metrics.first_nan import FirstNaN

NAN_ROWS = "(NaN rows)"
"""Key under which an evaluation hands a meter which rows (B,) of the output hold a NaN."""

OF_OUTPUTS = (
    "lower --lr or add --clip 1, fix the row if its input is not finite, or look at what the network computes only in "
    "evaluation mode (net.eval()); set numbers that are not to count to 0, not NaN: torch.nan_to_num(output)"
)
OF_LOSSES = "lower --lr or add --clip 1, or keep the loss finite for these rows, such as with log(x.clamp(min=1e-7))"


def nan_rows(output: Any, rows: int) -> Tensor | None:
    """Which rows (B,) of an output hold a NaN; None for one that is no tensor with a row for each, of which the loss tells.

    Infinities are left alone: logits of what cannot be are often minus infinity.
    """
    if not isinstance(output, Tensor) or output.layout is not torch.strided or output.is_nested:
        return None
    if not (output.is_floating_point() or output.is_complex()) or output.ndim == 0 or len(output) != rows:
        return None
    return output.detach().isnan().reshape(rows, -1).any(1)


class FiniteEvaluation:
    """The first row whose output holds a NaN, and the first batch whose loss is no finite number."""

    def __init__(self) -> None:
        self._outputs = FirstNaN(OF_OUTPUTS)
        self._loss: tuple[str, int] | None = None  # what it was, and the first row of its batch

    def output(self, bad: Tensor, index: Tensor) -> None:
        """Add rows: bad (B,) as `nan_rows` has it, index (B,)."""
        self._outputs.add(bad, index)

    def loss(self, name: str, value: float, index: Tensor) -> None:
        """Add a batch's mean loss."""
        if self._loss is None and not math.isfinite(value):
            self._loss = f"the {name} is {value:g}", int(index[0])

    def merge(self, other: "FiniteEvaluation") -> None:
        """Add another process's rows."""
        self._outputs.merge(other._outputs)
        self._loss = self._loss or other._loss

    def refuse(self) -> None:
        """Raises: NonFiniteOutput for what was met"""
        self._outputs.refuse()
        if self._loss is not None:
            raise NonFiniteOutput(*self._loss, "first in the batch that begins with", OF_LOSSES)
