"""What a regressor minimises: one value per output, for the caller to average."""

import math

import torch.nn.functional as F
from torch import Tensor


def squared(prediction: Tensor, target: Tensor) -> Tensor:
    """(prediction - target)², whose least is at the mean."""
    return (prediction - target).square()


def absolute(prediction: Tensor, target: Tensor) -> Tensor:
    """|prediction - target|, whose least is at the median."""
    return (prediction - target).abs()


def huber(prediction: Tensor, target: Tensor, *, delta: float) -> Tensor:
    """Half the square up to an error of `delta`, a straight line of slope `delta` beyond.

    Source: Huber 1964, Annals of Mathematical Statistics 35(1)
    """
    return F.huber_loss(prediction, target, reduction="none", delta=delta)


def log_cosh(prediction: Tensor, target: Tensor) -> Tensor:
    """log cosh(prediction - target): near half the square for small errors, near the absolute error for large ones.

    Written as |e| + log(1 + exp(-2|e|)) - log 2, because cosh overflows from 89 on.
    """
    error = (prediction - target).abs()
    return error + F.softplus(-2 * error) - math.log(2)
