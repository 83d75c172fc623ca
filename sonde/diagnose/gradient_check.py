"""Back-propagation beside finite differences, weight by weight, and what each of them costs."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sonde.core.errors import ConfigError
from sonde.core.progress import Tick, silent
from sonde.core.units import count, duration, number
from sonde.diagnose.blame import at_fault
from sonde.diagnose.finite_differences import Difference, compare
from sonde.diagnose.fixed import fixed

ENTRIES, FEWEST = 20, 2  # of a tensor, where there is time for as many
USUAL_S = 60.0  # seconds of forward passes, where nobody says how many entries to compare
STEP = 1e-5  # of a weight's size: between truncation, which goes with its square, and rounding, which goes with its inverse
SMALLEST = 0.1  # size that a tensor near zero is taken for
SHIFT = 1e-7  # of weights, to see how rough a loss is
ROUGH = 1e-11  # of a loss, from where on it was computed in less than float64
TIMES = 5


@dataclass(frozen=True, kw_only=True)
class TensorCheck:
    """One weight or bias.

    compared: entries, of `entries`, each alone; and all of them along one direction
    differences: of what was compared
    """

    name: str
    entries: int
    differences: Sequence[Difference]

    @property
    def compared(self) -> int:
        """Entries that were compared alone."""
        return len(self.differences) - 1

    def counted(self, verdict: str) -> int:
        """How many comparisons ended so."""
        return sum(each.verdict == verdict for each in self.differences)

    @property
    def worst(self) -> Difference:
        """The one that is off most; wrong ones before all others."""
        return max(self.differences, key=lambda each: (each.verdict == "wrong", each.verdict == "agrees", each.error))

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.counted("wrong"):
            return "wrong"
        if self.counted("agrees"):
            return "agrees"
        return "kinks only" if self.counted("kink") else "too small to compare"


@dataclass(frozen=True, kw_only=True)
class GradientCheck:
    """What `sonde.check_gradients` found; its text is a table.

    tensors:  every trained weight and bias, from the network's input to its output
    blamed:   names of the modules whose own backward pass is wrong; empty where all agree
    loss:     its value;  rough: relative rounding of it, above 1e-11 where something is computed in less than float64
    forward_s, backward_s: seconds of one pass forward, and of one back
    differences_s: seconds of all comparisons;  passes: forward passes that they took
    """

    tensors: Sequence[TensorCheck]
    blamed: Sequence[str]
    loss: float
    rough: float
    forward_s: float
    backward_s: float
    differences_s: float
    passes: int

    @property
    def agrees(self) -> bool:
        """Whether back-propagation is right wherever it could be compared."""
        return not self.wrong

    @property
    def wrong(self) -> list[str]:
        """Names of weights whose gradient is wrong."""
        return [each.name for each in self.tensors if each.verdict == "wrong"]

    @property
    def between(self) -> tuple[str, str] | None:
        """The last weight with a wrong gradient and the first with a right one, where these do not alternate."""
        known = [each for each in self.tensors if each.verdict in ("wrong", "agrees")]
        wrong = [each.verdict == "wrong" for each in known]
        place = sum(wrong)
        if not 0 < place < len(known) or wrong != sorted(wrong, reverse=True):
            return None
        return known[place - 1].name, known[place].name

    @property
    def weights(self) -> int:
        """Entries of all of them together."""
        return sum(each.entries for each in self.tensors)

    @property
    def all_differences_s(self) -> float:
        """Seconds that finite differences would take for every weight, at two forward passes each."""
        return 2 * self.weights * self.forward_s

    def rows(self) -> list[tuple[str, ...]]:
        """(weight, entries, compared, off by, verdict) of each tensor."""
        return [
            (
                each.name,
                count(each.entries),
                count(each.compared),
                f"{each.worst.error:.0e}",
                each.verdict + _kinks(each.counted("kink")),
            )
            for each in self.tensors
        ]

    def sentences(self) -> list[str]:
        """What was found, and what both ways cost."""
        return [*self._found(), *self._cost()]

    def _found(self) -> list[str]:
        compared = sum(each.compared for each in self.tensors)
        found = []
        if self.agrees:
            known = [each.worst.error for each in self.tensors if each.verdict == "agrees"]
            found.append(
                f"back-propagation agrees with finite differences in all {count(len(self.tensors))} tensors "
                f"({count(compared)} of {count(self.weights)} weights compared; off by {max(known, default=0):.0e} at "
                "most)"
            )
        for name in self.blamed:
            found.append(f"the backward pass of {name} is wrong: its gradient is not the slope of what it computes")
        if not self.agrees and not self.blamed:
            found.append(
                "each module alone is right: the mistake is in the loss, or in what is called between the modules"
            )
        if between := self.between:
            found.append(
                f"gradients are wrong up to {between[0]} and right from {between[1]} on: the mistake lies between them"
            )
        for each in self.tensors:
            if each.verdict == "wrong" and len(found) < len(self.blamed) + 4:
                worst = each.worst
                found.append(
                    f"{each.name}: back-propagation gives {number(worst.slope, 4)}, finite differences {number(worst.numeric, 4)}"
                )
        if not self.agrees:
            found.append(
                "detach(), rounding and straight-through estimators differ on purpose; else see the backward of a "
                "torch.autograd.Function"
            )
        if self.rough > ROUGH:
            found.append(
                f"the loss is rounded to {self.rough:.0e} of itself: something is computed in less than float64, and small "
                "mistakes are not seen"
            )
        return found

    def _cost(self) -> list[str]:
        both = self.forward_s + self.backward_s
        return [
            f"back-propagation: {duration_of(self.forward_s)} forward and {duration_of(self.backward_s)} back, for all "
            f"{count(self.weights)} weights at once",
            f"finite differences: two forward passes a weight, {count(self.passes)} passes in {duration_of(self.differences_s)}; "
            f"for all weights {duration_of(self.all_differences_s)}, {count(self.all_differences_s / both)} times as long",
        ]

    def __str__(self) -> str:
        columns = ("weight", "entries", "compared", "off by", "")
        texts = [columns, *self.rows()]
        widths = [max(len(row[place]) for row in texts) for place in range(len(columns))]
        lines = [
            "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in texts
        ]
        return "\n".join([*lines, *self.sentences()])


def _kinks(kinks: int) -> str:
    return f" ({kinks} at a kink)" if kinks else ""


def duration_of(seconds: float) -> str:
    """Seconds, also where they are few.

    >>> duration_of(0.00123), duration_of(72)
    ('1.2 ms', '1 m 12 s')
    """
    return f"{seconds * 1e3:.2g} ms" if seconds < 0.1 else duration(seconds)


def checked(
    modules: nn.Module,
    loss: Callable[[], Tensor],
    trained: Mapping[str, nn.Parameter],
    *,
    entries: int | None = None,
    seed: int = 0,
    named: Callable[[str], str] = str,
    tick: Tick = silent,
) -> GradientCheck:
    """Compare the gradient of a loss with finite differences of it, in the mode that the modules are in.

    modules: in float64;  loss: its scalar, of the modules as they are
    trained: the parameters to look at, by name
    entries: of each of them, half of them where the gradient is not 0; by default 20, fewer of large networks
    named: the name of a module as it is to be told
    Raises: ConfigError for a loss that is not the same twice, or not finite
    """
    if not trained:
        raise ConfigError("no parameter is trained, so there is no gradient to check")
    probe = _Probe(modules, loss, seed)
    draw = torch.Generator().manual_seed(seed)
    gradients = probe.gradients(list(trained.values()))
    rough = probe.roughness(list(trained.values()), draw)
    forward, backward = probe.times(list(trained.values()))
    if entries is None:
        entries = max(FEWEST, min(ENTRIES, int(USUAL_S / (2 * forward * len(trained))) - 1))
    begun = time.perf_counter()
    probe.calls = 0
    tensors = []
    for (name, parameter), gradient in zip(trained.items(), gradients, strict=True):
        tensors.append(_tensor(name, parameter, gradient, probe, entries, draw, rough))
        tick("comparing gradients", len(tensors), len(trained))
    spent, passes = time.perf_counter() - begun, probe.calls
    found = GradientCheck(
        tensors=tensors,
        blamed=(),
        loss=probe.value,
        rough=rough / max(abs(probe.value), 1e-300),
        forward_s=forward,
        backward_s=backward,
        differences_s=spent,
        passes=passes,
    )
    if found.agrees:
        return found
    blamed = [
        f"{named(name)} ({type(modules.get_submodule(name)).__name__})" for name in at_fault(modules, loss, seed=seed)
    ]
    return replace(found, blamed=blamed)


def merged(checks: Sequence[GradientCheck]) -> GradientCheck:
    """The checks of several losses, each with weights of its own, as one. Raises: ConfigError where there are none"""
    if not checks:
        raise ConfigError("no parameter is trained, so there is no gradient to check")
    return GradientCheck(
        tensors=[tensor for each in checks for tensor in each.tensors],
        blamed=list(dict.fromkeys(name for each in checks for name in each.blamed)),
        loss=checks[0].loss,
        rough=max(each.rough for each in checks),
        forward_s=sum(each.forward_s for each in checks),
        backward_s=sum(each.backward_s for each in checks),
        differences_s=sum(each.differences_s for each in checks),
        passes=sum(each.passes for each in checks),
    )


class _Probe:
    """A loss that is called again and again, with the same random numbers and buffers."""

    def __init__(self, modules: nn.Module, loss: Callable[[], Tensor], seed: int) -> None:
        self._modules, self._loss, self._seed = modules, loss, seed
        self._graph = False  # whether the loss itself needs gradients to be computed, as a gradient penalty does
        self.calls = 0
        with self._same():
            self.value = float(loss().detach())
        again = self._again()
        if not math.isfinite(self.value):
            raise ConfigError(
                f"the loss is {self.value}, which has no gradient to compare; give other rows, or look at the inputs"
            )
        if abs(again - self.value) > 1e-9 * max(abs(self.value), 1e-30):
            raise ConfigError(
                f"the loss is {number(self.value, 6)}, and called again {number(again, 6)}, with the same weights, rows and "
                "random numbers: it draws from a generator of its own, or something in it changes at each call; keep that fixed"
            )

    def _same(self) -> AbstractContextManager[None]:
        return fixed(self._modules, seed=self._seed)

    def _again(self) -> float:
        try:
            return self()
        except RuntimeError:
            self._graph = True
            return self()

    def __call__(self) -> float:
        self.calls += 1
        with self._same(), torch.set_grad_enabled(self._graph):
            return float(self._loss().detach())

    def gradients(self, parameters: Sequence[Tensor]) -> list[Tensor]:
        """By back-propagation; zeros where there is none."""
        with self._same():
            found = torch.autograd.grad(self._loss(), list(parameters), allow_unused=True)
        return [
            torch.zeros_like(parameter) if each is None else each.to_dense() if each.is_sparse else each.detach()
            for parameter, each in zip(parameters, found, strict=True)
        ]

    def times(self, parameters: Sequence[Tensor]) -> tuple[float, float]:
        """Fewest seconds of a forward pass, and of what back-propagation adds to it."""
        forward, both = [], []
        for _ in range(TIMES):
            begun = time.perf_counter()
            self()
            forward.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            self.gradients(parameters)
            both.append(time.perf_counter() - begun)
        return min(forward), max(min(both) - min(forward), 1e-9)  # others share the machine

    def roughness(self, parameters: Sequence[Tensor], draw: torch.Generator) -> float:
        """By how much the loss is off by rounding: second differences along a random direction, too short to bend."""
        moved = [(p, p.data.clone(), _random(p, draw) * _size(p) * SHIFT) for p in parameters]
        values = []
        for shift in range(5):
            for parameter, before, by in moved:
                parameter.data.copy_(before + shift * by)
            values.append(self())
        for parameter, before, _ in moved:
            parameter.data.copy_(before)
        bends = [abs(a - 2 * b + c) / 2 for a, b, c in zip(values, values[1:], values[2:], strict=False)]
        return max(4 * torch.finfo(torch.float64).eps * abs(self.value), *bends)


def _tensor(
    name: str,
    parameter: nn.Parameter,
    gradient: Tensor,
    probe: _Probe,
    entries: int,
    draw: torch.Generator,
    rough: float,
) -> TensorCheck:
    step = _size(parameter) * max(STEP, (rough / max(abs(probe.value), 1e-300)) ** (1 / 3) / 4)
    found = []
    before = parameter.data.clone()

    def along(direction: Tensor) -> Callable[[float], float]:
        def value(shift: float) -> float:
            parameter.data.copy_(before + shift * direction)
            return probe()

        return value

    for place in _places(gradient, entries, draw):
        direction = torch.zeros_like(before)
        direction[place] = 1.0
        found.append(compare(along(direction), float(gradient[place].real), step=step, noise=rough))
    direction = _together(gradient, draw)
    slope = float((gradient.conj() * direction).real.sum())
    wide = step * before.numel() ** 0.25  # each entry moves less than alone, since together they cross more kinks
    found.append(compare(along(direction), slope, step=wide, noise=rough))
    parameter.data.copy_(before)
    return TensorCheck(name=name, entries=before.numel(), differences=found)


def _places(gradient: Tensor, entries: int, draw: torch.Generator) -> list[tuple[int, ...]]:
    """Entries of a tensor: half of them where back-propagation gives something, the others anywhere."""
    total = gradient.numel()
    if total <= entries:
        chosen = list(range(total))
    else:
        alive = gradient.flatten().nonzero().flatten().cpu()
        some = alive[torch.randperm(len(alive), generator=draw)[: entries // 2]].tolist()
        rest = [place for place in torch.randperm(total, generator=draw)[:entries].tolist() if place not in set(some)]
        chosen = some + rest[: entries - len(some)]
    shape = gradient.shape
    return [tuple(int(part) for part in torch.unravel_index(torch.tensor(place), shape)) for place in chosen]


def _together(gradient: Tensor, draw: torch.Generator) -> Tensor:
    """A direction of length 1 in which all weights move: half along the gradient, half at random."""
    anywhere = _random(gradient, draw)
    anywhere = anywhere / anywhere.norm().clamp(min=1e-300)
    size = gradient.norm()
    along = gradient / size + anywhere if float(size.real) > 0 else anywhere
    return along / along.norm().clamp(min=1e-300)


def _random(like: Tensor, draw: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=draw, dtype=like.dtype).to(like.device)


def _size(parameter: Tensor) -> float:
    return max(float(parameter.detach().abs().square().mean().sqrt()), SMALLEST)
