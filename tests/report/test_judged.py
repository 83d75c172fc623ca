"""The headline score with its interval, and beside its baseline."""

import json
from dataclasses import replace

import pytest

from sonde.metrics.intervals import wilson
from sonde.report.folder import read_folder
from sonde.report.judged import less_than_baseline, score_of, sentences
from sonde.report.overview import headline


def test_a_share_of_rows_has_wilsons_interval(image_run):
    score = score_of(read_folder(image_run))
    assert score is not None
    assert (score.split, score.value, score.rows, score.higher) == ("test", 0.9936, 10_000, True)
    assert score.interval == wilson(9936, 10_000)
    assert score.against == "better"
    assert score.errors_gone == pytest.approx(1 - 0.0064 / 0.8865)


@pytest.mark.parametrize(
    ("name", "value", "baseline", "higher", "what", "told"),
    [
        ("accuracy", 0.9, 0.5, True, "always predicting a", "80\u00a0% fewer errors"),
        ("loss", 0.3, 1.0, False, "guessing by the class frequencies", "70\u00a0% less loss than guessing"),
        ("rmse", 5.0, 10.0, False, "always predicting the mean, 7", "50\u00a0% less RMSE"),
        ("f1", 0.75, 0.5, True, "always predicting a", "50\u00a0% of the way from there to a perfect F1"),
        ("gain", 7.0, 5.0, True, "always predicting a", ""),
    ],
)
def test_only_what_counts_errors_has_fewer_of_them(image_run, name, value, baseline, higher, what, told):
    score = score_of(read_folder(image_run))
    assert score is not None
    score = replace(score, name=name, value=value, baseline=baseline, higher=higher, what=what)
    assert less_than_baseline(score) == told


def test_accuracy_is_told_of_classes_beside_another_score(image_run):
    run = read_folder(image_run)
    run = replace(
        run,
        result={**run.result, "headline": "loss", "metrics": {"test": {"loss": 0.3}}},
        evaluated={"test": {"confusion": {"names": ["a", "b"], "counts": [[5, 1], [0, 4]]}}},
    )
    score = score_of(run)
    assert score is not None
    assert sentences(run, score)[-1] == "accuracy 90.00 % (the commonest class alone: 60.00 %)"


def test_sentences_have_rows_interval_direction_and_baseline(image_run):
    run = read_folder(image_run)
    score = score_of(run)
    assert score is not None
    assert [text.replace("\u00a0", " ") for text in sentences(run, score)] == [
        "99.36 % accuracy on 10,000 test rows (higher is better)",
        "95 % interval 99.18 to 99.50 %",
        "baseline (always predicting the most frequent): 11.35 %",
    ]


def test_errors_are_in_the_units_of_the_target(regression_run):
    (regression_run / "schema.json").write_text(json.dumps({"target": {"kind": "value", "names": ["price"]}}))
    run = replace(read_folder(regression_run), units={"rmse": "in units of {target}"})
    score = score_of(run)
    assert score is not None
    assert sentences(run, score) == [
        "3.710 RMSE on test data (in units of price; lower is better)",
        "baseline (always predicting the most frequent): 11.30",
    ]


def test_an_interval_comes_from_rows_answers(regression_run):
    answers = {"rows": 4, "index": None, "target": [1.0, 2.0, 3.0, 4.0], "prediction": [1.5, 2.5, 3.5, 4.5]}
    (regression_run / "evaluation" / "test" / "answers.json").write_text(json.dumps(answers))
    run = read_folder(regression_run)
    score = score_of(replace(run, result={**run.result, "metrics": {"test": {"rmse": 0.5}}}))
    assert score is not None
    assert score.interval is not None
    assert (score.interval.low, score.interval.high) == pytest.approx((0.5, 0.5))  # all rows are off by 0.5


@pytest.mark.parametrize(
    ("accuracy", "against"),
    [(0.9, "better"), (0.1335, "little"), (0.1165, "unsure"), (0.05, "worse")],
)
def test_beside_the_baseline(image_run, accuracy, against):
    """Which has 11.35 % of 10,000 rows: 0.6 % more or less is within the noise."""
    run = read_folder(image_run)
    score = score_of(replace(run, result={**run.result, "metrics": {"test": {"accuracy": accuracy}}}))
    assert score is not None
    assert score.against == against


def test_without_a_baseline_nothing_is_said_of_it(image_run):
    run = read_folder(image_run)
    score = score_of(replace(run, result={**run.result, "baseline": {}}))
    assert score is not None
    assert (score.against, score.errors_gone) == ("unknown", None)
    assert score_of(replace(run, result={**run.result, "metrics": {}})) is None


def test_a_part_of_the_rows_is_said_to_be_one(image_run):
    run = read_folder(image_run)
    part = replace(run, result={**run.result, "evaluated": {"test": {"rows": 100, "of": 10_000}}})
    score = score_of(part)
    assert score is not None
    assert score.interval == wilson(99, 100)
    assert sentences(part, score)[0] == "99.36 % accuracy on 100 of 10,000 test rows (higher is better)"


def test_a_forecaster_is_off_by_so_much_in_the_users_units(image_run):
    scores, baseline = (
        {"mse": 0.26, "raw_mae": 29.75},
        {"mse": 0.45, "raw_mae": 46.77, "what": "repeating the last 12 steps"},
    )
    run = read_folder(image_run)
    more = {"task": "forecasting", "objective": {"metric": "mse", "mode": "min"}, "baseline": baseline}
    run = replace(run, result={**run.result, **more, "metrics": {"test": scores}}, evaluated={})
    run = replace(run, schema={"target": {"names": ["Passengers"]}})
    score = score_of(run)
    assert score is not None
    assert sentences(run, score)[-1] == (
        "in the data's own units a forecast of Passengers is off by 29.75 on average (repeating the last 12 steps: 46.77)"
    )


@pytest.mark.parametrize(
    ("difference", "beside", "told"),
    [
        ([0.001, 0.01], "better", ", worse than the network by more than chance"),
        ([-0.001, 0.01], "alike", ", not distinguishable from the network on these rows"),
        ([-0.02, -0.01], "worse", ", better than the network by more than chance"),
        (None, "unknown", ""),
    ],
)
def test_beside_a_classical_model(image_run, difference, beside, told):
    run = read_folder(image_run)
    classical = {"what": "trees", "accuracy": 0.985, "difference": difference}
    run = replace(run, result={**run.result, "classical": classical})
    score = score_of(run)
    assert score is not None
    assert score.beside == beside
    assert f"trees: 98.50 %{told}" in sentences(run, score)


def test_of_an_error_less_is_better(regression_run):
    run = read_folder(regression_run)
    classical = {"what": "trees", "rmse": 3.9, "difference": [-0.3, -0.1]}
    score = score_of(replace(run, result={**run.result, "classical": classical}))
    assert score is not None
    assert score.beside == "better"


def test_our_own_metrics_have_a_direction(image_run):
    """Without one a run was said to have no baseline."""
    run = read_folder(image_run)
    result = {
        "headline": "near",
        "metrics": {"test": {"near": 0.46}},
        "baseline": {"near": 0.14, "what": "the mean angles"},
    }
    score = score_of(replace(run, result={**run.result, **result, "objective": {"metric": "loss", "mode": "min"}}))
    assert score is not None
    assert (score.higher, score.against) == (True, "better")


def test_beside_a_rule_on_the_same_series_their_errors_are_paired(regression_run):
    """The errors of series differ more than those of the model and the rule, which is worse in all."""
    ours = [1.0, 5.0, 20.0, 2.0, 40.0, 8.0]
    columns = {"absolute": ours, "baseline_absolute": [1.2 * each for each in ours], "count": [1.0] * 6}
    sums = {"unit": "series", "rows": 6, "index": None, "columns": columns}
    (regression_run / "evaluation" / "test" / "sums.json").write_text(json.dumps(sums))
    run = read_folder(regression_run)
    mean = sum(ours) / 6
    found = {
        "headline": "mae",
        "metrics": {"test": {"mae": mean}},
        "baseline": {"mae": 1.2 * mean, "what": "repeating"},
    }
    score = score_of(replace(run, result={**run.result, **found}))
    assert score is not None
    assert score.interval is not None
    assert score.interval.holds(1.2 * mean)
    assert score.against == "better"
    assert "(of 6 series)" in sentences(run, score)[1]


def test_a_training_loss_is_said_to_be_of_the_last_steps(image_run):
    run = read_folder(image_run)
    more = {"metrics": {"train": {"loss": 2.151}}, "headline": "loss", "baseline": {}, "train_loss_steps": 6}
    run = replace(run, result={**run.result, **more}, evaluated={})
    score = score_of(run)
    assert score is not None
    assert sentences(run, score)[0].startswith("2.151 loss, mean of the last 6 training steps (")
    assert headline(run).what == "loss, mean of the last 6 training steps"
