"""Whether, and where first, an evaluation met outputs that are not a number."""

import torch
from torch import Tensor

from sonde.core.errors import NonFiniteOutput

NONE = 2**62  # stands for no row
REMEDY = "lower --lr or add --clip 1, or fix the row if its input is not finite"


class FirstNaN:
    """The lowest row index with a NaN among its outputs, kept on the device, which is not synchronised until the end."""

    def __init__(self, remedy: str = REMEDY) -> None:
        """remedy: what to do about it, in words"""
        self._remedy = remedy
        self.row: Tensor | None = None  # () int64

    def update(self, outputs: Tensor, index: Tensor) -> None:
        """Add rows: outputs (B, …), index (B,)."""
        self.add(outputs.isnan().reshape(len(outputs), -1).any(1), index)

    def add(self, bad: Tensor, index: Tensor) -> None:
        """Add rows: bad (B,) bool, whether there is a NaN; index (B,)."""
        self._keep(torch.where(bad, index.to(bad.device), NONE).min())

    def merge(self, other: "FirstNaN") -> None:
        """Add another process's rows."""
        if other.row is not None:
            self._keep(other.row)

    def refuse(self) -> None:
        """Raises: NonFiniteOutput when a row had a NaN"""
        if self.row is not None and int(self.row) < NONE:
            raise NonFiniteOutput("the model's output is NaN", int(self.row), "first at", self._remedy)

    def _keep(self, row: Tensor) -> None:
        self.row = row if self.row is None else torch.minimum(self.row, row.to(self.row.device))
