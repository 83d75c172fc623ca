"""What is asked of a finished run after whether it worked."""

import json
from dataclasses import replace

import pytest
from markupsafe import Markup

from sonde.report.fitted import fitted
from sonde.report.folder import read_folder
from sonde.report.glance import cost, fell_short, glance, long_enough, rows_to_check, weakest

CLASSES = {
    "names": ["a", "b<i>"],
    "precision": [1.0, 0.5],
    "recall": [0.9, 0.75],
    "f1": [0.95, 0.6],
    "support": [20, 8],
}
CONFUSED = {"names": ["a", "b<i>"], "counts": [[18, 2], [2, 6]]}


def of_losses(run, *values):
    lines = [{**line, "metrics": {"log_loss": value}} for line, value in zip(run.evaluations, values, strict=False)]
    return replace(run, evaluations=lines, findings=[], result={**run.result, "ended_by": "epochs"})


def test_the_weakest_class_and_what_it_is_taken_for():
    told = weakest({"per_class": CLASSES, "confusion": CONFUSED})
    assert told == Markup(
        "b&lt;i&gt;: F1 60.00 %, 75 % of its 8 rows found, but only 50 % of those predicted as it are right, "
        "the others most often a (2). "
        '<a href="#per-class">all classes</a>'
    )
    assert "most often" not in weakest({"per_class": CLASSES})
    missed = {**CLASSES, "precision": [1.0, 0.9]}
    told = weakest({"per_class": missed, "confusion": CONFUSED})
    assert told.startswith("b&lt;i&gt;: F1 60.00 %, 75 % of its 8 rows found, most often taken for a (2).")
    assert "of its 8 pixels" in weakest({"per_class": CLASSES, "confusion": {**CONFUSED, "unit": "pixels"}})
    assert "of its 8 objects" in weakest({"per_class": {**CLASSES, "unit": "objects"}})


def test_classes_that_are_alike_have_no_weakest_one():
    assert weakest({"per_class": {**CLASSES, "f1": [1.0, 1.0]}}).startswith("All 2 alike: F1 100.00 %.")
    several = {"names": ["a", "b", "c", "d"], "precision": [0.0] * 4, "recall": [0.0] * 4, "f1": [0.0, 0.0, 0.0, 0.5]}
    assert weakest({"per_class": {**several, "support": [9] * 4}}).startswith("a, b and c: F1 0.00 % each.")
    one = {"names": ["a", "b", "c", "d"], "counts": [[0, 0, 0, 9]] * 4}
    assert weakest({"per_class": {**several, "support": [9] * 4}, "confusion": one}).startswith(
        "It predicts d for every one"
    )
    assert weakest({"per_class": {**CLASSES, "support": [20, 0]}}) == ""  # of which nothing was judged
    assert weakest({}) == ""


def test_rows_to_check_are_those_answered_wrongly(image_run):
    details = read_folder(image_run).evaluated["test"]
    told = rows_to_check(details)
    assert told.startswith(
        "test/4/00000.png (truth 4, predicted 9, 99 % confidence); test/4/00001.png (truth 4, predicted 9, 98 % confidence)"
    )
    assert "the most wrong predictions, where mislabelled rows tend to be" in told
    assert told.endswith('<a href="#worst">all that were kept</a>')
    right = [{**entry, "prediction": entry["target"]} for entry in details["worst"]]
    assert rows_to_check({**details, "worst": right}) == "None: no row that was kept is predicted wrongly."
    assert rows_to_check({}) == ""
    anomalies = [{"name": "good", "normal": True}, {"name": "crack", "normal": False}]
    assert rows_to_check({**details, "by_class": anomalies}) == ""  # the worst are those that were to be found
    assert rows_to_check({**details, "by_class": anomalies[:1]}) == told


def test_rows_with_values_and_texts():
    row = {"index": 1, "row": "t.csv row 1", "target": 500_001.0, "prediction": 80_595.4, "loss": 13.2}
    told = rows_to_check({"worst": [row], "scatter": {"names": ["a"]}})
    assert told.startswith("t.csv row 1 (truth 500,001, predicted 80,595): the largest errors, where mislabelled rows")
    text = {"index": 1, "row": "a.txt character 9", "target": "long " * 50, "prediction": "x", "loss": 3.31}
    assert rows_to_check({"worst": [text]}).startswith(
        "a.txt character 9 (loss 3.31): the highest losses, where corrupt rows"
    )
    told = rows_to_check({"worst": [row], "scatter": {"names": ["a"]}}, "test", "CSV table")
    assert "mislabelled rows tend to be. Only test rows were looked at; a header is row 1. <a" in told
    both = {**row, "target": {"price": 1.0, "rent": 2.0}, "prediction": {"price": 3.0, "rent": 4.0}}
    assert rows_to_check({"worst": [both], "scatter": {"names": ["a"]}}).startswith("t.csv row 1 (loss 13.2): ")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((0.5, 0.3, 0.2, 0.25, 0.3), "Yes: validation loss was lowest at epoch 3 of 5 and did not get lower since."),
        ((0.5, 0.3, 0.2), "Perhaps not: validation loss was lowest at the last evaluation, when its epochs ended."),
        ((0.5,), "Not known: validation was evaluated only once before its epochs ended."),
        ((0.5, 0.4), "Not known: validation was evaluated only twice before its epochs ended."),
        ((), ""),
    ],
)
def test_long_enough_by_the_validation_losses(image_run, values, told):
    assert long_enough(of_losses(read_folder(image_run), *values)) == told


def test_what_has_not_learned_does_not_lack_time(image_run):
    run = of_losses(read_folder(image_run), 0.5, 0.3, 0.2, 0.25, 0.3)
    assert long_enough(run, learned=False).startswith(
        "Not for want of time: validation loss was lowest at epoch 3 of 5"
    )
    assert "Rows to check" not in dict(glance(run, learned=False))


def test_what_cannot_learn_does_not_lack_time(image_run):
    run = of_losses(read_folder(image_run), 0.5, 0.4, 0.3)
    diverged = {"name": "learning-rate-too-high", "check": "learning rate too high", "severity": "warning"}
    run = replace(run, findings=[diverged, {"name": "still-improving", "severity": "note"}])
    assert long_enough(run, learned=False) == (
        "Not for want of time: the checks warn of what more training does not cure (learning rate too high)."
    )
    assert (fell_short(run, learned=False), fell_short(run)) == (False, True)


def test_rows_that_were_never_seen_are_want_of_time(image_run):
    run = of_losses(read_folder(image_run), 0.5, 0.4)
    run = replace(run, result={**run.result, "ended_by": "time_limit", "epochs": 0.2158})
    assert long_enough(run) == ("No: only 22 % of the training rows were seen, once, when the time limit ended it.")
    assert fitted(run).word == "Too short to tell"


def test_the_loss_that_chose_the_checkpoint_is_told_where_it_is_another(image_run):
    run = of_losses(read_folder(image_run), 0.5, 0.3, 0.35)
    lines = [{**line, "metrics": {**line["metrics"], "loss": loss}}
             for line, loss in zip(run.evaluations, (0.9, 0.8, 0.7), strict=True)]  # fmt: skip
    best = {"epoch": 1, "step": 800, "metric": "log_loss", "value": 0.3}
    run = replace(run, evaluations=lines, result={**run.result, "best": best})
    assert long_enough(run) == (
        "Perhaps not: validation loss was lowest at the last evaluation, when its epochs ended; the log loss, which chose "
        "the checkpoint, was lowest at epoch 2."
    )


@pytest.mark.parametrize(("severity", "word"), [("warning", "No"), ("note", "Perhaps not")])
def test_a_run_that_was_still_improving_was_too_short(image_run, severity, word):
    run = of_losses(read_folder(image_run), 0.5, 0.3, 0.2, 0.25, 0.3)
    run = replace(run, findings=[{"name": "still-improving", "severity": severity}])
    run = replace(run, result={**run.result, "ended_by": "time_limit"})
    assert long_enough(run) == f"{word}: the loss was still falling when the time limit ended it."


def test_a_run_that_stopped_early_was_long_enough(image_run):
    run = of_losses(read_folder(image_run), 0.5, 0.3, 0.2)
    run = replace(run, result={**run.result, "status": "stopped early"})
    assert long_enough(run) == "Yes: it stopped because validation no longer improved."


def test_cost_is_told_by_its_largest_parts(image_run):
    run = read_folder(image_run)
    assert cost(run) == Markup(
        '58 s on 2 threads of Xeon: 88 % forward + backward, 7 % evaluation. <a href="#time">where the time went</a>'
    )
    gpu = replace(run, env={**run.env, "device": "cuda: H200"})
    assert cost(gpu).startswith("58 s on cuda: H200: 88 %")
    assert cost(replace(run, result={})) == ""


def test_what_is_damaged_costs_the_line_not_the_page(image_run):
    from sonde.report.page import render

    worst = image_run / "evaluation" / "test" / "worst.json"
    worst.write_text(json.dumps([{"row": 3, "target": None, "loss": "x"}]))
    assert "<h2>Scores</h2>" in render(read_folder(image_run))
