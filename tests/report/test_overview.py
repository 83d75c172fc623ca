from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import sonde
from sonde.core.units import TIME_PARTS
from sonde.report import overview
from sonde.report.folder import read_folder, respelled
from sonde.report.overview import (
    class_balance,
    headline,
    key_figures,
    machine,
    metric_table,
    settings,
    split_table,
    time_parts,
)


def test_the_headline_is_the_test_score_in_words(image_run):
    found = headline(read_folder(image_run))
    assert (found.value, found.what, found.tone) == ("99.36 %", "accuracy on the test data", "good")
    assert [sentence.replace("\u00a0", " ") for sentence in found.sentences] == [
        "compact-cnn was trained on /home/ann/data/mnist for 8 epochs (3,200 steps) in 58 s.",
        "The best checkpoint is from epoch 7 (99.31 % validation accuracy); "
        "the test split was evaluated once, with this checkpoint.",
    ]


def test_a_run_that_was_tested_before_says_so(image_run):
    run = read_folder(image_run)
    event = {"kind": "event", "step": 9, "event": "resumed", "details": {"after": "the run had ended"}}
    found = headline(replace(run, events=[event])).sentences[-1]
    assert "the test split was evaluated with this checkpoint, and once before, when the run had ended" in found
    other = headline(replace(run, events=[{**event, "details": {}}])).sentences[-1]
    assert "the test split was evaluated once, with this checkpoint." in other


def test_a_best_score_that_was_another_when_judged_once_more_is_told_so(image_run):
    run = read_folder(image_run)
    result = {
        **run.result,
        "metrics": {"validation": {"accuracy": 0.5}},
        "evaluated": {"validation": {"rows": 16, "of": 1014}},
    }
    sentence = headline(replace(run, result=result)).sentences[-1].replace("\u00a0", " ")
    assert sentence == (
        "The best checkpoint is from epoch 7 (99.31 % validation accuracy then, 50.00 % at the end on 16 of 1,014 rows)."
    )


def test_a_network_of_ones_own_is_called_by_its_class(tmp_path):
    x = torch.randn(64, 2)
    run = sonde.fit(
        nn.Linear(2, 1), (x, x[:, :1]), loss=nn.MSELoss(), epochs=1, threads=1, quiet=True, out=str(tmp_path / "a")
    )
    assert run.result["network"] == "Linear"
    assert run.result["model"] == "custom"
    rows = DataLoader(TensorDataset(x, x[:, :1]), 32)
    sonde.fit(Scaled(nn.Linear(2, 1)), rows, epochs=1, threads=1, quiet=True, out=str(tmp_path / "b"))
    told = [headline(read_folder(tmp_path / name)).sentences[0].split(" for ")[0] for name in ("a", "b")]
    assert told == ["Linear was trained on data in memory", "Scaled was trained on the caller's DataLoader"]
    assert dict(key_figures(read_folder(tmp_path / "b")))["model"] == "Scaled"


class Scaled(sonde.Task):
    """A task of one's own."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net

    def loss(self, batch: sonde.Batch) -> torch.Tensor:
        return (self.net(batch["input"]) - batch["target"]).square().mean()


def test_without_a_test_split_the_validation_score_is_named_so(image_run):
    run = read_folder(image_run)
    found = headline(replace(run, result={**run.result, "metrics": {"validation": {"accuracy": 0.5}}}))
    assert (found.value, found.what) == ("50.00 %", "accuracy on the validation data")
    assert "evaluated once" not in " ".join(found.sentences)


@pytest.mark.parametrize(
    ("status", "words"),
    [("stopped early", "because validation no longer improved."), ("time limit", "ended by the time limit.")],
)
def test_an_early_end_is_told(image_run, status, words):
    run = read_folder(image_run)
    assert headline(replace(run, result={**run.result, "status": status})).sentences[0].endswith(words)


@pytest.mark.parametrize(
    ("condition", "value", "what", "tone"),
    [
        ("killed", "Died at step 3,200", "of 3,200", "bad"),
        ("failed", "Failed after step 3,200", "of 3,200", "bad"),
        ("interrupted", "Stopped at step 3,200", "of 3,200", "open"),
        ("running", "No result yet", "", "open"),
    ],
)
def test_a_run_without_a_result_says_what_became_of_it(image_run, condition, value, what, tone):
    (image_run / "result.json").unlink()
    run = read_folder(image_run)
    assert run.state.condition == "killed"  # nobody holds its folder
    found = headline(replace(run, state=replace(run.state, condition=condition)))
    assert (found.value, found.what, found.tone) == (value, what, tone)


def test_a_run_that_is_starting_says_so(image_run):
    (image_run / "result.json").unlink()
    run = read_folder(image_run)
    state = replace(run.state, condition="running", step=0)
    found = headline(replace(run, steps=[], evaluations=[], state=state))
    assert found.sentences == ["The run has not logged a step yet: it is starting."]


def test_nothing_to_judge_on_is_told(image_run):
    run = read_folder(image_run)
    found = headline(replace(run, result={**run.result, "metrics": {}}))
    assert (found.value, found.what) == ("Not evaluated", "there were no rows to evaluate on")
    cut = {"test": {"rows": 0, "of": 100, "called": "rows"}}
    found = headline(replace(run, result={**run.result, "metrics": {}, "evaluated": cut}))
    assert found.what == "the time limit ended the evaluation before one of its rows was over"


def test_scores_stand_by_split_with_the_main_one_first(image_run):
    splits, rows = metric_table(read_folder(image_run))
    assert splits == ["validation", "test"]
    assert rows[0] == ("accuracy", ["99.31 %", "99.36 %"], True, "higher is better")
    assert ("log loss", ["–", "0.0213"], False, "nats a row; lower is better") in rows


@pytest.mark.parametrize(("line", "train"), [({"games": 3}, "without end"), ({"rows": 64}, "1,000,000")])
def test_games_of_self_play_have_no_end(image_run, line, train):
    run = read_folder(image_run)
    run = replace(run, data={"splits": {"train": 1_000_000, "test": 30}}, steps=[{"step": 1, **line}])
    assert split_table(run) == [("train", train), ("test", "30")]


def test_settings_tell_what_was_chosen_by_whom_and_why(image_run):
    chosen, defaults = settings(read_folder(image_run))
    assert [(s.flag, s.origin) for s in chosen][:2] == [("--batch-size", "typed"), ("--model", "inferred")]
    assert next(s.reason for s in chosen if s.flag == "--lr") == "best of 5 rates on digits"
    values = {s.flag: s.value for s in defaults}
    assert (values["--hidden"], values["--deterministic"], values["--time-limit"]) == ("256 128", "no", "–")


def test_settings_of_a_program_are_keywords(image_run):
    run = read_folder(image_run)
    run = respelled(replace(run, env={**run.env, "in_program": True}), lambda text: text.replace("best", "lowest"))
    chosen, defaults = settings(run)
    assert [(s.flag, s.origin) for s in chosen][:2] == [("batch_size", "given"), ("model", "inferred")]
    assert next(s.reason for s in chosen if s.flag == "lr") == "lowest of 5 rates on digits"
    assert all("--" not in s.flag for s in defaults)


def test_time_adds_up(image_run):
    bar, rows = time_parts(read_folder(image_run))
    assert bar is not None
    assert rows[1] == ("forward + backward", "50.90 s", "87.7 %")
    assert sum(float(part.split()[0]) for _, _, part in rows) == pytest.approx(100, abs=0.3)


def test_the_balance_names_its_extremes(image_run):
    run = read_folder(image_run)
    counts = {"cat": 400, "dog": 100, "<b>": 250}
    bars, told = class_balance(replace(run, data={"class_counts": {"train": counts}}))
    assert told == "Most frequent: cat (400); rarest: dog (100), 4.0 times fewer."
    assert bars is not None
    assert "<b>" not in bars
    many = {f"c{i}": i + 1 for i in range(500)}
    assert class_balance(replace(run, data={"class_counts": {"train": many}}))[1].endswith(
        "The 40 rarest of 500 classes are shown."
    )
    assert class_balance(replace(run, data={})) == (None, "")


def test_machine_and_keys_leave_out_what_is_unknown(image_run):
    run = read_folder(image_run)
    found = dict(machine(run))
    assert found["memory"] == "8.3 GB"
    assert found["project revision"] == "0123456789ab with local changes"
    assert found["command"] == "sonde train data --batch-size 64"
    quoted = dict(machine(replace(run, env={"command": ["sonde", "train", "gym:Maze-v0(size=5)"]})))["command"]
    assert quoted == "sonde train 'gym:Maze-v0(size=5)'"
    assert machine(replace(run, env={})) == []
    assert dict(key_figures(run))["parameters"] == "228,010"
    assert dict(key_figures(replace(run, result={}, env={}, plan={}, config={}))) == {"steps": "3,200"}


def test_each_part_of_the_time_has_a_colour():
    css = (Path(overview.__file__).parent / "page.css").read_text(encoding="utf-8")
    missing = [f".{kind}{n}" for kind in "sf" for n in range(1, len(TIME_PARTS) + 1) if f".{kind}{n} {{" not in css]
    assert missing == []
