"""From a suspicion to a named cause: the probe that tells the leading causes apart is made, where there is time for it."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from sonde.core.batch import Batch
from sonde.core.seams import Source, abilities_of
from sonde.core.units import number
from sonde.diagnose import probes
from sonde.diagnose.seen import Seen, without_tries
from sonde.diagnose.suspicion import FACTS_ABOUT, Suspicion
from sonde.diagnose.trials import Paired, Trial, drawn, parted, pieces
from sonde.engine.step import Stepper

STANDS = ("not-learning", "plateau", "underfitting", "answers-alike", "worse-than-guessing")
RATES = ("learning-rate-too-low", "learning-rate-too-high")
NETWORKS = ("model", "loss", "gradient")  # causes there are why a network cannot learn
FOLLOW = frozenset({*STANDS, *RATES, "overfitting", "still-improving", "vanishing-gradient", "dead-units"})
LITTLE = 0.02  # of the loss of guessing
BATCHES, HELD = 64, 16  # that are read: to train on, and of the validation rows
IN_SHORT = 24, 4  # where there is less than a second
SHARE, MOST_S = 0.01, 2.0  # of a run's seconds, and seconds, that probes take at its end
AT_LEAST_S = (
    0.3  # besides, where something is suspected: a run of 15 s would have 0.15 s, in which nothing is told apart
)
LEAST_S = 0.02  # in which not one of them could be made


class Probing:
    """The probes of one run, each made when it is first asked for, as long as there is time.

    peak: the run's rate; None where its optimiser has one of its own
    held: validation rows, which are of use where the network may know the training rows by heart
    """

    def __init__(  # noqa: PLR0913
        self,
        stepper: Stepper,
        train: Source,
        held: Source | None = None,
        *,
        peak: float | None,
        seconds: float = float("inf"),
        guess: float | None = None,
        floor: float = 0.0,
        when: str = "",
        targets: bool = True,
    ) -> None:
        """guess, floor, when: see `probes.by_heart`;  targets: whether rows have any, without which nothing is asked of them"""
        self._targets = targets
        self._stepper, self._train, self._held, self._peak = stepper, train, held, peak
        self.guess, self.floor, self._when = guess, floor, when
        self._deadline = time.perf_counter() + seconds
        self._most = (BATCHES, HELD) if seconds >= 1 else IN_SHORT
        self.made: list[Trial] = []

    @property
    def possible(self) -> bool:
        """Whether there is one loss to ask about, and time to begin."""
        whole = not self._stepper.several and not self._stepper.stages.stages
        return whole and self._deadline - time.perf_counter() > LEAST_S

    @property
    def large(self) -> bool:
        """Whether the network has more weights than are needed to know a few rows, whatever they are: a line through noise fits
        none of them."""
        trained = (p.numel() for p in self._stepper.task.modules.parameters() if p.requires_grad)
        return sum(trained) >= 2 * probes.TARGETS

    @cached_property
    def batches(self) -> list[Batch]:
        """Training batches of one pass."""
        return drawn(self._train, self._most[0], self._stepper.settings.device, deadline=self._deadline)

    @cached_property
    def _parts(self) -> tuple[list[Batch], list[Batch]]:
        """(pieces to train on, pieces of other rows to judge by)."""
        device = self._stepper.settings.device
        if self._held is not None:
            other = pieces(drawn(self._held, self._most[1], device, deadline=self._deadline))
            if len(other) < 8:
                other = pieces(other, max(8, sum(map(len, other)) // 8))
            if len(other) >= 4:
                return pieces(self.batches), other
        return parted(self.batches)

    @cached_property
    def by_heart(self) -> Trial:
        """See `probes.by_heart`."""
        if not self._targets:
            return _not_asked("by-heart")

        def make() -> Trial:
            first = next(iter(self.batches), None)
            if first is None:
                return self._unread("by-heart", "can it overfit one batch?")
            return probes.by_heart(
                self._stepper,
                first,
                guess=self.guess,
                floor=self.floor,
                deadline=self._deadline,
                when=self._when,
            )

        return self._keep("by-heart", f"can it overfit one batch{self._when}?", make)

    @cached_property
    def related(self) -> Trial:
        """See `probes.related`."""
        if not self._targets:
            return _not_asked("related")

        def make() -> Trial:
            train, held = self._parts
            return probes.related(self._stepper, train, held, deadline=self._deadline)

        return self._keep("related", "do the targets belong to the inputs?", make)

    @cached_property
    def rates(self) -> tuple[Trial, dict[float, Paired]]:
        """See `probes.rates`."""
        found: dict[float, Paired] = {}

        def make() -> Trial:
            if self._peak is None:
                return self._unread("rates", "does another learning rate do better?")
            trial, compared = probes.rates(self._stepper, *self._parts, self._peak, deadline=self._deadline)
            found.update(compared)
            return trial

        return self._keep("rates", "does another learning rate do better?", make), found

    @cached_property
    def inputs(self) -> Trial:
        """See `probes.inputs_used`. Of tasks that draw inputs it says nothing: how large an answer is has no meaning there."""
        if abilities_of(self._stepper.task).generation is not None:
            return _not_asked("inputs")

        def make() -> Trial:
            first = next(iter(self.batches), None)
            if first is None:
                return self._unread("inputs", "are the inputs used?")
            bind = abilities_of(self._stepper.task).bind
            names = (
                list(bind(first).inputs) if bind is not None else [n for n in ("input", "lengths") if n in first.fields]
            )
            return probes.inputs_used(self._stepper, first.rows(slice(0, 64)), names)

        return self._keep("inputs", "are the inputs used?", make)

    def _unread(self, name: str, question: str) -> Trial:
        return Trial(
            name=name, question=question, answer=None, said="it could not be tried: the data cannot be read again"
        )

    def _keep(self, name: str, question: str, make: Callable[[], Trial]) -> Trial:
        trial = probes.within(question, name, make)
        self.made.append(trial)
        return trial


def _not_asked(name: str) -> Trial:
    """Of a probe that has no meaning for the task: it is not among those that were made."""
    return Trial(name=name, question="", answer=None, said="")


def at_the_end(
    stepper: Stepper, train: Source, held: Source | None, *, peak: float | None, elapsed: float, targets: bool = True
) -> Probing:
    """The probes of a run that has ended: a small share of its time, and `AT_LEAST_S`. They are made on suspicion alone, so that
    a run that is well pays nothing. elapsed: seconds of the run;  targets: see `Probing`"""
    return Probing(stepper, train, held, peak=peak, seconds=min(MOST_S, AT_LEAST_S + SHARE * elapsed), targets=targets)


def told_apart(seen: Seen, found: Sequence[Suspicion], probing: Probing) -> list[Suspicion]:
    """The suspicions with what probes make of the leading one: a cause by name, or more evidence.

    They are as they were where the question stays open.

    Nothing is tried where a fact explains the run already.
    """
    if any(each.certainty == "certain" and each.place in FACTS_ABOUT for each in found):
        return list(found)
    leading = next((each for each in found if each.certainty == "likely"), None)
    if leading is None or not probing.possible:
        return list(found)
    # a layer that is too narrow is a cause itself, by which few rows cannot be known by heart either
    if (leading.name in STANDS and leading.name != "underfitting") or (
        leading.name == "overfitting" and never_came_down(seen)
    ):
        told = _of_standing_still(seen, probing)
        if told:  # the batch was tried
            found = [replace(each, action=without_tries(each.action)) for each in found]
        named = {each.name for each in told}  # perhaps by the run itself before
        return [*told, *(each for each in found if each.name not in named)]
    if leading.name in RATES:
        return _confirmed(leading, found, probing)
    return list(found)


def judged(seen: Seen, found: Sequence[Suspicion], probing: Probing) -> list[Suspicion]:
    """The same where there is time for all of them: every probe is made, also of a run of which nothing is suspected."""
    heart, related, inputs = probing.by_heart, probing.related, probing.inputs
    told = told_apart(seen, found, probing)
    if heart.answer is not None:
        told = [replace(each, action=without_tries(each.action)) for each in told]
    names = {each.name for each in told}
    if heart.answer and related.answer is False and "labels-unrelated-to-inputs" not in names and never_came_down(seen):
        return [unrelated(heart, related, seen.step), *told]
    if heart.answer is not False or "network-cannot-learn" in names:
        return told
    named = any(each.certainty == "likely" and each.place in NETWORKS for each in told)  # which says more
    stands = probing.large and not names.isdisjoint(STANDS)
    if named or not (inputs.answer is False or stands):
        return told
    return [cannot_learn(heart, inputs, seen.step), *told]


def never_came_down(seen: Seen) -> bool:
    """Whether the validation loss, or where there is none the training loss, never came below that of guessing."""
    reference = seen.reference()
    held = [loss for each in seen.evaluations if math.isfinite(loss := each.metrics.get("loss", math.nan))]
    if reference is None:
        return False
    return min(held) > (1 - LITTLE) * reference.value if held else not seen.learned()


def _of_standing_still(seen: Seen, probing: Probing) -> list[Suspicion]:
    """Why a loss does not come down: the network, the targets, or the rate."""
    heart = probing.by_heart
    if heart.answer is False:
        return [cannot_learn(heart, probing.inputs, seen.step)]
    if not heart.answer:
        return []
    related = probing.related
    if related.answer is False:
        return [unrelated(heart, related, seen.step)]
    if not related.answer:
        return []
    return [rate] if (rate := _of_the_rate(seen, probing)) is not None else []


def cannot_learn(heart: Trial, inputs: Trial, step: int) -> Suspicion:
    """The network does not learn some rows by heart, at none of three rates of Adam."""
    ignores = f"; {inputs.said}" if inputs.answer is False else ""
    return Suspicion(
        name="network-cannot-learn",
        evidence=f"{heart.said}, at rates of {', '.join(f'{rate:g}' for rate in sorted(probes.BY_HEART))}: any network "
        f"that works has memorised so few rows by then{ignores}",
        action="look between the inputs and the loss: a field that is not used, units that are dead or stuck at their "
        "limits, a detach() on the way, the wrong axis, a ReLU or sigmoid at the end that cannot reach the targets; "
        "`sonde doctor RUN --inside` shows where the signal ends",
        place="model",
        certainty="likely",
        step=step,
        explains=FOLLOW,
    )


def unrelated(heart: Trial, related: Trial, step: int) -> Suspicion:
    """The network is able to learn, and what it learns of some rows says nothing of others."""
    return Suspicion(
        name="labels-unrelated-to-inputs",
        evidence=f"the network can learn ({heart.said}), but {related.said}",
        action="check some rows with their targets: were inputs and targets shuffled or sorted separately, joined by "
        "the wrong key, or shifted by a row?",
        place="data",
        certainty="likely",
        step=step,
        explains=FOLLOW,
    )


def _of_the_rate(seen: Seen, probing: Probing) -> Suspicion | None:
    trial, found = probing.rates
    gains = {factor: each for factor, each in found.items() if probes.better(each)}
    if not gains:
        return None
    factor = min(gains, key=lambda each: gains[each].second)
    rate = seen.context.rate
    return Suspicion(
        name=RATES[factor < 1],
        evidence=f"the network can learn, and its targets belong to its inputs; {trial.said}",
        action=f"--lr {number(rate * factor)} (it is {number(rate)}); --lr auto finds one",
        place="optimiser",
        certainty="likely",
        step=seen.step,
        explains=frozenset(STANDS) | {"still-improving"},
    )


def _confirmed(leading: Suspicion, found: Iterable[Suspicion], probing: Probing) -> list[Suspicion]:
    """With the trial's numbers in the evidence, where they point the same way; a trial that does not speaks against nothing: the
    weights are what the rate has made of them."""
    trial, compared = probing.rates
    agree = [
        each for factor, each in compared.items() if (factor > 1) == (leading.name == RATES[0]) and probes.better(each)
    ]
    if not agree:
        return list(found)
    explains = leading.explains | frozenset(STANDS)
    sure = replace(leading, evidence=f"{leading.evidence}; {trial.said}", explains=explains)
    return [sure if each is leading else each for each in found]
