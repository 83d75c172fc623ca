"""What a classifier minimises: one value per row (softmax) or per output (sigmoid), for the caller to average."""

import torch
import torch.nn.functional as F
from torch import Tensor

# N rows, C classes; sigmoid losses take any shape


def cross_entropy(logits: Tensor, target: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """-log p(target), logits (N, C) and classes (N,) -> (N,).

    smoothing: share of the target that is spread evenly over all classes (Szegedy et al. 2015, arXiv:1512.00567)

    With class weights the whole loss of a row, its smoothed part too, counts by the weight of the row's class, as with Keras's
    `class_weight`: sum(w[y] * loss) / sum(w[y]). `torch.nn.CrossEntropyLoss(weight, label_smoothing=e)` is another loss: there
    each class's share e / C of every row counts by that class's weight, so that smoothing pulls all rows towards the classes of
    large weight, which are the rare ones. Without smoothing, or with equal weights, both are the same; for torch's give
    loss=torch.nn.CrossEntropyLoss(weight, label_smoothing=e) to `sonde.train`.
    """
    return F.cross_entropy(logits, target, reduction="none", label_smoothing=smoothing)


def focal(logits: Tensor, target: Tensor, *, gamma: float) -> Tensor:
    """Cross-entropy times (1 - p(target))^gamma, so that rows already right count little: (N, C), (N,) -> (N,).

    Source: Lin et al. 2017, arXiv:1708.02002 (without its alpha: class weights do that)
    """
    logp = F.log_softmax(logits, dim=1).gather(1, target.unsqueeze(1)).squeeze(1)
    return -_power(-torch.expm1(logp), gamma) * logp


def squared_error(logits: Tensor, target: Tensor) -> Tensor:
    """Squared distance of the probabilities to the one-hot target, summed over classes: (N, C), (N,) -> (N,).

    Source: Brier 1950, Monthly Weather Review 78(1)
    """
    return (logits.softmax(1) - F.one_hot(target, logits.shape[1])).square().sum(1)


def binary_cross_entropy(logits: Tensor, target: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """-t log p - (1 - t) log(1 - p) of each output, targets t in [0, 1] of the logits' shape.

    Smoothing spreads over the two classes, as `cross_entropy` does over two classes.
    """
    soft = target if smoothing == 0 else target * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, soft, reduction="none")


def binary_focal(logits: Tensor, target: Tensor, *, gamma: float) -> Tensor:
    """`focal` of each output, targets 0 or 1 of the logits' shape."""
    logp = F.logsigmoid(torch.where(target > 0.5, logits, -logits))
    return -_power(-torch.expm1(logp), gamma) * logp


def binary_squared_error(logits: Tensor, target: Tensor) -> Tensor:
    """Squared distance of each output's probability to its target of 0 or 1."""
    return (logits.sigmoid() - target).square()


def balanced_weights(counts: Tensor) -> Tensor:
    """Class weights inversely proportional to frequency, 1 on average over the rows: counts (C,) -> (C,).

    A class without rows gets weight 0: nothing of it is ever seen.
    Source: King and Zeng 2001, Political Analysis 9(2), in scikit-learn's normalisation
    """
    counts = counts.double()
    return torch.where(counts > 0, counts.sum() / (len(counts) * counts.clamp(min=1)), 0.0).float()


def _power(miss: Tensor, gamma: float) -> Tensor:
    """miss ** gamma, whose gradient at miss = 0 would be infinite below gamma = 1."""
    return miss.clamp(min=torch.finfo(miss.dtype).tiny) ** gamma
