"""Runs as the doctor sees them, made of a few numbers, for the tests of its rules."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sonde.diagnose.seen import Context, Evaluated, Seen
from sonde.diagnose.signals import calls
from sonde.diagnose.signals.answers import Answers
from sonde.diagnose.signals.sample import Entry, LossCall, Outputs, Sample, Trace, Weights

STEPS = 400
LOOKED = (1, 2, 3, 4, 5, 8, 12, 20, 32, 50, 80, 128, 200, 320)
FIRST = math.log(10)  # of ten classes, each as frequent
NOISE = (0.03, -0.02, 0.01, -0.04, 0.02)
EVEN = dict.fromkeys(range(10), 8)


def context(**changes: Any) -> Context:
    return replace(
        Context(
            own=True,
            by_call=True,
            task="custom",
            phases=1,
            optimizer="adam",
            rate=1e-3,
            rows=80,
            batches=100,
            total=STEPS,
        ),
        **changes,
    )


def weights(
    *, ratio: float = 5e-3, scale: float = 0.6, gradients: Sequence[float] = (1e-3, 1e-3, 1e-3, 1e-3), size: float = 1.0
) -> list[Weights]:
    """Four layers of 64 x 64. ratio: update / size;  size: beside that of the scale"""
    width = 64
    value = scale / width**0.5 * size
    return [
        Weights(
            name=f"{place}.weight", size=value, gradient=gradient, update=ratio * value, entries=width * width, fan=width,
            inputs=width,
        )
        for place, gradient in enumerate(gradients)
    ]  # fmt: skip


def call(counts: Mapping[int, int] = EVEN, **changes: Any) -> LossCall:
    """A cross entropy of ten classes."""
    rows = sum(counts.values())
    made = LossCall(
        kind=calls.CLASSES, name="cross_entropy", value=FIRST, shape=(rows, 10), target=(rows,), lowest=-1.0, highest=1.0,
        off=9.0, spread=0.3, counts=counts,
    )  # fmt: skip
    return replace(made, **changes)


def values(mean: float = 0.0, spread: float = 1.0, rows: int = 80, **changes: Any) -> LossCall:
    """A squared error of one value a row, whose targets have this mean and spread."""
    sums = (rows, rows * mean, rows * (spread**2 + mean**2))
    return call(
        {}, kind=calls.VALUES, name="mse_loss", shape=(rows, 1), target=(rows, 1), off=None, sums=sums, **changes
    )


def entry(**changes: Any) -> Entry:
    made = Entry(mean=0.0, spread=1.0, lowest=-3.0, highest=3.0, constant=0.0, widest=1.2, narrowest=0.8)
    return replace(made, **changes)


def output(name: str = "0 → relu", kind: str = calls.ZEROED, **changes: Any) -> Outputs:
    return replace(Outputs(name=name, kind=kind, mean=0.4, spread=0.6, silent=0.1, error=1e-3), **changes)


def falling(first: float = FIRST, last: float = 0.3, steps: int = STEPS) -> list[float]:
    """Losses that come down as 1 / step does, with noise."""
    return [
        (last + (first - last) / (1 + step / 20)) * (1 + (NOISE[step % 5] if step else 0.0)) for step in range(steps)
    ]


def flat(level: float, steps: int = STEPS, first: float | None = None) -> list[float]:
    """Losses that stay where they are, with noise, from the second on."""
    return [first if first is not None and not step else level * (1 + NOISE[step % 5]) for step in range(steps)]


def evaluated(
    losses: Sequence[float], *, steps: int = STEPS, answers: Answers | None = None, **metrics: Sequence[float]
) -> list[Evaluated]:
    """Evaluations at equal distances, with a loss each and other metrics."""
    return [
        Evaluated(
            step=steps * (place + 1) // len(losses),
            epoch=place,
            metrics={"loss": loss} | {name: scores[place] for name, scores in metrics.items()},
            answers=answers,
        )
        for place, loss in enumerate(losses)
    ]


def answered(
    recall: Mapping[int, float] | float = 0.9, rows: int = 100, sizes: Mapping[int, int] | None = None
) -> Answers:
    """Of ten classes the share of the rows that is found; the others are answered by the next class."""
    table = [[0] * 10 for _ in range(10)]
    for place in range(10):
        there = (sizes or {}).get(place, rows)
        share = recall.get(place, 0.9) if isinstance(recall, Mapping) else recall
        table[place][place] = round(share * there)
        table[place][(place + 1) % 10] = there - round(share * there)
    return Answers(confusion=table, rows=10 * rows)


def seen(  # noqa: PLR0913
    losses: Sequence[float] | None = None,
    *,
    of: Context | None = None,
    looks: Sequence[Weights] | None = None,
    last: Sequence[Weights] | None = None,
    loss_call: LossCall | None = None,
    entered: Entry | None = None,
    outputs: Sequence[Outputs] = (),
    evaluations: Sequence[Evaluated] = (),
    norms: Sequence[float] | None = None,
    **more: Any,
) -> Seen:
    """A run at its end; healthy where nothing is said. last: weights of the samples after step 5, where others"""
    losses = falling() if losses is None else list(losses)
    used = call() if loss_call is None else loss_call
    early = weights() if looks is None else looks
    samples = [
        Sample(
            step=step,
            phase="model",
            loss=losses[step - 1],
            norm=1.0,
            rate=1e-3,
            weights=early if step <= 5 or last is None else last,
            outputs=outputs,
            calls=[replace(used, value=losses[step - 1])],
            entry=entry() if entered is None else entered,
        )
        for step in LOOKED
        if step <= len(losses)
    ]
    trace = Trace(losses=list(losses), norms=list([1.0] * len(losses) if norms is None else norms), samples=samples)
    return Seen(
        context=context() if of is None else of,
        trace=trace,
        evaluations=list(evaluations),
        **{"moment": "end", **more},
    )
