"""What is said first of a run, in each state that its folder can be in."""

from dataclasses import replace
from pathlib import Path

import pytest
from sample_runs import append, begun, checkpoint, evaluation, failed, finished, put, step

from sonde.report.folder import read_folder
from sonde.watch.condition import Condition, condition, saved_step


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begun(tmp_path / "run")


def of(folder: Path, *, alive: bool) -> Condition:
    return condition(read_folder(folder), alive=alive)


def test_before_the_first_step(folder: Path) -> None:
    assert (of(folder, alive=True).state, of(folder, alive=True).title) == ("starting", "Starting")
    assert (of(folder, alive=False).state, of(folder, alive=False).title) == (
        "failed",
        "Ended before its first step was logged",
    )


def test_a_run_that_trains(folder: Path) -> None:
    append(folder, *map(step, range(10, 101, 10)), evaluation(50, 0.5), evaluation(100, 0.75))
    found = of(folder, alive=True)
    assert (found.state, found.title, found.part) == ("running", "Running", 0.25)
    assert (found.value, found.what) == ("75.00 %", "accuracy on the validation data so far")
    # half a second a step, of which 300 are left
    assert found.sentences == ("Step 100 of 400, epoch 2.0 of 8.", "About 2 m 30 s left.")


def test_a_run_without_an_end_that_is_known(folder: Path) -> None:
    put(folder / "plan.json", {"steps": None, "batches_per_epoch": None})
    append(folder, *map(step, range(1, 8)))
    found = of(folder, alive=True)
    assert (found.part, found.sentences) == (None, ("Step 7.",))
    assert (found.value, found.what) == ("0.2857", "training loss so far")


def test_a_run_that_died_says_where_and_why(folder: Path) -> None:
    append(folder, *map(step, (10, 20)))
    append(folder, failed("step 23: the loss is NaN", at=23), log="findings.jsonl")
    checkpoint(folder, 20)
    found = of(folder, alive=False)
    assert (found.state, found.title) == ("failed", "Died at step 23: not finite")
    assert found.sentences == (
        "step 23: the loss is NaN.",
        "lower --lr.",
        "Saved at step 20; continue from there with:",
    )
    assert found.command == f"sonde resume {folder}"


def test_a_run_that_was_killed_leaves_no_word(folder: Path) -> None:
    append(folder, *map(step, (10, 20, 30)))
    checkpoint(folder, 20)
    found = of(folder, alive=False)
    assert (found.state, found.title) == ("failed", "Died at step 30: the process is gone")
    assert found.sentences[1] == "Saved at step 20; continue from there with:"


def test_a_run_of_the_callers_own_network_goes_on_by_its_call(tmp_path: Path) -> None:
    folder = begun(tmp_path / "own", model="custom")
    append(folder, step(10))
    found = of(folder, alive=False)
    assert found.sentences[-1] == "No checkpoint was saved; start it again with:"
    assert found.command == f"the same call with out='{folder}'"


def test_a_run_that_was_stopped_saved_its_last_step(folder: Path) -> None:
    append(folder, *map(step, (10, 20, 30)))
    checkpoint(folder, 33)
    found = of(folder, alive=False)
    assert (found.state, found.title) == ("stopped", "Stopped at step 33")
    assert found.sentences == ("Saved at step 33; continue from there with:",)


def test_a_run_that_has_finished(folder: Path) -> None:
    append(folder, step(400))
    finished(folder)
    for alive in (True, False):  # it draws its report before it ends
        found = of(folder, alive=alive)
        assert (found.state, found.title, found.value) == ("finished", "Finished", "87.50 %")
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
    assert condition(replace(run, result={**run.result, **result}), alive=False).title == title


def test_a_finished_run_that_trains_further(folder: Path) -> None:
    finished(folder, steps=400)
    append(folder, step(400), step(410))
    assert of(folder, alive=True).state == "running"
    assert of(folder, alive=False).state == "finished"


@pytest.mark.parametrize("content", ["", "x", "x\n{}", 'x\n{"state": 3}', 'x\n{"state": {"progress": {"step": "7"}}}'])
def test_a_checkpoint_that_is_none(folder: Path, content: str) -> None:
    (folder / "checkpoints" / "last").mkdir(parents=True)
    (folder / "checkpoints" / "last" / "state.json").write_text(content)
    assert saved_step(read_folder(folder)) is None


def test_a_cross_validation_leads_to_its_folds(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", folds=3)
    begun(folder / "fold-1")
    begun(folder / "fold-2")
    found = of(folder, alive=True)
    assert (found.state, found.title, found.part) == ("running", "Running fold 2 of 3", 1 / 3)
    assert found.sentences == ("Each fold has a page of its own in the list of runs.",)
    gone = of(folder, alive=False)
    assert (gone.state, gone.title, gone.command) == ("failed", "Ended in fold 2", f"sonde resume {folder}")
