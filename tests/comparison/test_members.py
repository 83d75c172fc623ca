import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sonde.comparison.members import clipped, members_of, short_names, split_of
from sonde.core.errors import RunFolderError


def test_a_folder_stands_for_the_runs_in_it_in_their_natural_order(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    for name in ("run-10", "run-9"):
        make_run(tmp_path / "runs" / name)
    other = make_run(tmp_path / "old" / "run-9")
    (tmp_path / "runs" / "notes").mkdir()
    found = members_of([tmp_path / "runs", other, other])
    assert [member.name for member in found] == ["runs/run-9", "run-10", "old/run-9"]


def test_one_folder_by_two_paths_is_one_run(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    run = make_run(tmp_path / "a")
    (tmp_path / "link").symlink_to(run)
    assert len(members_of([run, tmp_path / "a" / ".." / "a", tmp_path / "link"])) == 1


def test_a_network_of_ones_own_is_called_by_its_class_while_it_trains(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    code = {"network": {"name": "Net", "hash": "1"}}
    (found,) = members_of([make_run(tmp_path / "a", score=None, model="custom", code=code)])
    assert found.model == "Net"


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="there is no run folder .*nowhere"):
        members_of([tmp_path / "nowhere"])
    with pytest.raises(RunFolderError, match="holds no run"):
        members_of([tmp_path])


def test_names_are_as_long_as_it_takes_to_tell_them_apart() -> None:
    assert short_names([Path("/a/x/1"), Path("/a/y/1"), Path("/b/y/1")]) == ["x/1", "a/y/1", "b/y/1"]
    long = [Path("/a") / f"{'x' * 30}{middle}{'x' * 30}" for middle in "ab"]
    assert len(set(short_names(long))) == 2  # also where what tells them apart is cut out
    assert clipped("a" * 10_000) == "a" * 23 + "…" + "a" * 23
    assert clipped("two\nlines") == "two lines"
    assert clipped("a\u202eb\u2067c") == "abc"  # would turn round the sentence they stand in


def test_how_far_a_run_came(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    error = {"check": "not finite", "severity": "error", "evidence": "nan", "action": "", "step": 43}
    make_run(tmp_path / "a", score=None, findings=[error])
    make_run(tmp_path / "b", score=None)
    make_run(tmp_path / "c")
    running = make_run(tmp_path / "d", score=None)
    (running / ".lock").write_text(f"{os.getpid()}\n")
    with (running / ".lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        states = [member.state for member in members_of([tmp_path])]
    assert states == ["failed at step 43 of 400", "stopped at step 40 of 400", "finished", "running, step 40 of 400"]


def test_folds_are_read_with_the_run_they_belong_to(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    whole = make_classifier(tmp_path / "a", 10)
    for fold in (1, 2):
        make_classifier(whole / f"fold-{fold}", fold, rows_seed=fold)
    (found,) = members_of([whole])
    assert len(found.folds) == 2
    held = found.answers("test")
    assert held is not None
    assert (held.rows, int((held.target != held.prediction).sum())) == (400, 3)


def test_a_damaged_file_of_answers_is_none(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    (found,) = members_of([make_run(tmp_path / "a", answers={"rows": 3, "index": None, "target": [1, "x"]})])
    assert found.answers("test") is None


def test_scores_are_of_the_split_that_most_runs_have(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    make_run(tmp_path / "a")
    make_run(tmp_path / "b", score=None)
    found = members_of([tmp_path])
    assert (split_of(found, "accuracy"), split_of(found, "rmse")) == ("test", "")


def test_the_direction_is_the_objectives_or_the_names(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    (found,) = members_of([make_run(tmp_path / "a", metric="my_score", mode="min")])
    assert found.higher("my_score") is False
    assert found.higher("accuracy") is True
    assert found.higher("whatever") is None
