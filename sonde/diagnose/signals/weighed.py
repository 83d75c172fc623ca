"""Which weights are measured at a step, and how: norms of their values, gradients and updates, many tensors at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

MOST_WEIGHTS = 256  # tensors
MOST_COPIED = 250_000  # entries of a weight whose update is measured: of a larger one rows evenly between
MOST_TOGETHER = 8_000_000  # entries of all of them
LOOKED_AT = 4_096  # entries
HALVES = (torch.bfloat16, torch.float16)
KINDS = (torch.float32, torch.float64, *HALVES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A weight.

    seen:   entries whose values and changes are measured, rows that are `stride` apart
    fan:    entries that make one output;  inputs: units that it takes
    summed: whether its entries weight inputs that are added up; False of rows that are looked up, and of factors
    """

    name: str
    weight: nn.Parameter
    stride: int
    seen: int
    entries: int
    fan: int
    inputs: int
    summed: bool

    def part(self) -> Tensor:
        """The rows that are measured."""
        values = self.weight.detach()
        values = values if self.stride == 1 else values[:: self.stride]
        return torch.view_as_real(values) if values.is_complex() else values


class Weighed:
    """The weights of a network that are measured: of many the first, the last and those evenly between."""

    def __init__(self, modules: nn.Module, names: Mapping[int, str]) -> None:
        """names: identity of a parameter -> its name"""
        weights = [p for p in modules.parameters() if p.requires_grad and p.ndim > 1 and p.numel() and _dense(p)]
        if len(weights) > MOST_WEIGHTS:
            places = [round(number * (len(weights) - 1) / (MOST_WEIGHTS - 1)) for number in range(MOST_WEIGHTS)]
            weights = [weights[place] for place in places]
        most = max(1, min(MOST_COPIED, MOST_TOGETHER // max(1, len(weights))))
        apart = _not_summed(modules)
        self.weights = [
            _measured(names[id(weight)], weight, most, summed=id(weight) not in apart and not _even(weight))
            for weight in weights
        ]

    def before(self) -> Sequence[Tensor]:
        """Copies of the rows whose change is measured."""
        return [each.part().clone() for each in self.weights]

    @torch.no_grad()
    def after(self, before: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Norms of the weights before the step, of their gradients as they were used, and of their changes, each (weights,)."""
        now = [each.part() for each in self.weights]
        gradients = [_gradient(each.weight) for each in self.weights]
        changes = [new - old for new, old in zip(now, before, strict=True)]
        return _norms(before), _norms(gradients), _norms(changes)


def _not_summed(modules: nn.Module) -> set[int]:
    """Identities of weights whose rows are looked up, and of those that a module of ours calls `FACTORS`.

    No attribute is asked for: where a weight is parametrised that computes it, and a spectral norm takes a step of its own.
    """
    found: set[int] = set()
    for module in modules.modules():
        looked_up = isinstance(module, nn.Embedding | nn.EmbeddingBag)
        factors = getattr(type(module), "FACTORS", ())
        if looked_up or factors:
            found |= {id(each) for name, each in module.named_parameters() if looked_up or name in factors}
    return found


def _even(weight: Tensor) -> bool:
    """Whether its first entries are all the same and not 0, as of factors that begin at 1: such were not drawn."""
    first = weight.detach().flatten()[:LOOKED_AT]
    return bool((first == first[0]).all() & (first[0] != 0))


def _measured(name: str, weight: nn.Parameter, most: int, *, summed: bool) -> Measured:
    stride = min(len(weight), -(-weight.numel() // most))
    fan = weight.numel() // len(weight)
    return Measured(
        name=name,
        weight=weight,
        stride=stride,
        seen=fan * -(-len(weight) // stride),
        entries=weight.numel(),
        fan=fan,
        inputs=weight.shape[1],
        summed=summed,
    )


def _dense(weight: Tensor) -> bool:
    return weight.layout is torch.strided and not weight.is_meta and (weight.dtype in KINDS or weight.is_complex())


def _gradient(weight: nn.Parameter) -> Tensor:
    """Empty where there is none."""
    gradient = weight.grad
    if gradient is None:
        return weight.detach()[:0]
    if gradient.layout is not torch.strided:
        gradient = gradient.coalesce().values()
    return torch.view_as_real(gradient) if gradient.is_complex() else gradient.detach()


def _norms(values: Sequence[Tensor]) -> Tensor:
    """2-norms (n,) of many tensors; of a kind and a device they are computed together."""
    if not values:
        return torch.zeros(0)
    norms = torch._foreach_norm([each.float() if each.dtype in HALVES else each for each in values])
    if len({(each.device, each.dtype) for each in values}) > 1:
        norms = [each.to(values[0].device, torch.float32) for each in norms]
    return torch.stack(tuple(norms))
