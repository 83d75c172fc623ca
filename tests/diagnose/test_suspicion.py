"""Of several suspicions the cause comes first, and what follows from it is no warning."""

from typing import Any

from sonde.core.findings import Finding
from sonde.diagnose.recorded import suspicion_of
from sonde.diagnose.suspicion import Suspicion, fact, ranked, shown


def suspicion(name: str, **more: Any) -> Suspicion:
    given: dict[str, Any] = {"evidence": "", "action": "", "place": "outcome", "certainty": "likely"} | more
    return Suspicion(name=name, **given)


def order(*held: Suspicion) -> list[tuple[str, str]]:
    return [(each.name, each.certainty) for each in ranked(held)]


def test_a_cause_comes_before_what_it_explains() -> None:
    cause = suspicion("rate", place="optimiser", explains=frozenset({"flat", "rate"}))
    assert order(suspicion("flat"), cause) == [("rate", "likely"), ("flat", "suspected")]


def test_what_is_only_suspected_explains_nothing() -> None:
    cause = suspicion("rate", place="optimiser", certainty="suspected", explains=frozenset({"flat"}))
    assert order(suspicion("flat"), cause) == [("flat", "likely"), ("rate", "suspected")]


def test_a_fact_about_the_program_explains_all_that_is_likely_but_data_and_time() -> None:
    held = [
        suspicion("flat"),
        suspicion("slow", place="system"),
        suspicion("noisy", place="data"),
        suspicion("alike", place="model", certainty="certain"),
    ]
    assert order(*held) == [("alike", "certain"), ("noisy", "likely"), ("slow", "likely"), ("flat", "suspected")]


def test_of_equally_sure_ones_the_most_upstream_and_the_earliest_is_first() -> None:
    held = [
        suspicion("b", place="gradient", step=1),
        suspicion("c", place="data", step=9),
        suspicion("a", place="data", step=2),
    ]
    assert [name for name, _ in order(*held)] == ["a", "c", "b"]


def test_three_warnings_at_a_time() -> None:
    held = [suspicion(name) for name in "abcd"]
    assert [each.severity for each in shown(held)] == ["warning"] * 3 + ["note"]
    assert [each.severity for each in shown(held, before=2)] == ["warning"] + ["note"] * 3
    ends = suspicion("e", severity="error")
    assert [each.severity for each in shown([*held, ends])][-1] == "error"


def test_a_suspicion_alone_is_a_note() -> None:
    assert suspicion("learning-rate-too-high").finding().severity == "warning"
    found = suspicion("learning-rate-too-high", certainty="suspected").finding()
    assert (found.severity, found.check, found.name) == ("note", "learning rate too high", "learning-rate-too-high")


def test_layers_in_a_list_are_why_rows_are_mixed() -> None:
    def told(check: str, step: int) -> Suspicion:
        return fact(Finding(check=check, severity="warning", evidence="", action="", step=step))

    held = order(told("rows mixed", 0), told("parameters without an optimiser", 1))
    assert held == [("parameters-without-an-optimiser", "certain"), ("rows-mixed", "suspected")]


def test_how_a_run_ended_follows_what_is_likely_to_be_why_and_explains_nothing() -> None:
    check = Finding(
        check="worse than the baseline",
        name="worse-than-baseline",
        severity="warning",
        evidence="",
        action="",
        step=300,
    )
    held = [fact(check), suspicion("flat"), suspicion("rate", place="optimiser"), suspicion("few", certainty="certain")]
    assert order(*held) == [
        ("few", "certain"), ("rate", "likely"), ("flat", "likely"), ("worse-than-baseline", "certain"),
    ]  # fmt: skip


def test_what_follows_says_what_is_to_be_seen_to_first() -> None:
    """Or the remedies of the two might contradict each other: a rate is not to be raised where no gradient arrives."""
    cause = suspicion("vanishing-gradient", place="gradient", explains=frozenset({"rate"}), action="use relu")
    rate = suspicion("rate", place="optimiser", action="--lr 0.1")
    first, then = ranked(ranked([rate, cause]))
    assert first.finding().action == "use relu"
    assert then.finding().action == "fix vanishing gradient first, which may be the cause; if this stays: --lr 0.1"
    assert suspicion_of(then.finding().as_dict()).action == "--lr 0.1"


def test_classes_without_training_rows_are_why_labels_seem_unrelated() -> None:
    check = Finding(check="x", name="class-without-training-rows", severity="warning", evidence="", action="", step=0)
    held = order(fact(check), suspicion("labels-unrelated-to-inputs", place="data"))
    assert held == [("class-without-training-rows", "certain"), ("labels-unrelated-to-inputs", "suspected")]


def test_weights_that_are_not_trained_learn_nothing_by_heart() -> None:
    late = Suspicion(name="overfitting", evidence="", action="stop", place="outcome", certainty="likely")
    unused = Suspicion(name="parameters-without-a-gradient", evidence="", action="", place="model", certainty="certain")
    assert [(each.name, each.certainty, each.after) for each in ranked([late, unused])] == [
        ("parameters-without-a-gradient", "certain", ""),
        ("overfitting", "likely", ""),
    ]
    mixed = Suspicion(name="rows-mixed", evidence="", action="", place="model", certainty="certain")
    assert ranked([late, mixed])[1].after == "rows-mixed"
