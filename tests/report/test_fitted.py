"""Over- or underfitted, by the curves."""

from dataclasses import replace

import pytest

from sonde.report.fitted import fitted
from sonde.report.folder import read_folder


def validated(run, *values):
    lines = [{**line, "metrics": {"log_loss": value}} for line, value in zip(run.evaluations, values, strict=False)]
    return replace(run, evaluations=lines)


@pytest.mark.parametrize(
    ("values", "kind", "word"),
    [
        ((0.5, 0.2, 0.12, 0.15, 0.2, 0.24, 0.28, 0.3), "over", "Overfitted since epoch 3"),
        ((0.9, 0.7, 0.5, 0.3, 0.2, 0.15, 0.13, 0.12), "neither", "Neither"),
        ((0.9, 0.7, 0.5, 0.3, 0.2, 0.15, 0.12, 0.16), "neither", "Neither"),  # one evaluation is no rise
        ((0.9, 0.7, 0.5, 0.3, 0.2, 0.15, 0.13, 0.14), "neither", "Neither"),  # close to 0.121
        ((2.0, 1.9, 1.5, 1.2, 0.9, 0.8, 0.7, 0.6), "neither", "Somewhat overfitted"),
        ((0.5, 0.4), "unknown", "Hard to tell"),
    ],
)
def test_by_the_curves(image_run, values, kind, word):
    """The training loss ends at 0.121."""
    found = fitted(validated(read_folder(image_run), *values))
    assert (found.kind, found.word) == (kind, word)


def test_the_numbers_are_told(image_run):
    run = validated(read_folder(image_run), 0.5, 0.2, 0.12, 0.15, 0.2, 0.24, 0.28, 0.3)
    assert fitted(run).text == (
        "training loss 0.121 at the end, validation loss 0.120 at best (epoch 3) and 0.300 at the end; the checkpoint of "
        "epoch 7 is the one that is kept and was evaluated."
    )


def test_a_rise_within_the_noise_of_the_rows_is_none(image_run):
    values = (0.5, 0.2, 0.12, 0.13, 0.13, 0.13, 0.13, 0.142)
    run = validated(read_folder(image_run), *values)
    losses = [0.0, 0.24] * 40
    answers = {"rows": 80, "index": None, "target": [0] * 80, "prediction": [0] * 80, "log_loss": losses}
    of_rows = {"metrics": {"validation": {"log_loss": 0.12}}}
    sure = replace(run, result={**run.result, **of_rows}, evaluated={"validation": {"answers": answers}})
    assert fitted(run).kind == "over"  # by 18 %, of nobody knows how many rows
    assert fitted(sure).kind == "neither"  # 0.12 is known to ±0.026 only


def test_an_interval_stands_beside_the_loss_that_it_is_of(image_run):
    """With smoothed labels the loss of the curve is not the log loss of the rows, which alone has an interval."""
    values = (0.9, 0.8, 0.7, 0.72, 0.71, 0.72, 0.73, 0.715)
    run = validated(read_folder(image_run), *values)
    answers = {"rows": 80, "index": None, "target": [0] * 80, "prediction": [0] * 80, "log_loss": [0.0, 0.24] * 40}
    of_rows = {"metrics": {"validation": {"log_loss": 0.12}}}
    sure = replace(run, result={**run.result, **of_rows}, evaluated={"validation": {"answers": answers}})
    text = fitted(sure).text
    assert "0.700 at best (epoch 3; the kept checkpoint's log loss is 0.120, 95" in text
    assert text.count(") and 0.715 at the end") == 1
    assert fitted(sure).kind == "neither"  # 0.715 is within the noise of the rows above 0.7


def test_a_rise_is_told_where_there_is_one(image_run):
    run = read_folder(image_run)
    rose = "it fits its training rows far better than new ones, but validation rose since its best by no more than its noise."
    assert fitted(validated(run, 2.0, 1.9, 1.5, 1.2, 0.9, 0.6, 0.55, 0.65)).text.endswith(rose)
    assert fitted(validated(run, 2.0, 1.9, 1.5, 1.2, 0.9, 0.8, 0.7, 0.6)).text.endswith(
        "but validation did not get worse."
    )


def test_what_the_checks_found_comes_first(image_run):
    run = validated(read_folder(image_run), 0.9, 0.7, 0.5, 0.3, 0.2, 0.15, 0.13, 0.12)
    improving = replace(run, findings=[{"name": "still-improving", "severity": "warning"}])
    assert (fitted(improving).kind, fitted(improving).word) == ("under", "Not trained to the end")
    assert fitted(run, learned=False).word == "Not applicable"
    assert fitted(replace(run, evaluations=[])).word == "Not known"


def test_losses_of_several_phases_are_not_compared(image_run):
    """The training loss is one phase's, the validation loss a sum of several."""
    run = validated(read_folder(image_run), 0.5, 0.2, 0.12, 0.15, 0.2, 0.24, 0.28, 0.3)
    steps = [
        {**line, "forecast/lr": 0.1, "paths/lr": 0.1, "forecast/loss": -0.8, "paths/loss": 0.9} for line in run.steps
    ]
    found = fitted(replace(run, steps=steps))
    assert (found.kind, found.word) == ("unknown", "Not known")
    assert "the phase forecast alone" in found.text
