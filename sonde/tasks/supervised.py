"""What supervised tasks share: ensembles, masks, mixed targets, auxiliary heads, and the choice of a best."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError, unknown
from sonde.core.seams import Loss, Objective, as_loss
from sonde.metrics.other_names import name_here
from sonde.nn.auxiliary import WithAuxiliary

# B rows, K members of an ensemble, O outputs of the model

Each = Callable[[Tensor, Tensor], Tensor]
"""Outputs (N, O) and target (N, …) -> loss of each row (N,) or of each output (N, O)."""

Weigh = Callable[[Tensor], Tensor]
"""Target (B, …) -> how much each of its losses counts, of their shape."""


def objective(
    own: str, modes: Mapping[str, Literal["max", "min"]], monitor: str | None, *, latest: bool = False
) -> Objective:
    """What decides which checkpoint is best: the metric of --monitor, else the task's own.

    modes: every metric that the task reports, and whether more or less of it is better;  latest: see `Objective`
    Raises: ConfigError with the nearest names for a metric that is not reported
    """
    metric = monitor or own
    if metric not in modes:
        if (here := name_here(metric, modes)) is not None:
            raise ConfigError(
                f"monitor={metric!r}: it is called {here!r} here; those of the validation rows are monitored"
            )
        raise unknown("metric to monitor", metric, modes)
    return Objective(metric, modes[metric], latest)


def wide(outputs: Tensor) -> Tensor:
    """At least float32: under autocast a model outputs 16 bits, too few for a loss."""
    return outputs.float() if outputs.dtype in (torch.bfloat16, torch.float16) else outputs


def check_shape(outputs: Tensor, expected: tuple[int, ...], needs: str, *, model: str) -> None:
    """Raises: ConfigError for outputs of another shape. needs: "task torsions needs …", {} for the shape; model: that has it"""
    if tuple(outputs.shape) != expected:
        raise ConfigError(
            f"{needs.format(expected)}, and the model outputs {tuple(outputs.shape)}; use --model {model}"
        )


def with_auxiliary(output: Tensor | WithAuxiliary, loss_of: Callable[[Tensor], Loss]) -> Loss:
    """The loss of a network's output in training: of one tensor, or with that of its auxiliary heads added by their share.

    All heads have the same targets, so their losses average over the same things and the main one's weight is
    right for the sum. The main loss alone is then a part called "main".
    """
    if not isinstance(output, WithAuxiliary):
        return loss_of(output)
    main = loss_of(output.main)
    value = main.value
    for head in output.auxiliary:
        value = value + output.share * loss_of(head).value
    return Loss(value, main.weight, {**main.parts, "main": main.value})


def per_member(function: Each, outputs: Tensor, target: Tensor) -> Tensor:
    """`function` of (B, O), or of (B, K, O) with the target repeated and the mean over members taken: (B,) or (B, O)."""
    if outputs.ndim == 2:
        return function(outputs, target)
    members = outputs.shape[1]
    each = function(outputs.flatten(0, 1), target.repeat_interleave(members, dim=0))
    return each.unflatten(0, (-1, members)).mean(1)


def terms(batch: Batch, outputs: Tensor, function: Each, weigh: Weigh | None) -> tuple[Tensor, Tensor | None]:
    """(loss of each row or output, its weight); no weight where all count equally.

    A mixed row (`mix_target`, `mix_weight`) counts as a share of each of its targets, with that target's weight; a masked
    entry has weight 0, whatever stands in its target.
    """
    fields = batch.fields
    target = batch["target"]
    mask = fields["mask"].to(outputs.dtype) if "mask" in fields else None
    if mask is not None:
        target = torch.where(mask > 0, target, 0)
    each = per_member(function, outputs, target)
    weight = None if weigh is None else weigh(target)
    if "mix_target" in fields:
        each, weight = _mixed(batch, outputs, function, weigh, each, weight)
    if mask is not None:
        weight = mask if weight is None else weight * mask
    return each, weight


def own_loss(function: Callable[..., Any], outputs: Tensor, batch: Batch) -> Any:
    """The loss by a function(output, target) of the caller's own, the mean over the rows; members of an ensemble each by itself.

    Raises: ConfigError for mixed rows and missing targets, of which such a function knows nothing
    """
    if "mix_target" in batch:
        raise ConfigError(
            "loss=, a function of your own, cannot weigh mixed rows (mixup, cutmix); use another augment="
        )
    if "mask" in batch:
        raise ConfigError(
            "loss=, a function of your own, cannot leave out missing targets; use one of the task's losses by name"
        )
    target = batch["target"]
    if outputs.ndim == 3:
        target, outputs = target.repeat_interleave(outputs.shape[1], dim=0), outputs.flatten(0, 1)
    return as_loss(function(outputs, target), len(batch))


def own_loss_by_row(function: Callable[..., Any], outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
    """The same as what a meter takes: the mean over the rows, as if it were the loss of each."""
    found = own_loss(function, outputs, batch)
    if not isinstance(found, Loss):
        raise ConfigError("loss=, a function of your own, must return a scalar, the mean over the rows")
    return {"loss": found.value.detach().expand(len(batch))}


def mean_loss(each: Tensor, weight: Tensor | None, rows: int) -> Loss:
    """Sum of weight x loss over sum of weights; the latter is what the engine scales pieces of a batch by."""
    if weight is None:
        return Loss(each.mean(), rows)
    total = weight.sum().clamp(min=1e-30)  # nothing counts in a batch that is masked throughout: loss 0, not NaN
    return Loss((each * weight).sum() / total, total)


def by_row(each: Tensor, weight: Tensor | None) -> dict[str, Tensor]:
    """`terms` as what a meter takes: "loss" (B,), and "weight" (B,) where rows count differently."""
    if weight is None:
        return {"loss": each if each.ndim == 1 else each.mean(1)}
    if each.ndim == 1:
        return {"loss": each, "weight": weight}
    total = weight.sum(1)
    return {"loss": (each * weight).sum(1) / total.clamp(min=1e-30), "weight": total}


def _mixed(
    batch: Batch, outputs: Tensor, function: Each, weigh: Weigh | None, each: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    share = batch["mix_weight"].to(each.dtype)
    share = share if each.ndim == 1 else share[:, None]
    other = per_member(function, outputs, batch["mix_target"])
    if weigh is None or weight is None:
        return share * each + (1 - share) * other, None
    one, two = share * weight, (1 - share) * weigh(batch["mix_target"])
    both = one + two
    return (one * each + two * other) / both.clamp(min=1e-30), both
