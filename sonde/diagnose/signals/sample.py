"""What is measured at a step that is looked at, as plain numbers."""

from array import array
from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from typing import Any

FIRST, LATEST, MOST = 24, 24, 160  # samples that are kept of a long run: its first and latest, and so many in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A weight (two axes or more) at a step: root mean squares over its entries.

    size:     of its values before the step
    gradient: as it was used, clipped;  nan where phases take turns and it was not its phase's
    update:   by how much the step changed it;  nan likewise
    entries:  how many;  fan: how many of them make one output;  inputs: units that it takes
    summed:   whether they weight inputs that are added up; False of rows that are looked up, and of factors
    """

    name: str
    size: float
    gradient: float
    update: float
    entries: int
    fan: int = 1
    inputs: int = 0
    summed: bool = True

    @property
    def units(self) -> int:
        """That it gives."""
        return self.entries // max(1, self.fan)

    @property
    def ratio(self) -> float:
        """Update / size."""
        return self.update / self.size if self.size else 0.0

    @property
    def scale(self) -> float:
        """Size beside that of weights drawn for inputs of this width, 1 / √fan: near zero where they begin near zero."""
        return self.size * self.fan**0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What a layer or activation gives for a batch, in the order of the forward pass.

    name:   of its weight, without ".weight"; of an activation that of the layer before, with what it is
    kind:   "layer", "norm", or the kind of activation (`calls`)
    mean, spread: over all entries
    silent: share of units that are 0 for every row; of activations that zero
    stuck:  share of entries within 3 % of a limit; of bounded ones
    error:  root mean square of the gradient with respect to it (δ), as it arrives from the loss; None where none does
    """

    name: str
    kind: str
    mean: float
    spread: float
    silent: float = 0.0
    stuck: float = 0.0
    error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCall:
    """One of torch's losses, as it was called.

    kind:      what it takes (`calls`);  name: of the function
    value:     its mean, where it was reduced or is per row
    shape, target: shapes
    lowest, highest: of the input;  off: largest distance of a row's sum from 1, of classes
    spread:    standard deviation over the rows of the input, mean over outputs
    counts:    of each class among the targets;  sums: of values, by output, n, Σ and Σ² one after the other
    """

    kind: str
    name: str
    value: float
    shape: tuple[int, ...]
    target: tuple[int, ...]
    lowest: float
    highest: float
    off: float | None
    spread: float
    counts: Mapping[int, int] = field(default_factory=dict)
    sums: Sequence[float] = ()
    smoothing: float = 0.0
    weighted: bool = False
    reduction: str = "mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What reaches the first layer: over all entries, and of the features the largest and smallest spread."""

    mean: float
    spread: float
    lowest: float
    highest: float
    constant: float  # share of features that are the same in every row
    widest: float
    narrowest: float
    normed: bool = False  # whether a normalisation follows the first layer


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One step, looked at."""

    step: int  # 1-based
    phase: str
    loss: float
    norm: float  # of the gradient, before clipping
    rate: float
    weights: Sequence[Weights]
    outputs: Sequence[Outputs] = ()
    calls: Sequence[LossCall] = ()
    entry: Entry | None = None

    def as_line(self) -> dict[str, Any]:
        """Its line of signals.jsonl."""
        return {
            "step": self.step,
            "phase": self.phase,
            "loss": _short(self.loss),
            "norm": _short(self.norm),
            "rate": _short(self.rate),
            "weights": {
                w.name: [_short(w.size), _short(w.gradient), _short(w.update), w.entries, w.fan, w.inputs]
                for w in self.weights
            },
            "not_summed": [w.name for w in self.weights if not w.summed],
            "outputs": [
                [
                    o.name,
                    o.kind,
                    *(None if v is None else _short(v) for v in (o.mean, o.spread, o.silent, o.stuck, o.error)),
                ]
                for o in self.outputs
            ],
        }


def of_line(line: Mapping[str, Any]) -> Sample:
    """The sample of a line of signals.jsonl; calls of losses are not kept there. Raises: KeyError, TypeError, ValueError"""
    return Sample(
        step=int(line["step"]),
        phase=str(line["phase"]),
        loss=_number(line["loss"]),
        norm=_number(line["norm"]),
        rate=_number(line["rate"]),
        weights=[
            Weights(
                name=name,
                size=_number(size),
                gradient=_number(gradient),
                update=_number(update),
                entries=int(entries),
                fan=int(fan),
                inputs=int(inputs),
                summed=name not in line.get("not_summed", ()),  # not in runs of earlier versions
            )
            for name, (size, gradient, update, entries, fan, inputs) in line["weights"].items()
        ],
        outputs=[
            Outputs(
                name=str(name),
                kind=str(kind),
                mean=_number(mean),
                spread=_number(spread),
                silent=_number(silent),
                stuck=_number(stuck),
                error=None if error is None else _number(error),
            )
            for name, kind, mean, spread, silent, stuck, error in line["outputs"]
        ],
    )


def _short(value: float) -> float | None:
    """Four digits are enough for a person and a rule."""
    return float(f"{value:.4g}") if value == value and abs(value) != float("inf") else None


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _numbers() -> MutableSequence[float]:
    return array("d")


@dataclass
class Trace:
    """What was sampled of a run so far, and every step's loss and norm of the main phase.

    A long run's samples between the first and the latest are thinned out: every second is let go of whenever there are `MOST`.
    """

    losses: MutableSequence[float] = field(default_factory=_numbers)
    norms: MutableSequence[float] = field(default_factory=_numbers)
    first: int = 1  # the step of losses[0]: of a resumed run more than 1
    samples: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Keep another sample."""
        self.samples.append(sample)
        if len(self.samples) > MOST:
            self.samples[FIRST:-LATEST] = self.samples[FIRST:-LATEST:2]
