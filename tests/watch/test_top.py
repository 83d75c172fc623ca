"""What is said first of a run, in each state that its folder can be in."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from sample_runs import append, begun, checkpoint, evaluation, failed, finished, put, step

from sonde.core.run_folder import RunFolder
from sonde.report.folder import read_folder
from sonde.watch.top import Top, top_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begun(tmp_path / "run")


def of(folder: Path, *, alive: bool) -> Top:
    if not alive:
        return top_of(read_folder(folder))
    with RunFolder(folder).claimed():
        return top_of(read_folder(folder))


def test_before_the_first_step(folder: Path) -> None:
    assert (of(folder, alive=True).light, of(folder, alive=True).title) == ("starting", "Starting")
    assert (of(folder, alive=False).light, of(folder, alive=False).title) == (
        "failed",
        "Ended before its first step was logged",
    )


def test_a_run_that_trains(folder: Path) -> None:
    append(folder, *map(step, range(10, 101, 10)), evaluation(50, 0.5), evaluation(100, 0.75))
    found = of(folder, alive=True)
    assert (found.light, found.title, found.part) == ("running", "Running", 0.25)
    assert (found.value, found.what) == ("75.00 %", "accuracy on the validation data, the best so far")
    # half a second a step, of which 300 are left
    assert found.sentences == ["Step 100 of 400, epoch 2.0 of 8.", "About 2 m 30 s left."]
    append(folder, evaluation(110, 0.625))
    found = of(folder, alive=True)
    assert found.value == "62.50 %"
    assert found.what == "accuracy on the validation data at the last evaluation; the best so far is 75.00 %"


def test_a_run_without_an_end_that_is_known(folder: Path) -> None:
    put(folder / "plan.json", {"steps": None, "batches_per_epoch": None})
    append(folder, *map(step, range(1, 8)))
    found = of(folder, alive=True)
    assert (found.part, found.sentences) == (None, ["Step 7."])
    assert (found.value, found.what) == ("0.2857", "training loss so far")


def test_a_run_whose_end_a_time_limit_moves(folder: Path) -> None:
    moved = {"kind": "event", "step": 20, "event": "end moved", "details": {"to": 200, "why": "slower"}}
    append(folder, *map(step, range(10, 101, 10)), moved)
    found = of(folder, alive=True)
    assert (found.part, found.sentences) == (0.5, ["Step 100 of 200, epoch 2.0 of 4.", "About 50 s left."])
    append(folder, {**moved, "step": 104, "details": {"from": 200, "to": 130, "why": "slower"}})
    found = of(folder, alive=True)
    assert (found.part, found.sentences) == (0.8, ["Step 104 of 130, epoch 2.1.", "About 15 s left."])
    resumed = {"kind": "event", "step": 104, "event": "resumed", "details": {}}
    append(folder, resumed)
    assert of(folder, alive=True).part == 104 / 400, "of a plan anew"
    append(folder, {**resumed, "details": {"to": 208}})
    assert of(folder, alive=True).part == 0.5
    assert "after step 104 of 208" in of(folder, alive=False).sentences[0]


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"environment_steps": 640, "train_return": 9.0}, "640 environment steps"),
        ({"games": 70, "moves": 500}, "70 games of self-play"),
    ],
)
def test_a_run_that_acts_or_plays_has_updates_and_what_it_did(folder: Path, counts: dict, told: str) -> None:
    put(folder / "plan.json", {"steps": 400, "batches_per_epoch": None})
    append(folder, {**step(10), **counts})
    assert of(folder, alive=True).sentences == [f"Update 10 of 400, {told} so far."]


def test_a_run_that_failed_says_where_and_why(folder: Path) -> None:
    ending = {"kind": "event", "step": 22, "event": "failed", "details": {"why": "step 23: the loss is NaN"}}
    append(folder, *map(step, (10, 20)), ending)
    append(folder, failed("the loss is NaN", at=23), log="findings.jsonl")
    checkpoint(folder, 20)
    found = of(folder, alive=False)
    assert (found.light, found.title) == ("failed", "Failed at step 23: not finite")
    assert found.sentences == [
        "An error ended it at step 23 of 400: step 23: the loss is NaN",
        "lower --lr.",
        "Last good checkpoint: after step 20; 2 later steps will be done again.",
    ]
    assert found.command == f"sonde train --config {folder} --lr 0.01 --clip 1"


def test_a_run_that_was_killed_leaves_no_word(folder: Path) -> None:
    append(folder, *map(step, (10, 20, 30)))
    checkpoint(folder, 20)
    found = of(folder, alive=False)
    assert (found.light, found.title) == ("failed", "Died at step 30: the process is gone")
    assert found.sentences[0].startswith("Its process is gone after step 30 of 400 and left no error: it was killed")
    assert (
        found.sentences[1]
        == f"Its report.html was drawn before; sonde report {shlex.quote(str(folder))} draws it anew."
    )
    assert found.sentences[2] == "Last good checkpoint: after step 20; 10 later steps will be done again."
    assert (found.command, found.why) == (
        f"sonde resume {folder}",
        "continues from step 20, as if it had never stopped",
    )


def test_a_run_of_the_callers_own_network_goes_on_by_its_call(folder: Path) -> None:
    put(folder / "data.json", {"source": "tuple", "form": "custom data"})
    append(folder, step(10))
    found = of(folder, alive=False)
    assert found.sentences[-1] == "Last good checkpoint: none was written yet."
    assert (found.command, found.why.split(" continues")[0]) == ("", f"The same call with out='{folder}'")


def test_a_run_that_was_stopped_saved_its_last_step(folder: Path) -> None:
    ending = {"kind": "event", "step": 33, "event": "interrupted", "details": {"signal": 2}}
    append(folder, *map(step, (10, 20, 30)), ending)
    checkpoint(folder, 33)
    found = of(folder, alive=False)
    assert (found.light, found.title) == ("stopped", "Stopped at step 33")
    assert found.sentences == [
        "Ctrl-C ended it after step 33 of 400; nothing was lost.",
        "Last good checkpoint: after step 33.",
    ]


def test_a_run_that_has_finished(folder: Path) -> None:
    append(folder, step(400))
    finished(folder)
    for alive in (True, False):  # it draws its report before it ends
        found = of(folder, alive=alive)
        assert (found.light, found.title, found.value) == ("finished", "Finished", "87.50 %")
        assert found.what == "accuracy on the test data"


@pytest.mark.parametrize(
    ("result", "title"),
    [
        ({"status": "stopped early"}, "Finished: stopped early"),
        ({"status": "stopped: it is good enough"}, "Finished: it is good enough"),
        ({"status": "finished", "ended_by": "time_limit"}, "Finished at its time limit"),
    ],
)
def test_how_a_run_finished(folder: Path, result: dict, title: str) -> None:
    append(folder, step(400))
    finished(folder)
    run = read_folder(folder)
    assert top_of(replace(run, result={**run.result, **result})).title == title


def test_a_finished_run_that_trains_further(folder: Path) -> None:
    finished(folder, steps=400)
    append(folder, step(400), step(410))
    assert of(folder, alive=True).light == "running"
    assert of(folder, alive=False).title == "Died at step 410: the process is gone"


def test_a_cross_validation_leads_to_its_folds(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", folds=3)
    begun(folder / "fold-1")
    append(begun(folder / "fold-2"), step(10))
    found = of(folder, alive=True)
    assert (found.light, found.title, found.part) == ("running", "Running fold 2 of 3", 1 / 3)
    assert found.sentences == ["Each fold has a page of its own in the list of runs."]
    gone = of(folder, alive=False)
    assert (gone.light, gone.title) == ("failed", "Died at step 10 of fold 2: the process is gone")
    assert gone.command == f"sonde resume {folder}"
