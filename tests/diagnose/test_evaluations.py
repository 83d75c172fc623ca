"""Metrics that are no number in any evaluation."""

from typing import Any

from sonde.diagnose.evaluations import never_finite, sometimes_finite


def lines(*scores: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"kind": "step", "loss": 1.0}, *({"kind": "evaluation", "step": 5, "metrics": each} for each in scores)]


def test_only_what_never_is_a_number_is_found() -> None:
    found = never_finite(lines({"a": None, "b": None, "c": 1}, {"a": None, "b": 0.5, "c": 0.0}), None)
    assert [(each.severity, each.evidence) for each in found] == [
        ("warning", "metric 'a' was NaN or infinite in all 2 evaluations")
    ]
    assert never_finite(lines(), "a") == []
    assert never_finite(lines({"a": 1.0}), "a") == []


def test_one_that_was_to_choose_says_which_weights_are_kept() -> None:
    (found,) = never_finite(lines({"a": float("inf")}), "a", ["a"])
    assert found.evidence == (
        "metric 'a' was NaN or infinite in the only evaluation, so it could not choose the best checkpoint: the last "
        "weights are kept"
    )
    assert "sonde.Metric(function, whole=True)" in found.action


def test_the_loss_is_offered_only_where_it_can_choose() -> None:
    both = lines({"a": None, "loss": 1.0})
    assert never_finite(both, "a", [])[0].action.endswith("; --monitor loss lets the loss choose")
    assert "loss" not in never_finite(both, "a", None)[0].action
    assert "lets the loss" not in never_finite(lines({"a": None, "loss": None}), "a", [])[0].action


def test_several_metrics_of_too_few_rows_are_one_finding_that_says_how_many_are_needed() -> None:
    (found,) = never_finite(lines({"a": None, "b": None, "c": 1.0}), "a", None, (2, 8))
    assert found.evidence == (
        "metrics 'a', 'b' were NaN or infinite in the only evaluation: 2 validation rows are too few to compare, 8 are needed, "
        "so 'a' could not choose the best checkpoint: the last weights are kept"
    )
    assert found.action == "add rows, or hold back more of them (--validation), so that 8 are validation rows"


def test_what_is_a_number_in_some_evaluations_says_in_how_many_and_from_which_step_on() -> None:
    done = [
        {"kind": "evaluation", "step": step, "metrics": {"a": a, "b": 1.0}}
        for step, a in ((10, 0.5), (20, None), (30, 0.7))
    ]
    (found,) = sometimes_finite(done, "a")
    assert found.evidence == (
        "metric 'a' was NaN or infinite in 1 of 3 evaluations; these were ignored when choosing the best checkpoint"
    )
    assert found.step == 20
    assert sometimes_finite(done[:1], "a") == sometimes_finite(lines(), None) == []
    assert sometimes_finite(lines({"a": None}), None) == []  # never one, which is said elsewhere


def test_what_was_not_measured_at_all_in_some_evaluations_was_no_number_in_none_of_them() -> None:
    measured = lines({"a": 1.0, "b": 0.5}, {"a": 1.0}, {"a": None, "b": None})
    assert [found.evidence for found in sometimes_finite(measured, None)] == [
        "metric 'a' was NaN or infinite in 1 of 3 evaluations",
        "metric 'b' was NaN or infinite in 1 of 2 evaluations",
    ]
    assert sometimes_finite(lines({"a": 1.0, "b": 0.5}, {"a": 1.0}), None) == []
    (found,) = never_finite(lines({"a": 1.0, "b": None}, {"a": 1.0}), None)
    assert "'b'" in found.evidence
