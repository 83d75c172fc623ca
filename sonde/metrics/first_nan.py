"""Whether, and where first, an evaluation met outputs that are not a number."""

import torch
from torch import Tensor

from sonde.core.errors import NonFinite

NONE = 2**62  # stands for no row


class FirstNaN:
    """The lowest row index with a NaN among its outputs, kept on the device, which is not synchronised until the end."""

    def __init__(self) -> None:
        self.row: Tensor | None = None  # () int64

    def update(self, outputs: Tensor, index: Tensor) -> None:
        """Add rows: outputs (B, …), index (B,)."""
        bad = outputs.isnan().reshape(len(outputs), -1).any(1)
        self._add(torch.where(bad, index.to(outputs.device), NONE).min())

    def merge(self, other: "FirstNaN") -> None:
        """Add another process's rows."""
        if other.row is not None:
            self._add(other.row)

    def refuse(self) -> None:
        """Raises: NonFinite when a row had a NaN"""
        if self.row is not None and int(self.row) < NONE:
            raise NonFinite(
                f"evaluation: the model's output is NaN (first at row {int(self.row)} of the split); lower --lr or add --clip 1, "
                "or fix the row if its input is not finite"
            )

    def _add(self, row: Tensor) -> None:
        self.row = row if self.row is None else torch.minimum(self.row, row.to(self.row.device))
