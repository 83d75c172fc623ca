"""Facts about a network before its first step, by a few rows of the first batch: nothing is trained, and nothing changes."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.findings import Finding
from sonde.core.seams import Task
from sonde.diagnose.parameters import listed, own_name

Answer = Callable[[Batch], Tensor | None]
"""Rows -> what the network answers in evaluation mode, without a gradient; None where that is no single tensor."""

ALIKE = 0.5  # share of the weights from which it is no last layer that begins at zero on purpose
EXACT = 1e-4  # of the answers' size: what rounding may make of them


def units_alike(task: Task) -> list[Finding]:
    """Weights whose rows are all equal: their units compute the same, get the same gradient and stay alike."""
    weights = [
        (name, p) for name, p in task.modules.named_parameters() if p.ndim > 1 and len(p) > 1 and p.requires_grad
    ]
    same = [name for name, p in weights if p.is_floating_point() and _same_rows(p)]
    if not same or len(same) < ALIKE * len(weights):
        return []
    names = listed([own_name(task, name) for name in same])
    return [
        Finding(
            check="units alike",
            name="units-alike",
            severity="warning",
            where=own_name(task, same[0]),
            evidence=f"all units of a layer have the same weights in {len(same)} of {len(weights)} weights ({names}): "
            "they compute "
            "the same, get the same gradient, and stay the same",
            action="draw them at random, as torch does by itself, or by nn.init.kaiming_normal_(weight)",
            step=0,
        )
    ]


def _same_rows(weight: Tensor) -> bool:
    rows = weight.detach()
    return bool((rows[0] == rows[1]).all()) and bool((rows == rows[:1]).all())


def acts_linearly(task: Task, answer: Answer, batch: Batch, inputs: Sequence[str]) -> list[Finding]:
    """A network of several layers that is one linear layer: f((a + b) / 2) = (f(a) + f(b)) / 2.

    inputs: fields that the network takes
    """
    layers = [m for m in task.modules.modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)]
    fields: dict[str, Any] = {name: batch.fields.get(name) for name in inputs}
    floats = [each for each in fields.values() if isinstance(each, Tensor) and each.is_floating_point()]
    if len(layers) < 2 or len(batch.index) < 2 or len(floats) != len(fields) or not floats:
        return []
    found = []
    for scale in (1.0, -3.0):  # of the second row, so that both sides of an activation are met
        rows = {name: torch.stack([v[0], scale * v[1], (v[0] + scale * v[1]) / 2]) for name, v in fields.items()}
        output = answer(Batch(rows, batch.index[:1].expand(3).clone()))
        if output is None or not output.is_floating_point() or len(output) != 3 or not bool(output.isfinite().all()):
            return []
        size = (output[0] - output[1]).abs().max()
        off = (output[2] - (output[0] + output[1]) / 2).abs().max()
        found.append(bool(size > 1e-6) and bool(off <= EXACT * size))
    if not all(found):
        return []
    return [
        Finding(
            check="no nonlinearity",
            name="no-nonlinearity",
            severity="warning",
            evidence=f"with {len(layers)} layers the network is one linear layer: what it answers to the mean of two rows is the mean "
            "of its answers",
            action="put an activation between the layers, such as nn.ReLU()",
            step=0,
        )
    ]


def sees_ahead(answer: Answer, batch: Batch, given: str, target: str) -> list[Finding]:
    """A network that is to tell each next token, and whose answers change with the tokens that follow."""
    tokens, following = batch.fields.get(given), batch.fields.get(target)
    if (
        not isinstance(tokens, Tensor)
        or not isinstance(following, Tensor)
        or tokens.is_floating_point()
        or tokens.ndim != 2
    ):
        return []
    if tokens.shape != following.shape or tokens.shape[1] < 3:
        return []
    if not bool((tokens[:, 1:] == following[:, :-1]).float().mean() > 0.95):
        return []
    rows = tokens[:2]
    others = rows.clone()
    others[:, -1] = rows[:, 0]
    others[:, -1] = torch.where(others[:, -1] == rows[:, -1], rows[:, 1], others[:, -1])
    if bool((others == rows).all()):
        return []
    fields = {**batch.fields, given: torch.cat([rows, others]), target: following[:2].repeat(2, 1)}
    output = answer(
        Batch({name: fields[name] for name in (given, target)}, batch.index[:1].expand(2 * len(rows)).clone())
    )
    if output is None or output.ndim != 3 or output.shape[:2] != (2 * len(rows), tokens.shape[1]):
        return []
    before = output[:, :-1].float()
    off = (before[: len(rows)] - before[len(rows) :]).abs().max()
    if not bool(off > EXACT * before.abs().max()):
        return []
    return [
        Finding(
            check="future visible",
            name="future-visible",
            severity="warning",
            evidence="what the network answers for earlier tokens changes with the last one, though each token's target is the next "
            f"token (by {float(off):.2g}): it can copy what it is to tell",
            action="mask what follows: is_causal=True, or a mask of torch.triu(ones, 1)",
            step=0,
        )
    ]


def rows_mixed(answer: Answer, batch: Batch) -> list[Finding]:
    """A network whose answer for a row depends on the other rows of the batch, in evaluation mode."""
    if len(batch.index) < 4:
        return []
    whole, half = answer(_rows(batch, 4)), answer(_rows(batch, 2))
    if (
        whole is None
        or half is None
        or whole.shape[:1] != (4,)
        or half.shape[:1] != (2,)
        or whole.shape[1:] != half.shape[1:]
    ):
        return []
    if not whole.is_floating_point() or not bool(whole.isfinite().all() & half.isfinite().all()):
        return []
    off, size = (whole[:2] - half).abs().max(), whole.abs().max()
    if not bool(off > 100 * EXACT * size):
        return []
    return [
        Finding(
            check="rows mixed",
            name="rows-mixed",
            severity="warning",
            evidence="in evaluation mode the network's answer for a row changes with the other rows of the batch (by "
            f"{float(off / size) * 100:.2g} % of its size)",
            action="look for a view or reshape that mixes the rows' axis with another (permute instead), a softmax or norm over "
            "axis 0; silence=['rows-mixed'] where it is meant",
            step=0,
        )
    ]


def _rows(batch: Batch, count: int) -> Batch:
    fields = {name: each[:count] for name, each in batch.fields.items() if isinstance(each, Tensor)}
    return Batch(fields, batch.index[:count])


def largest_dropout(modules: nn.Module) -> tuple[float, str]:
    """The rate and name of the dropout layer with the largest one; 0 where there is none."""
    rates = [
        (float(getattr(module, "p", 0.0)), name)
        for name, module in modules.named_modules()
        if isinstance(module, nn.modules.dropout._DropoutNd)
    ]
    return max(rates, default=(0.0, ""))
