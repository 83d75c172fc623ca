"""An update: a phase with what moves its weights, and the ways in which an optimiser's state and search are handled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sonde.core.seams import Phase
from sonde.engine.stages import Stages
from sonde.optim.schedulers import Scheduler


@dataclass(frozen=True, kw_only=True)
class Update:
    """A phase with the optimiser that moves its weights, the shape of its rate and how far its gradients are clipped.

    multiplier: 0-based step -> share of the peak rate; of a phase in a stage, counted from the stage's first step
    own_rate:   its peak rate is its own: a range test for the run's leaves it alone
    clip, clip_value: None for those of the step's settings
    scheduler:  sets the rates of the optimiser's groups instead of `multiplier`
    closure:    the optimiser computes the loss again within a step, as L-BFGS does
    custom:     it is not one of ours, so that what it was made with is kept with its state
    further:    parameters that it is to train from now on -> groups for its optimiser; None: as its first group
    """

    phase: Phase
    optimizer: Optimizer
    multiplier: Callable[[int], float]
    own_rate: bool = False
    clip: float | None = None
    clip_value: float | None = None
    scheduler: Scheduler | None = None
    closure: bool = False
    custom: bool = False
    further: Callable[[Sequence[nn.Parameter]], list[dict[str, Any]]] | None = None

    def in_stage(self, stages: Stages, number: int) -> bool:
        """Whether its phase is at work in stage `number` of `stages`."""
        return self.phase.stage is None or self.phase.stage == stages.stages[number]


def optimized_parameters(update: Update) -> list[nn.Parameter]:
    """The parameters of a phase that its optimiser moves."""
    moved = {id(parameter) for group in update.optimizer.param_groups for parameter in group["params"]}
    return [parameter for parameter in update.phase.parameters() if id(parameter) in moved]


def peak_rates(update: Update) -> list[float]:
    """The highest rate of each group, before a step is taken; a scheduler may begin below it."""
    first = "lr" if update.scheduler is None else "initial_lr"
    return [float(group.get(first, group["lr"])) for group in update.optimizer.param_groups]


def sparse_in(module: nn.Module) -> set[int]:
    """`id` of the parameters whose gradients hold the rows that were read only."""
    tables = (part for part in module.modules() if isinstance(part, nn.Embedding | nn.EmbeddingBag) and part.sparse)
    return {id(table.weight) for table in tables}


def has_sparse_gradients(module: nn.Module | nn.Parameter) -> bool:
    """Whether a module, or one in it, is an embedding whose gradients hold the rows that were read only.

    >>> has_sparse_gradients(nn.Embedding(2, 2, sparse=True)), has_sparse_gradients(nn.Embedding(2, 2))
    (True, False)
    """
    parts = module.modules() if isinstance(module, nn.Module) else ()
    return any(isinstance(part, nn.Embedding | nn.EmbeddingBag) and part.sparse for part in parts)


def gradient_values(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    """What is stored of each gradient: of a sparse one, as `nn.Embedding(sparse=True)` makes, the rows that are there.

    Each sparse gradient is put back with its rows added up, so that to change the entries is to change it.
    """
    found = []
    for parameter in parameters:
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
            found.append(parameter.grad._values())
        elif parameter.grad is not None:
            found.append(parameter.grad)
    return found


def total_norm(gradients: list[Tensor]) -> Tensor:
    """Euclidean norm over all entries of all gradients, as a device scalar (one fused pass; 0 for no gradient)."""
    if not gradients:
        return torch.zeros(())
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))


SEARCH_REMEDY = "lower --lr, give larger batches (--batch-size), or use --optimizer adam"
"""Where a search along the gradient ended nowhere; clipping, which helps elsewhere, is refused beside one."""


def search_step(
    optimizer: Optimizer, parameters: Sequence[nn.Parameter], value: Tensor, loss: Callable[[], Tensor]
) -> str:
    """An update that computes the loss again where it looks; why it failed, with the weights as they were, else "".

    value: the loss where the weights are, whose gradient stands in `.grad` already
    loss:  leaves the gradient at other weights there, and gives the loss
    """
    known = [value]

    def closure() -> Tensor:
        found = known.pop() if known else loss()
        for parameter in parameters:  # torch's L-BFGS lays gradients in a row, and takes none in channels_last
            if parameter.grad is not None and not parameter.grad.is_contiguous():
                parameter.grad = parameter.grad.contiguous()
        return found

    before = [parameter.detach().clone() for parameter in parameters]
    optimizer.step(closure)  # type: ignore[arg-type]  # torch says float, and takes its tensors
    if bool(torch.isfinite(total_norm([parameter.detach() for parameter in parameters]))):
        return ""
    with torch.no_grad():
        torch._foreach_copy_(list(parameters), before)
    return f"{type(optimizer).__name__} ended at weights that are not finite"


def load_optimizer(optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """`load_state_dict` into tensors with the parameters' own strides.

    Saved tensors come back contiguous, and torch's fused Adam ignores strides: with channels_last weights it would pair
    moments with the wrong weights and say nothing (5e-3 after three steps, measured on 2.13).
    """
    optimizer.load_state_dict(dict(saved))
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, list):  # such as L-BFGS's directions, some of which it changes in place
                state[name] = [item.clone() if isinstance(item, Tensor) else item for item in value]
            if isinstance(value, Tensor):
                laid = torch.empty_like(parameter) if value.shape == parameter.shape else torch.empty_like(value)
                state[name] = laid.to(value.dtype).copy_(value) if laid.dtype != value.dtype else laid.copy_(value)
