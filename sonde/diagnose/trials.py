"""What a trial has shown, and the ground it is made on: a network that is trained and put back bit by bit."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.seams import Loss, Source, as_loss, rewinds
from sonde.core.units import number
from sonde.engine import random_state
from sonde.engine.execution.settings import autocast
from sonde.engine.phase_loss import checked_loss
from sonde.engine.step import Stepper
from sonde.engine.timing import untouched

PIECE = 64  # rows that are computed at once, at most
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
SURE = 3.0  # standard errors by which a difference is taken for one


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A question about a run that was put to its network.

    answer:  None where it stayed open: too little time, data that do not allow it, a result in between
    said:    the answer in a sentence, with its numbers
    numbers: what was measured, by name
    """

    name: str
    question: str
    answer: bool | None
    said: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Two lists of losses of the same rows: how far the second lies above the first.

    difference: mean;  error: standard error of that
    """

    first: float
    second: float
    difference: float
    error: float

    @property
    def beyond(self) -> bool:
        """Whether the difference is beyond its noise, and not a matter of rounding; one that is no number is."""
        if not (math.isfinite(self.first) and math.isfinite(self.second)):
            return self.first != self.second
        return abs(self.difference) > max(SURE * self.error, 1e-3 * abs(self.first))

    @property
    def apart(self) -> str:
        """How far they are apart, in words; of what is not finite there is no difference.

        >>> Paired(first=1.0, second=1.5, difference=0.5, error=0.1).apart
        '0.500 ± 0.100'
        """
        if not math.isfinite(self.difference):
            return "not defined"
        return (
            f"{number(self.difference)} ± {number(self.error)}"
            if math.isfinite(self.error)
            else number(self.difference)
        )

    def __str__(self) -> str:
        return f"{finite(self.first)} and {finite(self.second)} (difference {self.apart})"


def finite(loss: float) -> str:
    """A loss for people.

    >>> finite(0.25), finite(float("inf"))
    ('0.250', 'not finite')
    """
    return number(loss) if math.isfinite(loss) else "not finite"


def paired(first: Sequence[float], second: Sequence[float]) -> Paired:
    """Compare losses of the same pieces.

    >>> paired([1.0, 2.0, 3.0, 4.0], [1.5, 2.5, 3.5, 4.5]).difference
    0.5
    """
    a, b = torch.tensor(first, dtype=torch.float64), torch.tensor(second, dtype=torch.float64)
    apart = b - a
    error = float(apart.std() / len(apart) ** 0.5) if len(apart) > 1 else float("inf")
    return Paired(first=float(a.mean()), second=float(b.mean()), difference=float(apart.mean()), error=error)


@contextmanager
def trying(stepper: Stepper) -> Iterator[None]:
    """Training mode for the body, eagerly and without dropout; whatever it does to the run is undone."""
    execution, stepper.execution = stepper.execution, stepper.execution.eager
    rates = [
        (module, module.dropout)
        for module in stepper.task.modules.modules()
        if isinstance(module, nn.RNNBase | nn.MultiheadAttention)
    ]
    try:
        with untouched(stepper):
            stepper.training_mode()
            for module in stepper.task.modules.modules():
                if _drops(module):
                    module.training = False
            for module, _ in rates:
                module.dropout = 0.0
            yield
    finally:
        for module, rate in rates:
            module.dropout = rate
        stepper.execution = execution


def _drops(module: nn.Module) -> bool:
    """Whether a module is a dropout layer, torch's or another: without weights, modules or state, and with a rate `p`."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return True
    rate = getattr(module, "p", None)
    empty = not any(True for _ in (*module.parameters(), *module.buffers(), *module.children()))
    return empty and isinstance(rate, float) and "drop" in type(module).__name__.lower()


def loss_of(stepper: Stepper, batch: Batch) -> Tensor:
    """The main phase's loss, to be differentiated. Raises: what the phase's loss does"""
    phase = stepper.main_update.phase
    with autocast(stepper.settings):
        found = phase.loss(batch)
    return checked_loss(phase, found, len(batch)).value


@torch.no_grad()
def losses_of(stepper: Stepper, batches: Iterable[Batch]) -> list[float]:
    """The main phase's loss of each batch."""
    found = []
    for batch in batches:
        with autocast(stepper.settings):
            loss = stepper.main_update.phase.loss(batch)
        whole = loss if isinstance(loss, Loss) else as_loss(loss, len(batch))
        found.append(float(whole.value))
    return found


def learn(stepper: Stepper, batches: Iterable[Batch], rate: float) -> Iterator[float]:
    """Train the main phase's weights by Adam, and yield each batch's loss before its step.

    An optimiser of its own, so that it is the network that is tried, and not the run's rate, decay or clipping.
    """
    parameters = list(stepper.held(stepper.main_update.phase.name))
    adam = Adam(parameters, rate)
    for batch in batches:
        for parameter in parameters:
            parameter.grad = None
        loss = loss_of(stepper, batch)
        yield float(loss.detach())
        loss.backward(inputs=parameters)
        adam.step()


class Adam:
    """Adam as it was published, with its usual constants; a parameter without a gradient stays as it is.

    torch's own takes seconds to be made for the first time in a process, longer than a probe may take.
    Source: Kingma and Ba 2015, arXiv:1412.6980
    """

    def __init__(self, parameters: Sequence[Tensor], rate: float) -> None:
        self._parameters, self._rate, self._done = parameters, rate, 0
        self._first = [torch.zeros_like(_real(each)) for each in parameters]
        self._second = [torch.zeros_like(_real(each)) for each in parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters by their gradients."""
        self._done += 1
        places = [place for place, each in enumerate(self._parameters) if each.grad is not None]
        if not places:
            return
        gradients = [_real(_dense(self._parameters[place].grad)) for place in places]
        first, second = ([moments[place] for place in places] for moments in (self._first, self._second))
        torch._foreach_lerp_(first, gradients, 1 - BETA1)
        torch._foreach_mul_(second, BETA2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - BETA2)
        scale = torch._foreach_div(second, 1 - BETA2**self._done)
        torch._foreach_sqrt_(scale)
        torch._foreach_add_(scale, EPSILON)
        values = [_real(self._parameters[place]) for place in places]
        torch._foreach_addcdiv_(values, first, scale, -self._rate / (1 - BETA1**self._done))


def _dense(gradient: Tensor | None) -> Tensor:
    assert gradient is not None
    return gradient.to_dense() if gradient.is_sparse else gradient


def _real(value: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones, each of which is moved by itself."""
    value = value.detach()
    return torch.view_as_real(value) if value.is_complex() else value


def drawn(source: Source, most: int, device: torch.device, *, deadline: float = float("inf")) -> list[Batch]:
    """Up to `most` batches of one pass, from the source's position on; it is put back. Nothing of one that cannot be.

    deadline: second of `time.perf_counter` after which none is read any more
    """
    if not rewinds(source):
        return []
    position = source.state_dict()
    found: list[Batch] = []
    try:
        with random_state.apart(device):
            for _ in range(2):  # at an epoch's end a source yields nothing once
                for batch in source:
                    found.append(batch)
                    if len(found) >= most or time.perf_counter() > deadline:
                        break
                if found:
                    break
    finally:
        source.load_state_dict(position)
    return found


def pieces(batches: Iterable[Batch], rows: int = PIECE) -> list[Batch]:
    """The batches, cut into pieces of at most so many rows."""
    return [piece for batch in batches for piece in batch.split(-(-len(batch) // rows)) if len(piece) > 1]


def parted(batches: Sequence[Batch], *, held: float = 0.25) -> tuple[list[Batch], list[Batch]]:
    """(pieces to train on, pieces with other rows): of few batches more are cut, so that some are held back."""
    rows = max(8, min(PIECE, sum(map(len, batches)) // 16))
    cut = pieces(batches, rows)
    last = max(4, round(held * len(cut)))
    train, rest = cut[:-last], cut[-last:]
    known = {int(row) for piece in train for row in piece.index}
    return train, [piece for piece in rest if not any(int(row) in known for row in piece.index)]
