"""Generators: a critic that nothing deceives, made rows that are the same over and over, and codes that say nothing.

Thresholds were looked at on runs on handwritten digits (8 x 8, 1,294 rows) and MNIST: healthy ones of all three losses, one
with a critic at 500 times the generator's rate, and generators that were collapsed on purpose.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

from sonde.core.findings import Finding
from sonde.core.units import number
from sonde.diagnose.seen import Evaluated, Seen
from sonde.diagnose.suspicion import Suspicion

LOOKS = 3  # evaluations in a row
PATIENT = 300  # steps: before, made rows are noise, and any critic tells them from real ones
SURE = 0.99  # of the rows, real and made, that the critic tells apart
VANISHED = 0.01  # of the generator's largest gradient
BETTER = 0.9  # of the best distance before: what comes below it is still on its way
FAR = 0.1  # kernel distance; of noise beside digits it is 0.6
FEW = 0.2  # of the recall between two halves of the real rows
ALIKE = 0.5  # mean distance between made rows beside that between real rows
LIFELIKE = 0.5  # of the made rows, that lie among real ones
SMOOTHER = "a critic with a smoother answer (--r1 1, or --gan-loss wgan-gp), a larger --batch-size, or a lower --lr"
MANY_STEPS = "train longer: a generator learns in thousands of steps (--epochs, --steps)"
NONE = 0.05  # of the recall between two halves of the real rows: hardly a row
NOTHING = 0.05  # nats of a row: what one code says beside no code at all
LONGER = "--steps 1000 or more; if this stays: "
RATES = "lower --critic-lr, or give the critic less to go by: --r1 1, --gan-loss wgan-gp, fewer --critic-steps"


def critic_has_won(seen: Seen) -> Suspicion | None:
    """The critic tells every row, and the generator no longer learns of it: its gradient is gone, or made rows get no nearer."""
    last = _last(seen)
    if not last or any(not min(_of(each, "accuracy_real"), _of(each, "accuracy_made")) >= SURE for each in last):
        return None
    here, gone = last[-1], _gradient_gone(seen.evaluations, last)
    if not gone and not (_stands(seen, last) and _of(here, "kernel_distance") > FAR):
        return None
    largest = max(_of(each, "generator_gradient") for each in seen.evaluations)
    told = (
        f"the generator's gradient is {number(_of(here, 'generator_gradient'))}, and was {number(largest)}; "
        if gone
        else ""
    )
    return Suspicion(
        name="discriminator-has-won",
        evidence=f"in the last {len(last)} evaluations the critic tells {_share(here, 'accuracy_real')} of the real rows and "
        f"{_share(here, 'accuracy_made')} of the made ones; {told}the kernel distance of made rows is "
        f"{number(_of(here, 'kernel_distance'))}, and between two halves of the real rows {number(_of(here, 'kernel_floor'))}",
        action=RATES,
        place="optimiser",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"mode-collapse", "plateau", "samples-unlike-real-rows"}),
    )


def mode_collapse(seen: Seen) -> Suspicion | None:
    """Made rows cover a small part of the real ones, and either are alike, or look real where they are."""
    last = _last(seen)
    if not last or any(not _of(each, "recall") < FEW * _of(each, "recall_real") for each in last):
        return None
    alike = all(_of(each, "spread") < ALIKE for each in last)
    lifelike = all(_of(each, "precision") > LIFELIKE for each in last)
    if not (alike or lifelike) or not _stands(seen, last):
        return None
    here = last[-1]
    how = f"{_share(here, 'precision')} of them lie among real ones"
    if alike:
        how = f"they lie {number(_of(here, 'spread'))} times as far apart as real ones"
    return Suspicion(
        name="mode-collapse",
        evidence=f"in the last {len(last)} evaluations made rows cover few of the real ones: {_share(here, 'recall')} of "
        f"those lie among them (of one half of the real rows {_share(here, 'recall_real')} among the other), and {how}",
        action=SMOOTHER,
        place="outcome",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"samples-unlike-real-rows"}),
    )


def nothing_in_common(seen: Seen) -> Suspicion | None:
    """At no evaluation did made rows lie among real ones, or real ones among made ones: the run has made noise alone."""
    found = [each for each in seen.evaluations if "kernel_distance" in each.metrics]
    if seen.moment != "end" or not found:
        return None
    best = max(max(_of(each, "precision"), _of(each, "recall")) for each in found)
    if not all(best < NONE * _of(each, "recall_real") for each in found):
        return None
    here = found[-1]
    early = seen.step < PATIENT
    return Suspicion(
        name="samples-unlike-real-rows",
        evidence=f"after {seen.step:,} steps {_share(here, 'precision')} of the made rows lie among real ones and "
        f"{_share(here, 'recall')} of the real rows among made ones (of one half of the real rows "
        f"{_share(here, 'recall_real')} among the other), and at no evaluation more than {100 * best:.1f} %",
        action="a GAN takes thousands of steps: --steps 3000"
        if early
        else "train longer (--steps), or lower --lr and --critic-lr; --r1 1 keeps the critic's answer smooth",
        place="outcome",
        certainty="likely",
        step=here.step,
    )


def posterior_collapse(seen: Seen) -> Suspicion | None:
    """The codes of a variational autoencoder do not depend on the rows: the decoder gives every row the same answer."""
    here = next((each for each in reversed(seen.evaluations) if {"elbo", "kl"} <= each.metrics.keys()), None)
    if seen.moment != "end" or here is None:
        return None
    nats, active = _of(here, "kl"), _of(here, "active_units")
    if not (nats < NOTHING or active == 0):
        return None
    early = seen.step < PATIENT
    return Suspicion(
        name="posterior-collapse",
        evidence=f"active units {number(active)}, and the codes of validation rows say {number(nats)} nats of a row (KL "
        "divergence): the decoder does not use them, and gives all rows the same answer",
        action=f"{LONGER if early else ''}a lower --beta, or a short code with free bits (--latent 4 --free-bits 0.1); where "
        "the columns or pixels have nothing to do with each other, there is nothing for a code to say",
        place="outcome",
        certainty="likely",
        step=here.step,
    )


def covers_few(scores: Mapping[str, float | None], seen: Seen) -> list[Finding]:
    """Of a run that is over, whose made rows cover a small part of the real ones: too few steps where they were still coming
    nearer, else perhaps a collapse.

    scores: of the checkpoint that is kept, on the rows that the run is judged on
    """
    recall, limit = (scores.get(name) for name in ("recall", "recall_real"))
    if recall is None or limit is None or not recall < FEW * limit or _told_otherwise(seen):
        return []
    found = [each for each in seen.evaluations if "kernel_distance" in each.metrics]
    early = len(found) <= LOOKS or seen.step < PATIENT
    nearer = early or not _stands(seen, found[-LOOKS:])
    told = Evaluated(step=seen.step, epoch=0, metrics={name: _known(value) for name, value in scores.items()})
    evidence = (
        f"after {seen.step:,} steps made rows cover few of the real ones: {_share(told, 'recall')} of those lie among them, and "
        f"of one half of the real rows {_share(told, 'recall_real')} among the other; their kernel distance is "
        f"{number(_of(told, 'kernel_distance'))}, and between two halves of the real rows {number(_of(told, 'kernel_floor'))}"
    )
    suspicion = Suspicion(
        name="few-steps" if nearer else "mode-collapse",
        evidence=evidence if early or not nearer else f"{evidence}; they were still coming nearer",
        action=MANY_STEPS if nearer else SMOOTHER,
        place="outcome",
        certainty="suspected",
        step=seen.step,
    )
    return [suspicion.finding()]


def _told_otherwise(seen: Seen) -> bool:
    return any(rule(seen) is not None for rule in (mode_collapse, critic_has_won, nothing_in_common))


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _last(seen: Seen) -> Sequence[Evaluated]:
    """The evaluations that are judged, of a run that makes rows; none where it is too early."""
    found = [each for each in seen.evaluations if "kernel_distance" in each.metrics]
    last = found[-LOOKS:]
    if seen.moment == "training" or len(found) <= LOOKS or last[0].step < PATIENT:
        return ()
    return last


def _of(evaluated: Evaluated, name: str) -> float:
    return evaluated.metrics.get(name, math.nan)


def _share(evaluated: Evaluated, name: str) -> str:
    return f"{100 * _of(evaluated, name):.1f} %"


def _gradient_gone(evaluations: Sequence[Evaluated], last: Sequence[Evaluated]) -> bool:
    sizes = [_of(each, "generator_gradient") for each in evaluations]
    return statistics.median(_of(each, "generator_gradient") for each in last) < VANISHED * max(sizes)


def _stands(seen: Seen, last: Sequence[Evaluated]) -> bool:
    """Whether the distance to the real rows has come no further in the last evaluations."""
    before = [_of(each, "kernel_distance") for each in seen.evaluations if each.step < last[0].step]
    return min(_of(each, "kernel_distance") for each in last) > BETTER * min(before)
