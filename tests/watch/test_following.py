"""A run that is followed: what changes on its page, and what that costs."""

import json
import shutil
from pathlib import Path

import pytest
from sample_runs import append, begun, evaluation, failed, finished, killed, put, step, training

from sonde.core.errors import RunFolderError
from sonde.core.run_folder import RunFolder
from sonde.report.page import nothing
from sonde.run.telling import withdraw
from sonde.watch.following import SHARE, Following


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begun(tmp_path / "run")


def test_what_grows_is_drawn(folder: Path) -> None:
    run = Following(folder)
    first = run.shown()
    assert first.parts["learning"] == ""
    append(folder, *map(step, (10, 20)), evaluation(20, 0.5))
    second = run.shown()
    assert "<h2>Training curves</h2>" in second.parts["learning"]
    assert "50.00 %" in second.parts["top"]
    assert second.version != first.version
    assert second.parts["data"] == first.parts["data"]
    assert run.shown() == second


def test_files_that_are_written_later_are_read(folder: Path) -> None:
    run = Following(folder)
    assert "nothing was wrong" not in run.shown().parts["data"]
    put(folder / "data.json", {"source": "digits", "facts": [{"what": "1,797 images <b>", "why": ""}]})
    assert "1,797 images &lt;b&gt;" in run.shown().parts["data"]
    append(folder, failed("<script>alert(1)</script>", at=3), log="findings.jsonl")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in run.shown().parts["findings"]
    assert "<script>" not in "".join(run.shown().parts.values())


def test_a_finding_that_is_taken_back_is_gone(folder: Path) -> None:
    for said in ("taken back", "stays", "stays too"):
        append(folder, failed(said, at=3), log="findings.jsonl")
    run = Following(folder)
    assert "taken back" in run.shown().parts["findings"]
    withdraw(folder / "findings.jsonl", lambda line: "taken back" in json.dumps(line))
    found = run.shown().parts["findings"]
    assert "stays too" in found
    assert "taken back" not in found


def test_states_one_after_the_other(folder: Path) -> None:
    run = Following(folder)
    process = training(folder)
    try:
        assert run.shown().top.light == "starting"
        append(folder, *map(step, (10, 20)))
        run._top.due = 0.0
        shown = run.shown()
        assert (shown.top.light, shown.title) == ("running", "5 % run")
    finally:
        killed(process)
    shown = run.shown()
    assert shown.title == "Died at step 20: the process is gone: run"
    assert shown.parts["resources"] == ""
    with RunFolder(folder).claimed():
        assert run.shown().top.light == "running"
        finished(folder, steps=20)
    shown = run.shown()
    assert shown.title == "Finished: run"
    assert "87.50 %" in shown.parts["top"]


def test_drawing_takes_a_hundredth_of_the_time(folder: Path) -> None:
    """What took 0.3 s is not drawn again for a minute, beside a second part; what a dying run shows does not wait."""
    now, spent = [1000.0], [0.0]

    def cost() -> float:
        spent[0] += 0.3
        return spent[0]

    run = Following(folder, clock=lambda: now[0], cost=cost)
    with RunFolder(folder).claimed():
        append(folder, step(10))
        first = run.shown()
        append(folder, step(20))
        now[0] += 0.3 / SHARE - 0.1
        assert run.shown() == first
        now[0] += 0.2
        second = run.shown()
        assert "Step 20 of 400" in second.parts["top"]
        append(folder, step(30))
        assert run.shown() == second
    assert run.shown().top.title == "Died at step 30: the process is gone"


def test_the_top_does_not_wait_for_curves_that_take_long(folder: Path) -> None:
    run = Following(folder)
    with RunFolder(folder).claimed():
        append(folder, *map(step, (10, 20)))
        curves = run.shown().parts["learning"]
        append(folder, step(30))
        run._top.due, run._sections[None].due = 0.0, float("inf")
        shown = run.shown().parts
        assert "Step 30 of 400" in shown["top"]
        assert shown["learning"] == curves


def test_nothing_is_drawn_where_nothing_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Following(folder)
    shown = run.shown()
    monkeypatch.setattr("sonde.watch.following.sections", lambda *_: pytest.fail("drawn again"))
    monkeypatch.setattr("sonde.watch.following.top_html", lambda *_: pytest.fail("drawn again"))
    assert run.shown() == shown


def test_a_part_of_the_curves(folder: Path) -> None:
    append(folder, *map(step, range(1, 31)))
    run = Following(folder)
    part = run.shown((10.0, 20.0)).parts
    assert 'data-across="10 20 64 446"' in part["learning"]
    assert part["top"] == run.shown().parts["top"]
    assert run.shown((1e6, 2e6)).parts["learning"] == run.shown().parts["learning"]  # nothing is there
    assert set(run._sections) == {None, (10.0, 20.0), (1e6, 2e6)}
    run.forget((10.0, 20.0))
    assert set(run._sections) == {None, (1e6, 2e6)}


def test_a_run_that_is_begun_anew_in_its_folder(folder: Path) -> None:
    append(folder, *map(step, range(1, 31)))
    run = Following(folder)
    run.shown()
    RunFolder(folder).clear()
    begun(folder)
    assert run.shown().top.title == "Ended before its first step was logged"


def test_a_folder_that_is_removed(folder: Path) -> None:
    run = Following(folder)
    shutil.rmtree(folder)
    with pytest.raises(RunFolderError, match="there is no run folder"):
        run.shown()


def test_damaged_files_are_named(folder: Path) -> None:
    put(folder / "result.json", {"metrics": 3})
    (folder / "metrics.jsonl").write_bytes(b"\0\0\n")
    parts = Following(folder).shown().parts
    assert "result.json does not hold what a run writes there" in parts["unreadable"]
    assert "1 damaged lines of metrics.jsonl were left out" in parts["unreadable"]


def test_the_report_as_it_stands(folder: Path) -> None:
    append(folder, *map(step, (10, 20)))
    run = Following(folder, lambda reading: nothing)
    append(folder, step(30))
    html = run.report()
    assert html.startswith("<!doctype html>")
    assert "30" in html
    assert not (folder / "report.html").exists()  # it is looked at, not written
