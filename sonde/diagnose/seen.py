"""What is known of a run when its rules are asked: how it trains, every step's loss, the samples, the evaluations."""

import bisect
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from sonde.diagnose.acted import Course
from sonde.diagnose.signals import calls
from sonde.diagnose.signals.answers import Answers
from sonde.diagnose.signals.sample import LossCall, Sample, Trace

ROUGH = 0.1  # of the reference, its standard error: 20 rows of which 2 are of a class have 0.45
NEAR_ZERO = 0.05  # scale of weights (`Weights.scale`) below which a change says nothing: they begin at zero
TRIES = " tests whether the network can overfit a single batch"
Moment = Literal["training", "evaluation", "end", "failure"]


@dataclass(frozen=True, kw_only=True)
class Context:
    """How a run trains, as its program says; rules ask it before they judge a curve.

    own:       a network or task of the caller's own
    task:      its name
    phases:    how many are at work at once; of more than one no rule about a falling loss holds
    optimizer: name of the main phase's
    rate:      peak learning rate of it
    rows:      of a batch;  batches: of an epoch, None where unknown;  total: steps that are planned
    clip:      largest norm of a gradient, 0 for none;  weight_decay: of the optimiser's first group
    pretrained: whether weights were loaded
    shares:    (step from 0) -> the share of the peak rate that the schedule gives; None where a scheduler of torch decides
    objective: the metric that chooses the best checkpoint;  larger: whether larger values of it are better
    dropout:   the largest rate of a dropout layer, and its name
    norms:     batch-norm layers
    harder:    whether training rows may be made harder than validation rows: units dropped at random, augmentation, a loader or
               data set of the caller's own, which may change them
    own_rate:  whether the rate is that of an optimiser of the caller's
    held:      validation rows, None where they cannot be counted
    acts:      whether it learns from what its own actions lead to: its targets move as it learns, so that no curve of a loss, and
               no comparison of gradients between a policy and a value, says what it says where rows are given
    settings:  of a task that acts, its own: "discount", "replay"
    by_call:   whether network, rows and loss came from a program (`sonde.fit`), which alone can give them again
    """

    own: bool
    task: str
    phases: int
    optimizer: str
    rate: float
    rows: int
    batches: int | None
    total: int | None
    clip: float = 0.0
    weight_decay: float = 0.0
    pretrained: bool = False
    accumulate: int = 1
    precision: str = "fp32"
    shares: Any = None
    objective: str | None = None
    larger: bool = True
    dropout: tuple[float, str] = (0.0, "")
    norms: int = 0
    harder: bool = False
    own_rate: bool = False
    held: int | None = None
    acts: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    by_call: bool = False


def tries(context: Context) -> str:
    """What is to be asked next of a network that stands still, as the end of an action."""
    call = "sonde.doctor(RUN, model=…, data=…, loss=…)" if context.by_call else "`sonde doctor RUN`"
    return f"; {call}{TRIES}"


def without_tries(action: str) -> str:
    """An action once that was tried."""
    return action[: action.rindex("; ")] if action.endswith(TRIES) else action


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Scores on the validation rows at a step."""

    step: int
    epoch: int
    metrics: Mapping[str, float]
    seconds: float = 0.0
    answers: Answers | None = None  # of evaluations of this sitting, where the loss is one of torch's


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The loss of the best answer that ignores the input: the entropy of the classes, the variance of the values.

    error: standard error of the value, which is estimated from the targets that were seen
    middle: mean of the values, over all outputs
    weak:  whether it is of few targets, and may be off by some per cent
    """

    value: float
    kind: str
    classes: int
    seen: int
    error: float = 0.0
    middle: float = 0.0
    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def weak(self) -> bool:
        """Whether few targets were counted."""
        return self.seen < 30 * max(2, self.classes)

    @property
    def rough(self) -> bool:
        """Whether a loss that is equal to it may be well below it in truth."""
        return self.error > ROUGH * self.value


@dataclass(kw_only=True)
class Seen:
    """All that a rule may ask."""

    context: Context
    trace: Trace
    evaluations: list[Evaluated] = field(default_factory=list)
    moment: Moment = "training"
    result: Mapping[str, Any] = field(default_factory=dict)  # at the end: result.json
    spent: Mapping[str, float] = field(default_factory=dict)  # seconds of the run's parts so far
    earlier: Sequence[
        tuple[int, float]
    ] = ()  # of a resumed run, (step, mean loss since the one before) as it was logged
    course: Course = field(default_factory=Course)  # of a task that acts
    _known: tuple[tuple[int, int], Reference | None] | None = field(default=None, repr=False)

    @property
    def step(self) -> int:
        """Steps done."""
        return self.trace.first - 1 + len(self.trace.losses)

    @property
    def samples(self) -> Sequence[Sample]:
        """Those of the run so far."""
        return self.trace.samples

    def peak(self) -> float:
        """The highest learning rate so far: as the run was given it, or as a scheduler of torch's has raised it."""
        rates = [rate for _, rate in self._rates()]
        return max(each for each in (self.context.rate, *rates) if each == each) if rates else self.context.rate

    def share(self, step: int) -> float:
        """Of the peak rate at a step from 1: as the schedule gives it, or as the samples of a scheduler of torch's have it."""
        if self.context.shares is not None:
            return float(self.context.shares(step - 1))
        rates, peak = self._rates(), self.peak()
        if not rates or not 0 < peak < math.inf:
            return 1.0
        return rates[max(0, bisect.bisect_right(rates, step, key=lambda each: each[0]) - 1)][1] / peak

    def rate(self) -> float:
        """Learning rate of the latest step."""
        return self.peak() * self.share(self.step)

    def _rates(self) -> list[tuple[int, float]]:
        """(step, rate) of the samples, where no schedule tells."""
        if self.context.shares is not None:
            return []
        return [(each.step, each.rate) for each in self.samples if 0 <= each.rate < math.inf]

    def early(self, until: int = 5) -> list[Sample]:
        """Samples of the first steps of the run."""
        return [each for each in self.samples if each.step <= until]

    def first_loss(self) -> float | None:
        """Before any training; None of a resumed run."""
        return self.trace.losses[0] if self.trace.losses and self.trace.first == 1 else None

    def level(self, share: float = 0.1, least: int = 10) -> float:
        """Mean loss of the last steps: a share of all of them."""
        last = self.trace.losses[-max(least, round(share * len(self.trace.losses))) :]
        return statistics.fmean(last) if last else math.nan

    def level_at(self, step: int) -> float | None:
        """Mean loss of the steps before one that is done; of an earlier sitting's as it was logged, None where it was not."""
        place = step - self.trace.first + 1
        if place > 0 or self.trace.first == 1:
            near = self.trace.losses[max(0, place - 20) : place] or self.trace.losses[:20]
            return statistics.fmean(near) if near else None
        return next((loss for at, loss in self.earlier if at >= step and math.isfinite(loss)), None)

    def noise(self, steps: int = 50) -> float:
        """Standard error of the mean of the last steps' losses, from their differences, which a trend does not enter."""
        last = np.asarray(self.trace.losses[-steps:])
        if len(last) < 4:
            return math.inf
        with np.errstate(invalid="ignore"):  # a loss that is not finite has no noise: nan
            return float(np.diff(last).std()) / math.sqrt(2) / math.sqrt(len(last))

    def median_ratio(self, samples: Sequence[Sample]) -> float:
        """Median over layers and samples of update / size, where the weights are not near zero and it was their turn."""
        ratios = [w.ratio for sample in samples for w in sample.weights if w.scale > NEAR_ZERO]
        ratios = [ratio for ratio in ratios if ratio == ratio]
        return statistics.median(ratios) if ratios else math.nan

    def progress(self) -> float:
        """How far the loss has come from its first value, as a share of it; of one that began below 0, in its size."""
        first = self.first_loss()
        return (first - self.level()) / max(abs(first), 1e-12) if first is not None else math.nan

    def learned(self) -> bool:
        """Whether the loss is clearly below that of answers without a look at the inputs, or where it began."""
        reference = self.reference()
        if reference is not None:
            return self.level() < 0.95 * reference.value
        return self.progress() > 0.05

    def trained(self, steps: int) -> bool:
        """Whether so many steps are done since the rate first was half of its peak: those of a warm-up hardly change anything."""
        told = (
            range(1, self.step + 1) if self.context.shares is not None else [1, *(each.step for each in self.samples)]
        )
        risen = next((step for step in told if self.share(step) >= 0.5), None)
        return risen is not None and self.step - risen + 1 >= steps

    def poor(self) -> bool:
        """Whether the loss is nearer to that of answers without a look at the inputs than to 0, or to where it began."""
        reference = self.reference()
        return self.level() > 0.5 * reference.value if reference is not None else self.progress() < 0.5

    def settled(self) -> bool:
        """Whether the last fifth of the losses is no lower than the fifth before it, beyond what chance does."""
        fifth = len(self.trace.losses) // 5
        if fifth < 10:
            return False
        before = self.trace.losses[-2 * fifth : -fifth]
        error = self.noise(fifth) * math.sqrt(2)  # of a difference of two means
        return statistics.fmean(before) - self.level(0.2) < 2 * error

    def epochs(self) -> float | None:
        """Passes over the rows; None where their number is unknown."""
        return self.step / self.context.batches if self.context.batches else None

    def held_losses(self) -> list[tuple[int, float]]:
        """(step, loss on validation rows) of the evaluations that have one."""
        held = [(each.step, each.metrics.get("loss", math.nan)) for each in self.evaluations]
        return [each for each in held if math.isfinite(each[1])]

    def held_name(self) -> str:
        """What a screen calls that loss: log loss where it is the same; of two that differ, which one it is."""
        both = [(each.metrics["log_loss"], each.metrics["loss"]) for each in self.evaluations
                if {"log_loss", "loss"} <= each.metrics.keys()]  # fmt: skip
        if not both:
            return "validation loss"
        same = all(math.isclose(one, other, rel_tol=1e-3) for one, other in both)
        return "validation log loss" if same else "validation loss (what training lowers, which is not log loss)"

    def of_rows(self) -> bool:
        """Whether the losses' targets are classes, one for each row of a batch, not for each token or pixel."""
        calls_there = [call for each in self.samples for call in each.calls]
        return bool(calls_there) and all(
            len(call.target) == 1 and call.target[0] <= self.context.rows for call in calls_there
        )

    def held_answers(self) -> Answers | None:
        """Of the latest evaluation that was looked on; its targets are those of all others."""
        return next((each.answers for each in reversed(self.evaluations) if each.answers), None)

    def held_reference(self, *, own: bool = False) -> float | None:
        """Of the validation rows, the loss of the best answer that ignores the input; where the run's is known too.

        own: whether it may be fitted to these rows; of values it is otherwise the mean of the training rows, from which those of
             a later part of a series may be far away
        """
        reference, answers = self.reference(), self.held_answers()
        if reference is None or answers is None:
            return None
        if answers.confusion:
            counts = {place: sum(row) for place, row in enumerate(answers.confusion) if sum(row)}
            return entropy(counts) if len(counts) > 1 else None
        if reference.kind != calls.VALUES or not answers.wanted > 0:
            return None
        away = 0.0 if own or answers.middle is None else answers.middle - reference.middle
        return answers.wanted * answers.wanted + away * away

    def usual(self) -> tuple[float, int] | None:
        """(share of the most frequent class, rows) of the validation rows; None where they are not of classes."""
        answers = self.held_answers()
        if answers is None or not answers.confusion:
            return None
        rows = [sum(row) for row in answers.confusion]
        return (max(rows) / sum(rows), sum(rows)) if sum(rows) else None

    def reference(self) -> Reference | None:
        """Where the run's loss is one of torch's losses and nothing else; None where it is more than that."""
        state = (len(self.samples), self.samples[-1].step if self.samples else 0)
        if self._known is None or self._known[0] != state:  # a dozen rules ask
            self._known = (state, reference(self.samples))
        return self._known[1]


def reference(samples: Sequence[Sample]) -> Reference | None:
    """See `Reference`: of the targets in the samples, where each one's loss is that of its only call."""
    counts: dict[int, int] = {}
    sums: list[float] = []
    call: LossCall | None = None
    for sample in samples:
        if len(sample.calls) != 1 or sample.calls[0].weighted:
            return None
        call = sample.calls[0]
        if not math.isclose(call.value, sample.loss, rel_tol=0.02, abs_tol=1e-6):
            return None
        for key, number in call.counts.items():
            counts[key] = counts.get(key, 0) + number
        if sums and len(sums) != len(call.sums):
            return None
        sums = [a + b for a, b in zip(sums or [0.0] * len(call.sums), call.sums, strict=True)]
    if call is None:
        return None
    found = _of_call(counts, sums, call)
    if found is None or call.reduction in ("mean", "none"):  # of which the loss is the mean, as its value tells
        return found
    return replace(found, value=found.value * math.prod(call.target)) if call.reduction == "sum" else None


def _of_call(counts: Mapping[int, int], sums: Sequence[float], call: LossCall) -> Reference | None:
    """Of a mean over the targets."""
    if call.kind in (calls.CLASSES, calls.LOG_CLASSES) and counts:
        return _of_classes(counts, call)
    if sums and call.name in ("mse_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"):
        return _of_sums(sums, call)
    return None


def _of_classes(counts: Mapping[int, int], call: LossCall) -> Reference:
    """Entropy of the targets, with Miller and Madow's correction for few of them, and of smoothed targets where they are."""
    total = sum(counts.values())
    classes = call.shape[1] if len(call.shape) > 1 else len(counts)
    smooth = call.smoothing
    shares = [(1 - smooth) * number / total + smooth / classes for number in counts.values()]
    empty = classes - len(counts)
    shares += [smooth / classes] * empty if smooth else []
    entropy = -sum(share * math.log(share) for share in shares if share > 0) + (len(counts) - 1) / (2 * total)
    # by the delta method, of the plain entropy: the variance of -log p over the targets, of which there are `total`
    surprise = [(number / total, -math.log(number / total)) for number in counts.values()]
    mean = sum(share * bits for share, bits in surprise)
    error = math.sqrt(sum(share * (bits - mean) ** 2 for share, bits in surprise) / total)
    value = min(entropy, math.log(max(2, classes)))
    return Reference(value=value, kind=call.kind, classes=classes, seen=total, error=error, counts=counts)


def _of_sums(sums: Sequence[float], call: LossCall) -> Reference | None:
    """Variance of values, or entropy of yes and no, the mean over the outputs."""
    width = len(sums) // 3
    n, first, second = sums[:width], sums[width : 2 * width], sums[2 * width :]
    if not width or not n[0]:
        return None
    means = [total / number for total, number in zip(first, n, strict=True)]
    if call.kind == calls.VALUES:
        spreads = [square / number - mean * mean for square, number, mean in zip(second, n, means, strict=True)]
        value = statistics.fmean(max(0.0, spread) for spread in spreads) * n[0] / max(1.0, n[0] - 1)
        error = value * math.sqrt(2 / n[0])  # as of values that are spread normally
    else:
        value = statistics.fmean(_entropy(mean) for mean in means)
        within = [max(1 / number, min(mean, 1 - mean)) for number, mean in zip(n, means, strict=True)]
        error = statistics.fmean(math.sqrt(q * (1 - q) / n[0]) * abs(math.log(max(1e-12, 1 - q) / q)) for q in within)
    if not 0 < value < math.inf:
        return None
    middle = statistics.fmean(means)
    return Reference(value=value, kind=call.kind, classes=1, seen=int(n[0]), error=error, middle=middle)


def entropy(counts: Mapping[int, int]) -> float:
    """Of classes by how often each occurs, in nats.

    >>> round(entropy({0: 1, 1: 1}), 4)
    0.6931
    """
    total = sum(counts.values())
    return -sum(count / total * math.log(count / total) for count in counts.values() if count)


def _entropy(share: float) -> float:
    """Of yes and no, in nats."""
    inside = min(max(share, 1e-12), 1 - 1e-12)
    return -(inside * math.log(inside) + (1 - inside) * math.log(1 - inside))
