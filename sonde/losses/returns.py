"""Returns of several steps, from batches of a log."""

import torch
from torch import Tensor

from sonde.core.batch import Batch


def ahead(batch: Batch, discount: float) -> tuple[Tensor, Tensor]:
    """((B,) discounted sum of the rewards of the steps that a row has, (B,) what a value after the last of them is worth now).

    batch: `goes_on` (B,); `reward` (B,) of one step, or (B, n) of up to n, of which there were `steps` (B,)
    Source: Sutton and Barto 2018, Reinforcement learning, equation 7.1
    """
    reward, goes_on = batch["reward"], batch["goes_on"]
    if reward.dim() == 1:
        return reward, discount * goes_on
    weights = discount ** torch.arange(reward.shape[1], device=reward.device, dtype=reward.dtype)
    return reward @ weights, discount ** batch["steps"] * goes_on
