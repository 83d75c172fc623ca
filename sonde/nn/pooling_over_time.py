"""A row of any length as one vector."""

import torch
from torch import Tensor


def mean_over_time(values: Tensor, inside: Tensor) -> Tensor:
    """(B, T, D) -> (B, D), over the places that count. inside: (B, T) bool, at least one of each row.

    >>> mean_over_time(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[True, True, False]])).tolist()
    [[2.0]]
    """
    return values.masked_fill(~inside[..., None], 0).sum(1) / inside.sum(1, keepdim=True)


def max_over_time(values: Tensor, inside: Tensor) -> Tensor:
    """(B, T, D) -> (B, D), of each channel the largest over the places that count. inside: (B, T) bool.

    Source: Collobert et al. 2011, Natural language processing (almost) from scratch, section 3.2.2
    """
    return values.masked_fill(~inside[..., None], -torch.inf).amax(1)
