"""A critic that has won, and a generator that makes the same over and over."""

from collections.abc import Sequence
from dataclasses import replace

from examined import context, evaluated, seen

from sonde.diagnose.rules.generating import (
    covers_few,
    critic_has_won,
    mode_collapse,
    nothing_in_common,
    posterior_collapse,
)
from sonde.diagnose.seen import Seen

HEALTHY = (0.5, 0.3, 0.12, 0.05, 0.02, 0.01)


def made(  # noqa: PLR0913
    distance: Sequence[float] = HEALTHY,
    *,
    accuracy: float = 0.8,
    gradient: Sequence[float] | None = None,
    recall: float = 0.6,
    precision: float = 0.7,
    spread: float = 0.95,
    steps: int = 1200,
) -> Seen:
    count = len(distance)
    scores = evaluated(
        [1.0] * count,
        steps=steps,
        kernel_distance=distance,
        kernel_floor=[1e-3] * count,
        accuracy_real=[accuracy] * count,
        accuracy_made=[accuracy] * count,
        recall=[recall] * count,
        recall_real=[0.8] * count,
        precision=[precision] * count,
        spread=[spread] * count,
        generator_gradient=[1.0] * count if gradient is None else gradient,
    )
    return seen([1.4, 1.3] * (steps // 2), of=context(phases=2, total=steps), evaluations=scores)


def test_healthy_runs() -> None:
    still = (0.5, 0.3, 0.02, 0.02, 0.02, 0.02)
    for run in (
        made(),
        made(accuracy=1.0),  # made rows still come nearer
        made(still, accuracy=1.0),  # and are near in the end
        made(recall=0.01, spread=0.3),  # on its way: dim shapes that lie close together
        made(still, recall=0.1, precision=0.3),  # neither alike nor lifelike
        made(still, spread=0.3),  # little variety within what is covered
        made([0.5] * 3, accuracy=1.0, recall=0.0, spread=0.1),  # too few evaluations
        made([0.5] * 6, accuracy=1.0, recall=0.0, spread=0.1, steps=300),  # too early
        seen(),
    ):
        assert critic_has_won(run) is None
        assert mode_collapse(run) is None


def test_a_critic_that_nothing_deceives() -> None:
    stands = critic_has_won(made([0.6, 0.55, 0.6, 0.58, 0.6, 0.6], accuracy=1.0))
    assert stands is not None
    assert (stands.name, stands.certainty) == ("discriminator-has-won", "likely")
    assert (
        "100.0 % of the real rows and 100.0 % of the made ones; the kernel distance of made rows is 0.6"
        in stands.evidence
    )
    gone = critic_has_won(made(accuracy=0.995, gradient=[2.0, 1.0, 1e-2, 1e-3, 1e-3, 1e-3]))
    assert gone is not None
    assert "the generator's gradient is 0.00100, and was 2.00" in gone.evidence
    assert critic_has_won(made(accuracy=0.97, gradient=[2.0, 1.0, 1e-2, 1e-3, 1e-3, 1e-3])) is None


def test_the_same_over_and_over() -> None:
    still = [0.5, 0.3, 0.2, 0.2, 0.2, 0.2]
    alike = mode_collapse(made(still, recall=0.05, spread=0.1, precision=0.1))
    assert alike is not None
    assert (alike.name, alike.certainty) == ("mode-collapse", "likely")
    assert "5.0 % of those lie among them" in alike.evidence
    assert "they lie 0.100 times as far apart as real ones" in alike.evidence
    few = mode_collapse(made(still, recall=0.05, precision=0.9))
    assert few is not None
    assert "90.0 % of them lie among real ones" in few.evidence


def test_a_run_that_is_over_and_covers_few_real_rows() -> None:
    still = (0.5, 0.3, 0.2, 0.2, 0.2, 0.2)
    few = {"recall": 0.13, "recall_real": 0.91, "kernel_distance": 0.2, "kernel_floor": 0.001}
    (collapsed,) = covers_few(few, made(still))
    assert (collapsed.name, collapsed.severity) == ("mode-collapse", "note")
    assert (
        "13.0 % of those lie among them, and of one half of the real rows 91.0 % among the other" in collapsed.evidence
    )
    for early in (made(), made(still[:2], steps=100), made(still, steps=200)):
        (found,) = covers_few(few, early)
        assert (found.name, found.severity) == ("few-steps", "note")
    assert covers_few({**few, "recall": 0.2}, made(still)) == []
    assert covers_few(few, made(still, recall=0.05, spread=0.1)) == []  # that is found as it is
    for other in ({"accuracy": 0.9}, {"recall": 0.1, "precision": 0.3}, {**few, "recall_real": None}):
        assert covers_few(other, made(still)) == []


def coded(kl: float, active: float, steps: int = 1200) -> Seen:
    scores = evaluated([6.1] * 4, steps=steps, elbo=[-6.1] * 4, kl=[0.9, 0.9, 0.5, kl], active_units=[active] * 4)
    return replace(seen([6.1, 6.0] * (steps // 2), evaluations=scores), moment="end")


def test_codes_that_say_nothing() -> None:
    for run in (coded(0.26, 16), coded(2.0, 1), made(), seen(), replace(coded(0.03, 0), moment="evaluation")):
        assert posterior_collapse(run) is None
    found = posterior_collapse(coded(0.03, 0))
    assert found is not None
    assert (found.name, found.certainty) == ("posterior-collapse", "likely")
    assert "active units 0, and the codes of validation rows say 0.0300 nats of a row" in found.evidence
    assert found.action.startswith("a lower --beta")
    short = posterior_collapse(coded(0.004, 3, steps=150))
    assert short is not None
    assert short.action.startswith("--steps 1000 or more; if this stays: a lower --beta")


def test_made_rows_that_have_nothing_in_common_with_real_ones() -> None:
    short = replace(made([0.6], recall=0.0, precision=0.0, steps=30), moment="end")
    found = nothing_in_common(short)
    assert found is not None
    assert (found.name, found.certainty) == ("samples-unlike-real-rows", "likely")
    assert "after 30 steps 0.0 % of the made rows lie among real ones and 0.0 % of the real rows" in found.evidence
    assert "--steps 3000" in found.action
    long = nothing_in_common(replace(made(recall=0.0, precision=0.01), moment="end"))
    assert long is not None
    assert "lower --lr and --critic-lr" in long.action
    for run in (
        replace(made(), moment="end"),
        replace(made(recall=0.0, precision=0.3), moment="end"),  # some are lifelike
        replace(made(recall=0.1, precision=0.0), moment="end"),
        replace(short, moment="evaluation"),
        seen(),
    ):
        assert nothing_in_common(run) is None
