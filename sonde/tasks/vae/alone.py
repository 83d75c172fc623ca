"""The most that a decoder can learn that is told nothing: one output for all rows, under which training rows are likeliest.

It is what a collapsed autoencoder comes to, and so what a code is worth is told beside it.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from sonde.nn.column_code import ColumnCode

NARROWEST = math.log(1e-3)  # of a deviation: rows that are given back exactly have no highest likelihood
HALF = 0.5  # a row of each value besides, lest any be impossible. Source: Krichevsky and Trofimov 1981, IEEE IT 27

# B rows, N numbers of a table, W numbers of its code


class Alone(NamedTuple):
    """output: what a decoder gives for every row, of the shape of one;  deviation: of its noise, (1,) or (N,)"""

    output: Tensor
    deviation: Tensor


def values_alone(inputs: Iterable[Tensor]) -> Alone:
    """Of values (B, …) with noise of one deviation: their means over rows, and what is left; without any rows standard normal."""
    rows, total, squares = 0, torch.zeros(()), torch.zeros(())
    for each in inputs:
        values = each.cpu().double()
        rows, total, squares = rows + len(values), total + values.sum(0), squares + values.square().sum(0)
    if not rows:
        return Alone(torch.zeros(()), torch.ones(1))
    mean = total / rows
    return Alone(mean.float(), _deviation((squares / rows - mean.square()).mean()[None]))


def columns_alone(code: ColumnCode, codes: Tensor) -> Alone:
    """Of the codes (B, W) of a table: means and deviations of bent numbers where there are any, shares of gaps and categories."""
    numbers, gaps, patterns = code.parts(codes.cpu().double())
    there = (~code.absent(gaps)).double()
    count = there.sum(0).clamp(min=1)
    mean = (there * numbers).sum(0) / count
    spread = (there * (numbers - mean).square()).sum(0) / count
    outputs = [mean, torch.logit(_shares(gaps))]
    # of values one of which is there the logarithms of their shares, of bits their log odds
    for pattern, one_hot in zip(patterns, code.one_hot, strict=True):
        outputs.append(_shares(pattern).log() if one_hot else torch.logit(_shares(pattern)))
    return Alone(torch.cat(outputs).float(), _deviation(spread))


def _shares(bits: Tensor) -> Tensor:
    """(B, K) of 1 and -1 -> (K,) how often each is 1."""
    return ((bits > 0).double().sum(0) + HALF) / (len(bits) + 2 * HALF)


def _deviation(variance: Tensor) -> Tensor:
    return variance.clamp(min=math.exp(2 * NARROWEST)).sqrt().float()
