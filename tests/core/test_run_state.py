"""What a folder tells of a run that has no result."""

import json
from pathlib import Path

import pytest

from sonde.core.run_folder import RunFolder
from sonde.core.run_state import checkpoint_step, folds_of, last_line, state_of


def put(folder: Path, *lines: dict[str, object], name: str = "metrics.jsonl") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


STEP = {"kind": "step", "step": 40, "epoch": 1, "loss": 0.5, "seconds": 2.5}


def ended(event: str, **details: object) -> dict[str, object]:
    return {"kind": "event", "step": 43, "event": event, "details": details, "seconds": 2.75}


def test_a_run_whose_process_is_gone_was_killed(tmp_path):
    state = state_of(put(tmp_path, STEP))
    assert (state.condition, state.step, state.words) == ("killed", 40, "killed, step 40")


def test_the_last_line_says_how_a_run_ended(tmp_path):
    stopped = state_of(put(tmp_path / "a", STEP, ended("interrupted", signal=15)))
    assert (stopped.condition, stopped.step, stopped.signal) == ("interrupted", 43, 15)
    failed = state_of(put(tmp_path / "b", STEP, ended("failed", why="ValueError: no room")))
    assert (failed.condition, failed.step, failed.why) == ("failed", 43, "ValueError: no room")


def test_a_run_that_went_on_is_no_longer_stopped(tmp_path):
    again = {**STEP, "step": 50}
    assert state_of(put(tmp_path, STEP, ended("interrupted", signal=2), again)).condition == "killed"


def test_whoever_holds_the_folder_runs_unless_it_has_said_how_it_ended(tmp_path):
    folder = RunFolder(put(tmp_path, STEP))
    with folder.claimed():
        assert state_of(tmp_path).words == "running, step 40"
        put(tmp_path, STEP, ended("failed", why="x"))
        assert state_of(tmp_path).condition == "failed"


def test_a_folder_of_an_earlier_version_failed_where_its_last_finding_is_an_error(tmp_path):
    put(tmp_path, STEP)
    put(tmp_path, {"severity": "note"}, {"severity": "error", "evidence": "loss is NaN"}, name="findings.jsonl")
    assert (state_of(tmp_path).condition, state_of(tmp_path).why) == ("failed", "loss is NaN")


def test_an_error_names_the_step_that_failed(tmp_path):
    put(tmp_path, STEP, ended("failed", why="step 44: the loss is nan"))
    put(tmp_path, {"severity": "error", "evidence": "the loss is nan", "step": 44}, name="findings.jsonl")
    state = state_of(tmp_path)
    assert (state.step, state.failed_at, state.place, state.words) == (43, 44, "at step 44", "failed, step 44")


def test_a_finished_run_that_was_trained_further_has_no_result_yet(tmp_path):
    (put(tmp_path, STEP) / "result.json").write_text('{"steps": 40}')
    assert state_of(tmp_path).condition == "finished"
    put(tmp_path, STEP, {**STEP, "step": 50})
    assert state_of(tmp_path).words == "killed, step 50"


def test_a_cross_validation_is_where_its_last_fold_is(tmp_path):
    put(tmp_path / "fold-1", STEP)
    (tmp_path / "fold-1" / "result.json").write_text("{}")
    assert state_of(tmp_path).words == "killed, fold 1, step 0"  # between two folds
    put(tmp_path / "fold-2", STEP, ended("interrupted", signal=2))
    put(tmp_path / "fold-10", STEP)
    assert [entry.name for entry in folds_of(tmp_path)] == ["fold-1", "fold-2", "fold-10"]
    assert state_of(tmp_path).words == "killed, fold 10, step 40"
    with RunFolder(tmp_path).claimed():
        assert state_of(tmp_path).words == "running, fold 10, step 40"
    (tmp_path / "result.json").write_text("{}")
    assert state_of(tmp_path).condition == "finished"


def test_a_fold_that_failed_before_its_first_step_left_no_folder(tmp_path):
    put(tmp_path / "fold-1", STEP)
    (tmp_path / "fold-1" / "result.json").write_text("{}")
    told = {"why": "RuntimeError: boom", "fold": 2}
    (tmp_path / "metrics.jsonl").write_text(json.dumps({**ended("failed"), "step": 0, "details": told}) + "\n")
    state = state_of(tmp_path)
    assert (state.words, state.why) == ("failed, fold 2, step 0: RuntimeError: boom", "RuntimeError: boom")
    put(tmp_path / "fold-2", STEP)
    (tmp_path / "fold-2" / "config.yaml").write_text("")
    assert state_of(tmp_path).words == "killed, fold 2, step 40"  # of the sitting that went on


def test_a_torn_line_is_passed_over(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(json.dumps(STEP) + '\n{"kind": "step", "step": 5')
    assert last_line(tmp_path / "metrics.jsonl")["step"] == 40
    assert last_line(tmp_path / "none.jsonl") == {}


@pytest.mark.parametrize("damaged", ["", "seal\n{", "seal\n[]\n"])
def test_the_checkpoint_is_the_newest_that_can_be_read(tmp_path, damaged):
    assert checkpoint_step(tmp_path) is None
    for name, content in (("last", damaged), ("previous", 'seal\n{"state": {"progress": {"step": 21}}}\n')):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "checkpoints" / name / "state.json").write_text(content)
    assert checkpoint_step(tmp_path) == 21
