"""What an autoencoder's error is when only a part of its code is kept, beside principal components of the inputs themselves."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec
from sonde.core.reconstruction import Reconstruction

FITTED = 1500  # training rows by which directions are known
WIDEST = 4096  # values of an input, above which none are looked for
MOST = 256  # numbers of a code

# N rows, D values of each, K directions


class Directions(NamedTuple):
    """mean (D,), and orthonormal directions (K, D) along which rows vary, most first."""

    mean: Tensor
    main: Tensor

    def kept(self, values: Tensor, number: int) -> Tensor:
        """(N, D) -> the same with so many directions kept, and the mean in all others."""
        main = self.main[:number]
        return self.mean + (values - self.mean) @ main.T @ main


def directions(values: Tensor) -> Directions:
    """Principal component analysis of (N, D), in float64. Source: Pearson 1901, Philosophical Magazine 2(11)"""
    values = values.double()
    mean = values.mean(0)
    centred = values - mean
    if centred.shape[1] <= len(centred):
        main = torch.linalg.eigh(centred.T @ centred)[1].flip(1).T
        return Directions(mean, main)
    shares, along = torch.linalg.eigh(centred @ centred.T)  # the smaller of the two products
    along = along[:, shares > shares[-1] * 1e-10].flip(1)
    main = along.T @ centred
    return Directions(mean, main / main.norm(dim=1, keepdim=True))


def sizes(most: int) -> list[int]:
    """1, 2, 4, … and the whole."""
    return [*(1 << place for place in range(most.bit_length()) if 1 << place < most), most]


def bottleneck_curve(
    found: Reconstruction, input: InputSpec, trained: Sequence[Batch], looked: Sequence[Batch]
) -> dict[str, Any] | None:
    """Mean squared errors of `looked` by how much of the code is kept; None for codes or inputs of which it says nothing.

    trained: training rows, by which both kinds of directions are known
    """
    decode = found.decode
    if decode is None or not trained or input.is_clip or any(column.kind == "category" for column in input.columns):
        return None
    inputs, given = (torch.cat([batch["input"].flatten(1) for batch in each]) for each in (trained, looked))
    codes, mine = (torch.cat([found.latent(batch).float() for batch in each]) for each in (trained, looked))
    if codes.shape[1] < 2 or codes.shape[1] > MOST or inputs.shape[1] > WIDEST or len(inputs) < 3:
        return None
    of_codes, of_inputs = directions(codes), directions(inputs)
    steps = sizes(min(codes.shape[1], len(of_codes.main)))

    def error(given_back: Tensor) -> float:
        return round(float((given_back.double().flatten(1) - given.double()).square().mean()), 6)

    return {
        "numbers": steps,
        "error": [error(_decoded(decode, of_codes.kept(mine.double(), number).float())) for number in steps],
        "pca": [error(of_inputs.kept(given.double(), number)) for number in steps],
        "whole": error(_decoded(decode, mine)),
        "fitted": len(inputs),
        "rows": len(given),
    }


def _decoded(decode: Any, codes: Tensor) -> Tensor:
    return torch.cat([decode(part).float() for part in codes.split(64)])
