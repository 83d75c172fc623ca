"""Rows of a batch replaced by rows that a generative model has made."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sonde.core.batch import Batch

Change = Callable[[Batch, torch.Generator], Batch]

# P rows of the pool, B rows of a batch


@dataclass(frozen=True, kw_only=True)
class WithGenerated:
    """Each row of a batch gives way, with a probability, to one drawn from a pool; then all are augmented alike.

    input: (P, C, H, W) uint8;  target: (P,) int64;  share: the probability;  then: the augmentation, None for none
    All draws are made on the host, by the generator that is given: with the same pool a batch is always the same.
    """

    input: Tensor
    target: Tensor
    share: float
    then: Change | None = None

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch with some of its `input` and `target` replaced."""
        taken = torch.rand(len(batch), generator=generator) < self.share
        chosen = torch.randint(len(self.input), (len(batch),), generator=generator)[taken]
        places = taken.nonzero()[:, 0].to(batch["input"].device)
        pictures, target = batch["input"], batch["target"]
        made = self.input[chosen].to(pictures.device)
        if pictures.is_floating_point():
            made = made.to(pictures.dtype) / 255
        mixed = Batch(
            {
                **batch.fields,
                "input": pictures.index_copy(0, places, made),
                "target": target.index_copy(0, places, self.target[chosen].to(target)),
            },
            batch.index,
        )
        return mixed if self.then is None else self.then(mixed, generator)
