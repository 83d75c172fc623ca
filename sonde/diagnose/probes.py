"""Active probes: what a run's network, data and rate can do is tried on some steps, which are undone bit by bit.

Each returns a `Trial`. They tell apart causes that look the same from outside: where the loss stands still, a network that learns
one batch by heart is able to learn, and then it is the targets, or the rate, that keep it from doing so.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.errors import NonFinite
from sonde.core.units import number
from sonde.diagnose.trials import Paired, Trial, finite, learn, losses_of, paired, trying
from sonde.engine import random_state
from sonde.engine.evaluate import WithoutGradients, evaluation_mode
from sonde.engine.step import Stepper

STEPS = 100  # in which a batch is to be learnt by heart
KNOWN = 0.1  # of the first loss: learnt by heart
STUCK = 0.5  # of the first loss: not learnt at all; between the two the question stays open
BY_HEART = (3e-3, 3e-2, 3e-4)  # rates of Adam, one after the other
PATIENCE, FALLEN = 25, 0.9  # steps after which a rate that left so much of the loss is given up
TARGETS = 64  # targets that are to be learnt by heart, some rows' together
MANY = 4096  # targets of a row from which a network need not know them all after so few steps
GENTLE = 1e-3  # rate of Adam for the rows that are seen once
RATE_STEPS = 25
FACTORS = (0.1, 10.0)
TELLING = 0.02  # of the loss: a smaller gain by knowing the inputs is none
SAME = 1e-3  # of a loss; running statistics of a batch norm are none of it in training
UNUSED = 1e-5  # of the answers' size: what rounding makes of them
ALONG_WITH = ("mask", "mix_target", "mix_weight")  # fields that belong to a row's target


@dataclass
class _Best:
    """The least loss, above its floor, that was reached: after how many steps, and at which rate."""

    loss: float = math.inf
    steps: int = 0
    rate: float = 0.0


def by_heart(
    stepper: Stepper,
    batch: Batch,
    *,
    steps: int = STEPS,
    guess: float | None = None,
    floor: float = 0.0,
    deadline: float = math.inf,
    when: str = "",
) -> Trial:
    """Whether a few rows can be learnt by heart, which any network that works is able to.

    guess: loss of the best answer without a look at the inputs, from which the loss counts where it has come below already
    floor: least loss there can be, of smoothed targets;  when: which weights these are, in words
    deadline: second of `time.perf_counter` at which it is given up
    """
    few = _few(batch)
    targets, words = _targets(few), f"{len(few)} rows"
    trial = partial(Trial, name="by-heart", question=f"can it overfit one batch{when}?")
    if targets is not None and _all_same(targets):
        return trial(answer=None, said=f"the targets of {words} are all the same")
    with trying(stepper):
        once, again = losses_of(stepper, [few, few])
    if not math.isfinite(once) and not math.isfinite(again):
        return trial(answer=None, said=f"the loss of {words} is {finite(once)}")
    if not abs(once - again) <= SAME * abs(once):
        return trial(
            answer=None, said=f"the loss of {words} is {finite(once)} once and {finite(again)} again: it is random"
        )
    first = max(once, guess or once) - floor
    if not first > 0:
        known = "so there is nothing left to learn" if once == floor else "and how far below 0 it can go is not known"
        return trial(
            answer=None, said=f"the loss of {words} is {number(once + 0.0)} before anything was tried, {known}"
        )
    best = _Best()
    for rate in BY_HEART:
        if not _try_by_heart(stepper, few, rate, best, first=first, floor=floor, steps=steps, deadline=deadline):
            return trial(answer=None, said="there was no time to try it")
        if best.loss < KNOWN * first:
            break
    many = targets is not None and targets.numel() > MANY * len(few)
    known = True if best.loss < KNOWN * first else False if best.loss > STUCK * first and not many else None
    if known and not best.steps:
        return trial(answer=True, said=f"it has already memorised {words}: their loss is {number(best.loss + floor)}")
    fell = f"the loss of {words} fell from {number(first + floor)} to {number(best.loss + floor)}"
    return trial(
        answer=known,
        said=f"{fell} in {best.steps} steps of Adam at a rate of {best.rate:g}"
        if known
        else f"{fell} at best in {steps} steps of Adam",
        numbers={"first": first + floor, "last": best.loss + floor, "steps": best.steps, "rate": best.rate},
    )


def _try_by_heart(
    stepper: Stepper, few: Batch, rate: float, best: _Best, *, first: float, floor: float, steps: int, deadline: float
) -> bool:
    """Train on the same rows until they are known, or the rate is given up; whether there was time for it."""
    least = math.inf
    with trying(stepper):
        for step, value in enumerate(learn(stepper, itertools.repeat(few, steps + 1), rate)):
            if not value < math.inf:
                break
            least = min(least, value - floor)
            if least < best.loss:
                best.loss, best.steps, best.rate = least, step, rate
            if best.loss < KNOWN * first or (step >= PATIENCE and least > FALLEN * first):
                break
            if time.perf_counter() > deadline:
                return False
    return True


def related(
    stepper: Stepper,
    train: Iterable[Batch],
    held: Sequence[Batch],
    *,
    rate: float = GENTLE,
    deadline: float = math.inf,
) -> Trial:
    """Whether what is learnt of some rows helps with others: their true targets against the same targets dealt out anew.

    Where targets have nothing to do with the inputs the two losses are equal but for chance, whatever the network is.
    train: pieces that are trained on once each;  held: pieces with other rows
    """
    question = "do the targets belong to the inputs?"
    others = [shuffled for piece in held if (shuffled := permuted(piece)) is not None]
    if len(others) < 4 or len(others) != len(held):
        return Trial(name="related", question=question, answer=None, said="there are too few other rows to tell")
    done, own, dealt = 0, list[float](), list[float]()
    begun = time.perf_counter()
    half = begun + (deadline - begun) / 2
    with trying(stepper):
        for loss in learn(stepper, train, rate):
            if time.perf_counter() > half or not loss < math.inf:
                break
            done += 1
        for pair in zip(held, others, strict=True):
            if len(own) >= 4 and time.perf_counter() > deadline:
                break
            for found, losses in zip(losses_of(stepper, pair), (own, dealt), strict=True):
                losses.append(found)
    if not all(map(math.isfinite, (*own, *dealt))):
        return Trial(name="related", question=question, answer=None, said="the loss on other rows is not finite")
    found, rows = paired(own, dealt), sum(map(len, held[: len(own)]))
    sure = found.beyond and found.difference > TELLING * abs(found.first)
    telling = abs(found.difference) + 2 * found.error < TELLING * abs(found.second)  # even where chance hid the most
    answer = True if sure else False if done and telling and done >= 8 else None
    return Trial(
        name="related",
        question=question,
        answer=answer,
        said=f"after {done} batches the loss of {rows:,} other rows is {number(found.first)} with their own targets "
        f"and {number(found.second)} with shuffled ones (difference {number(found.difference)} ± {number(found.error)})",
        numbers={"own": found.first, "others": found.second, "difference": found.difference, "error": found.error},
    )


def rates(
    stepper: Stepper,
    train: Sequence[Batch],
    held: Sequence[Batch],
    peak: float,
    *,
    factors: Sequence[float] = FACTORS,
    steps: int = RATE_STEPS,
    deadline: float = math.inf,
) -> tuple[Trial, Mapping[float, Paired]]:
    """Whether the run's rate does as well as a tenth and ten times of it, over a few steps on the same batches.

    The losses of `held` are compared piece by piece. A larger rate is nearly always ahead in a run's first steps: this confirms
    what is suspected, and suspects nothing by itself.
    peak: the run's rate;  Returns: also each rate's comparison, by its factor
    """
    question = "does another learning rate do better?"
    if stepper.main_update.own_rate or stepper.main_update.closure or len(held) < 4 or not train:
        what = (
            "the optimiser has a learning rate of its own"
            if train and len(held) >= 4
            else "there are too few rows to tell"
        )
        return Trial(name="rates", question=question, answer=None, said=what), {}
    ends: dict[float, list[float]] = {}
    for factor in (1.0, *factors):
        with trying(stepper):
            try:
                for batch in itertools.islice(itertools.cycle(train), steps):
                    if time.perf_counter() > deadline:
                        return Trial(
                            name="rates", question=question, answer=None, said="there was no time to try it"
                        ), {}
                    stepper.at_rate(batch, factor * peak)
                ends[factor] = losses_of(stepper, held)
            except NonFinite:
                ends[factor] = [math.inf] * len(held)
    found = {factor: paired(ends[1.0], ends[factor]) for factor in factors}
    gains = {factor: each for factor, each in found.items() if better(each)}
    own = sum(ends[1.0]) / len(held)
    beside = "; ".join(
        f"at {number(factor * peak)} {finite(each.second)}"
        + (f" (difference {each.apart})" if math.isfinite(each.difference) else "")
        for factor, each in found.items()
    )
    trial = Trial(
        name="rates",
        question=question,
        answer=bool(gains),
        said=f"after {steps} steps at {number(peak)} the loss on other rows is {finite(own)}; {beside}",
        numbers={f"x{factor:g}": each.difference for factor, each in found.items()} | {"own": own},
    )
    return trial, found


def better(found: Paired) -> bool:
    """Whether the second is clearly below the first; anything is below what is not finite."""
    if not (math.isfinite(found.first) and math.isfinite(found.second)):
        return math.isfinite(found.second)
    return found.difference < 0 and found.beyond


def inputs_used(stepper: Stepper, batch: Batch, fields: Sequence[str]) -> Trial:
    """Whether the answers change where the rows of each input are dealt out anew. fields: inputs of the network"""
    question = "are the inputs used?"
    answer = WithoutGradients(stepper.task.predict)
    given = {name: batch.fields[name] for name in fields if isinstance(batch.fields.get(name), Tensor)}
    if not given or len(batch) < 4:
        return Trial(
            name="inputs", question=question, answer=None, said="there are too few rows, or no tensors, to tell"
        )
    order = torch.arange(len(batch)).roll(1)
    with random_state.apart(stepper.settings.device), evaluation_mode(stepper.task.modules):
        noise = random_state.capture(stepper.settings.device)  # the same for both answers, of a task that draws some
        plain = _floats(answer(batch))
        if not plain:
            return Trial(name="inputs", question=question, answer=None, said="its output is not a number")
        if not all(bool(each.isfinite().all()) for each in plain):
            return Trial(name="inputs", question=question, answer=None, said="some of its outputs are not finite")
        changes = {}
        for name, field in given.items():
            dealt = replace(batch, fields={**batch.fields, name: field[order.to(field.device)]})  # type: ignore[index]
            random_state.restore(noise, stepper.settings.device)
            changes[name] = max(_change(a, b) for a, b in zip(plain, _floats(answer(dealt)), strict=True))
    unused = [name for name, change in changes.items() if change <= UNUSED]
    listed = ", ".join(f"{name} {number(100 * change)} %" for name, change in changes.items())
    what = f"when the rows of an input are shuffled, the outputs change, relative to their size, by: {listed}"
    return Trial(
        name="inputs",
        question=question,
        answer=not unused,
        said=f"the outputs do not depend on {' and '.join(unused)}: {what}" if unused else what,
        numbers=changes,
    )


def permuted(batch: Batch) -> Batch | None:
    """The batch with its targets, and what belongs to them, dealt out anew; None where it has none, or they are all the same."""
    if "target" not in batch or _all_same(target := batch["target"]):
        return None
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(len(batch)))
    fields = {
        name: each[order.to(each.device)]
        if isinstance(each, Tensor) and (each is target or name in ALONG_WITH)
        else each
        for name, each in batch.fields.items()
    }
    return replace(batch, fields=fields)


def within(question: str, name: str, trial: Callable[[], Trial]) -> Trial:
    """A trial, or what kept it from being made: a network or a loss may refuse other rows than it is used to."""
    try:
        return trial()
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, AssertionError, NonFinite) as error:
        said = (
            f"it could not be tried ({type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''})"
        )
        return Trial(name=name, question=question, answer=None, said=said)


def _few(batch: Batch) -> Batch:
    """Rows with some dozens of targets together; of mixed rows the larger part."""
    targets = _targets(batch)
    each = 1 if targets is None else max(1, targets.numel() // max(1, len(batch)))
    rows = max(2, min(len(batch), TARGETS // 2, TARGETS // each))
    few = batch.rows(slice(0, rows)) if rows < len(batch) else batch
    return replace(few, fields={name: v for name, v in few.fields.items() if name not in ("mix_target", "mix_weight")})


def _targets(batch: Batch) -> Tensor | None:
    target = batch["target"] if "target" in batch else None  # noqa: SIM401  # a batch has no get
    return target if isinstance(target, Tensor) and target.ndim and len(target) == len(batch) else None


def _all_same(target: object) -> bool:
    return not isinstance(target, Tensor) or not target.ndim or bool((target == target[:1]).all())


def _floats(found: Mapping[str, Tensor]) -> list[Tensor]:
    return [each.float() for each in found.values() if isinstance(each, Tensor) and each.is_floating_point()]


def _change(a: Tensor, b: Tensor) -> float:
    size = float(a.square().mean().sqrt())
    return float((a - b).square().mean().sqrt()) / size if size > 0 else 0.0
