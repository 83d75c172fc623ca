"""Numbers by their ranks, so that the few that lie far out count no more than their share."""

import torch
from torch import Tensor

# M rows, N rows that are ranked among, D columns


def normal_scores(rows: Tensor, among: Tensor) -> Tensor:
    """(M, D) -> (M, D) float64: each number where a standard normal one of its mid-rank among (N, D) lies.

    What has two values among these, such as a category written as zeros and ones, stays as it is: of those there is no middle.
    Source: van der Waerden 1952, Indagationes Mathematicae 14
    """
    rows, among = rows.double(), among.double()
    ordered, wanted = among.T.contiguous().sort(1).values, rows.T.contiguous()
    number, (low, high) = len(among), (torch.searchsorted(ordered, wanted, right=right) for right in (False, True))
    share = ((low + high).double() / (2 * number)).clamp(0.5 / number, 1 - 0.5 / number)
    several = torch.tensor([len(column.unique()) > 2 for column in among.T], dtype=torch.bool)
    return torch.where(several, torch.special.ndtri(share).T, rows)
