"""A run that is worse than an answer without a look at the input is said, and one that learns something is not."""

import math
from collections.abc import Sequence

import pytest
from examined import answered, call, context, evaluated, seen, values

from sonde.diagnose.rules.baseline import below_baseline, below_guessing, below_validation
from sonde.diagnose.rules.held import worse_than_guessing
from sonde.diagnose.signals.answers import Answers
from sonde.metrics.intervals import Interval


def result(score: float, other: float, metric: str = "accuracy", diagnosis: Sequence[str] = ()) -> dict[str, object]:
    return {
        "headline": metric, "metrics": {"train": {"loss": 1.0}, "test": {metric: score}}, "steps": 40,
        "baseline": {metric: other, "what": "always predicting 1"}, "diagnosis": list(diagnosis),
    }  # fmt: skip


def test_a_headline_below_the_baseline() -> None:
    (found,) = below_baseline(result(0.55, 0.64), larger=True, rows=400)
    assert (found.name, found.severity, found.step) == ("worse-than-baseline", "warning", 40)
    assert found.evidence == "accuracy on the test rows is 0.550, and always predicting 1 has 0.640"
    (found,) = below_baseline(result(1.2, 1.0, "rmse"), larger=False, rows=None)
    assert found.severity == "warning"


def test_what_learned_from_a_log_is_looked_at_by_its_log_first() -> None:
    log = {"return": {"what": "the log's own episodes", "value": 9.0, "std": 1.0, "count": 9}}
    (found,) = below_baseline({**result(0.55, 0.64), "references": log}, larger=True, rows=400)
    assert found.action.startswith("look first at the log that it learned from")


def test_a_difference_by_chance_is_none() -> None:
    """0.62 and 0.64 of 100 rows: a standard error is 0.048."""
    assert below_baseline(result(0.62, 0.64), larger=True, rows=100) == []
    assert below_baseline(result(1.01, 1.0, "rmse"), larger=False, rows=None) == []
    assert below_baseline(result(0.9, 0.64), larger=True, rows=100) == []
    assert below_baseline(result(0.1, 0.64), larger=None, rows=100) == []


def test_returns_differ_by_chance_as_far_as_episodes_do() -> None:
    """Of 50 episodes with a deviation of 1, two standard errors of a difference are 0.4."""
    told = result(-0.7, -0.4, "return")
    told["metrics"] = {"test": {"return": -0.7, "return_std": 1.0}}
    assert below_baseline(told, larger=True, rows=50) == []
    told["metrics"] = {"test": {"return": -0.81, "return_std": 1.0}}
    (found,) = below_baseline(told, larger=True, rows=50)
    assert found.name == "worse-than-baseline"


def test_it_is_a_warning_whatever_cause_is_named_beside_it() -> None:
    (found,) = below_baseline(result(0.2, 0.64, diagnosis=["learning-rate-too-high"]), larger=True, rows=400)
    assert (found.severity, found.certainty) == ("warning", "certain")


def kept(loss: float, **metrics: float) -> dict[str, object]:
    return {"headline": "loss", "metrics": {"train": {}, "validation": {"loss": loss, **metrics}}, "steps": 40}


def test_kept_weights_that_lose_to_guessing() -> None:
    """1,000 rows of ten classes, as many of each: guessing has ln 10 = 2.303."""
    poor = seen(evaluations=evaluated([3.0, 4.0], answers=answered(0.1)))
    (found,) = below_guessing(kept(6.4, accuracy=0.11), poor)
    assert (found.name, found.severity, found.certainty) == ("worse-than-baseline", "warning", "certain")
    assert found.evidence == (
        "validation loss is 6.40, and guessing by the frequencies of their classes gives 2.30; accuracy is 0.110, and "
        "the most frequent class has 0.100"
    )
    assert below_guessing(kept(2.30, accuracy=0.11), poor) == []
    assert below_guessing(kept(6.4, accuracy=0.13), poor) == []  # 3 standard errors above the most frequent class
    sure = seen(evaluations=evaluated([3.0, 4.0], answers=answered(0.2)))
    assert below_guessing(kept(6.4), sure) == []  # too sure of what is wrong, and right more often than guessing
    assert below_guessing(kept(6.4, accuracy=0.1) | {"baseline": {"accuracy": 0.1}}, poor) == []
    assert below_guessing(kept(6.4), seen(evaluations=evaluated([3.0, 4.0]))) == []  # of which no answer is known
    several = seen(evaluations=evaluated([3.0, 4.0], answers=answered(0.1)), of=context(phases=2))
    assert below_guessing(kept(6.4), several) == []


def test_kept_weights_that_answer_one_class() -> None:
    """286 of 300 rows are of the class that all are answered by: guessing has 0.189."""
    alike = Answers(confusion=[[286, 0], [14, 0]], rows=300)
    run = seen(loss_call=call({0: 76, 1: 4}, shape=(80, 2)), evaluations=evaluated([0.6, 0.5, 0.44], answers=alike))
    (found,) = below_guessing(kept(0.436, accuracy=286 / 300), run)
    assert "guessing by the frequencies of their classes gives 0.189" in found.evidence
    assert "class 0 is predicted for nearly all rows" in found.evidence
    assert "it does not tell the classes apart" in found.action
    assert worse_than_guessing(run) is None, "the same would be said twice"


def test_kept_weights_that_lose_to_the_mean() -> None:
    """Values with a spread of 2, whose squared error by their mean is 4."""
    run = seen(
        loss_call=values(spread=2.0), evaluations=evaluated([5.0], answers=Answers(spread=1, wanted=2.0, rows=9))
    )
    (found,) = below_guessing(kept(4.2), run)
    assert found.evidence == "validation loss is 4.20, and always predicting their mean gives 4.00"
    assert below_guessing(kept(4.05), run) == []


def test_without_a_baseline_there_is_nothing_to_compare() -> None:
    assert below_baseline({"headline": "loss", "metrics": {"train": {}}, "baseline": {}}, larger=False, rows=3) == []
    assert below_baseline({"headline": "", "metrics": {}, "baseline": {}}, larger=None, rows=None) == []


@pytest.mark.parametrize(
    ("validation", "test", "told"),
    [(0.9433, 0.8732, True), (0.93, 0.89, False), (0.87, 0.95, False), (1.0, 1.0, False), (None, 0.5, False)],
)
def test_a_test_score_below_that_of_validation_beyond_chance_is_a_note(
    validation: float | None, test: float, told: bool
) -> None:
    """0.9433 of 300 rows and 0.8732 of 497: z = 3.2."""
    metrics = {"validation": {"accuracy": validation}, "test": {"accuracy": test}}
    found = below_validation(metrics, {"validation": 300, "test": 497})
    assert [each.severity for each in found] == ["note"] * told
    assert not told or "94.33 % on 300 validation rows and 87.32 % on 497 test rows, 3.2 standard" in found[0].evidence
    assert below_validation(metrics, {"validation": 300}) == []


def returned(score: float, other: float, steps: int = 40) -> dict[str, object]:
    told = result(score, other, "return")
    return {**told, "metrics": {"test": {"return": score, "return_std": 1.0}}, "steps": steps}


def test_a_policy_that_is_not_told_from_one_that_knows_nothing() -> None:
    (found,) = below_baseline(returned(0.5, 0.4), larger=True, rows=50, difference=Interval(-0.3, 0.5))
    assert (found.name, found.severity, found.certainty) == ("no-better-than-baseline", "warning", "likely")
    assert found.evidence == (
        "return on the test episodes is 0.500, and always predicting 1 has 0.400: no difference beyond chance (95 % interval of "
        "it: -0.3 to +0.5)"
    )
    (found,) = below_baseline(returned(0, 0), larger=True, rows=50, difference=Interval(0, 0))
    assert found.evidence.endswith("always predicting 1 has 0: the same")
    assert found.action.startswith(
        "if no policy can return more, there is nothing to learn here that always predicting 1 does not"
    )


def test_of_fewer_episodes_the_baseline_is_told_with_them_once() -> None:
    told = returned(0.5, 0.4)
    what = "a random policy, on the first 14 of 50 episodes, where this run returns 0.4; no constant action was tried"
    told["baseline"] = {"return": 0.4, "policy": "a random policy", "what": what}
    (found,) = below_baseline(told, larger=True, rows=50, difference=Interval(0, 0))
    assert (
        "and a random policy, on the first 14 of 50 episodes, where this run returns 0.4, has 0.400: the same"
        in found.evidence
    )
    assert "nothing to learn here that a random policy does not do" in found.action


def test_one_that_reached_its_goal_is_not_said() -> None:
    solved = {**returned(1, 1), "goals": {"return": 1.0}}
    assert below_baseline(solved, larger=True, rows=50, difference=Interval(0, 0)) == []
    solved["goals"] = {"return": 2.0}
    assert below_baseline(solved, larger=True, rows=50, difference=Interval(0, 0)) != []


def test_one_that_is_better_is_not_said_nor_one_that_has_hardly_begun() -> None:
    assert below_baseline(returned(0.5, 0.4), larger=True, rows=50, difference=Interval(0.01, 0.2)) == []
    assert below_baseline(returned(0.5, 0.4, steps=4), larger=True, rows=50, difference=Interval(-0.3, 0.5)) == []


def test_of_episodes_it_is_their_interval_that_says_worse() -> None:
    """By the deviation of its own returns alone it would be within chance."""
    (found,) = below_baseline(returned(0.1, 0.4), larger=True, rows=8, difference=Interval(-0.5, -0.1))
    assert found.name == "worse-than-baseline"
    assert found.evidence.startswith("return on the test episodes is 0.100")


def test_of_few_pairs_of_episodes_it_is_not_certain_and_of_fewer_nothing_is_said() -> None:
    apart, nothing = Interval(-0.5, -0.1), Interval(-math.inf, math.inf)
    (found,) = below_baseline(returned(0.1, 0.4), larger=True, rows=8, difference=apart, sure=False)
    assert found.certainty == "likely"
    assert below_baseline(returned(-9.0, 0.4), larger=True, rows=8, difference=nothing, sure=False) == []


def test_of_few_episodes_it_is_likely() -> None:
    told = {**returned(-9.0, 0.4), "experience": {"environment_steps": 100}}
    (found,) = below_baseline(told, larger=True, rows=2)
    assert found.evidence.startswith("return on the test episodes is -9.00")
    assert found.certainty == "likely"


def test_a_policy_that_remembers_nothing_may_lack_what_was_shown_earlier() -> None:
    for difference in (Interval(-0.3, 0.5), Interval(-0.5, -0.1)):
        (found,) = below_baseline(returned(0.1, 0.4), larger=True, rows=50, difference=difference, memory="--model gru")
        assert found.action.endswith(
            "; where what must be known was shown earlier in an episode: --model gru learns to remember it"
        )
        (found,) = below_baseline(returned(0.1, 0.4), larger=True, rows=50, difference=difference)
        assert "earlier" not in found.action
