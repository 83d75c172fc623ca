"""What flows from a source to a loss: named tensors that share their first dimension."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

VIEWS = ("view", "other_view")  # fields that show `input` changed, where a task compares such
FED = ("input", "lengths", "bonds")  # what a network is called with, those that a batch has, in this order


@dataclass(frozen=True, slots=True)
class Batch:
    """Named tensors (B, …) and the dataset rows they came from.

    index: (B,) int64, rows of the split; always there, so that an error, a worst case or a score can name its row.
    Common fields: `input`, `target`, `mask` (1 where a target counts), and after mixing augmentations `mix_target`
    (like target) with `mix_weight` (B,) in [0, 1]: the share of `target` in the mixture; those of `VIEWS`, like input; of
    sequences other than tokens `lengths` (B,) int64, and of molecules `bonds`.
    """

    fields: Mapping[str, Tensor]
    index: Tensor

    def __getitem__(self, name: str) -> Tensor:
        try:
            return self.fields[name]
        except KeyError:
            raise KeyError(f"batch has no field {name!r}; it has {sorted(self.fields)}") from None

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def __len__(self) -> int:
        return len(self.index)

    def fed(self) -> tuple[Tensor, ...]:
        """What a network is called with: the input, and what else of `FED` comes with it."""
        return tuple(self.fields[name] for name in FED if name in self.fields)

    def split(self, pieces: int) -> "list[Batch]":
        """Cut along rows into at most `pieces` batches whose sizes differ by at most one; none is empty."""
        if pieces == 1:
            return [self]
        cuts = torch.tensor_split(torch.arange(len(self)), min(pieces, len(self)))
        bounds = [(int(cut[0]), int(cut[-1]) + 1) for cut in cuts]
        return [
            Batch({name: field[start:stop] for name, field in self.fields.items()}, self.index[start:stop])
            for start, stop in bounds
        ]

    def to(self, device: torch.device) -> "Batch":
        """The fields on `device` (asynchronously from pinned memory); `index` stays on the host."""
        return Batch({n: f.to(device, non_blocking=True) for n, f in self.fields.items()}, self.index)
