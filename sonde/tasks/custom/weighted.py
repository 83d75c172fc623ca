"""What torch's losses of classes are means over: targets that count, by the weights of their classes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, nll_loss

from sonde.core.seams import Loss

IGNORED = -100  # torch's default `ignore_index`


def weighted(loss: Any) -> Callable[[Tensor, Tensor], Loss] | None:
    """`loss` with the weight of its mean, so that micro-batches make the whole batch's gradient; None where it needs none.

    loss: as the caller gave it: torch's cross entropy or negative log-likelihood as a module, a function, or a partial of that;
          of targets that are probabilities they are means over the rows
    """
    if type(loss) in (nn.CrossEntropyLoss, nn.NLLLoss) and loss.reduction == "mean":
        smoothing = {"label_smoothing": loss.label_smoothing} if isinstance(loss, nn.CrossEntropyLoss) else {}
        kind = cross_entropy if isinstance(loss, nn.CrossEntropyLoss) else nll_loss
        return lambda output, target: _loss(
            partial(kind, ignore_index=loss.ignore_index, **smoothing), output, target, loss.weight, loss.ignore_index
        )
    given = dict(loss.keywords) if isinstance(loss, partial) and not loss.args else {}
    function = loss.func if isinstance(loss, partial) else loss
    if function not in (cross_entropy, nll_loss) or given.pop("reduction", "mean") != "mean":
        return None
    weight, ignored = given.pop("weight", None), given.get("ignore_index", IGNORED)
    return lambda output, target: _loss(partial(function, **given), output, target, weight, ignored)


def counted(loss: Any) -> Callable[[Tensor], Tensor | float] | None:
    """(targets of a batch) -> what the mean that `loss` gives of them is one of; None as for `weighted`."""
    if weighted(loss) is None:
        return None
    given: dict[str, Any] = loss.keywords if isinstance(loss, partial) else {}
    module: Any = loss
    ignored: int = module.ignore_index if isinstance(loss, nn.Module) else given.get("ignore_index", IGNORED)

    def count(target: Tensor) -> Tensor | float:
        if target.is_floating_point():
            return len(target)
        weight = module.weight if isinstance(loss, nn.Module) else given.get("weight")
        return _total(target, weight, ignored)

    return count


def _total(target: Tensor, weight: Tensor | None, ignored: int) -> Tensor:
    counts = target != ignored
    return counts.sum() if weight is None else (weight[target.where(counts, 0)] * counts).sum()


def _loss(function: Callable[..., Tensor], output: Tensor, target: Tensor, weight: Tensor | None, ignored: int) -> Loss:
    if target.is_floating_point():
        return Loss(function(output, target, weight=weight), len(target))
    total = _total(target, weight, ignored)
    # a piece in which nothing counts adds nothing, where its mean would be NaN
    value = function(output, target, weight=weight, reduction="sum") / total.clamp(min=torch.finfo(output.dtype).tiny)
    return Loss(value, total)
