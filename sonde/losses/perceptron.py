"""The loss whose plain gradient step is the perceptron's rule."""

import torch
import torch.nn.functional as F
from torch import Tensor


def perceptron(scores: Tensor, signs: Tensor) -> Tensor:
    """-t s where t s <= 0, else 0, for scores s and signs t of -1 or 1, of one shape; that shape.

    A score of zero counts as a mistake, or training could not leave zero weights; the gradient of a mistake is exactly -t.
    Summed over outputs, not averaged, it makes a step at rate 1 on one row the published w <- w + t x.
    Source: Rosenblatt 1958, Psychological Review 65(6); as a loss: Bishop 2006, section 4.1.7
    """
    margin = signs * scores
    return torch.where(margin <= 0, -margin, 0.0)


def one_against_rest(target: Tensor, num_classes: int) -> Tensor:
    """Signs (N, num_classes): 1 at each row's class, -1 elsewhere; target (N,) of class numbers."""
    return F.one_hot(target, num_classes) * 2.0 - 1.0
