"""Which pictures of samples are kept, and how long one may take."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import sonde
from sonde.core.files import read_json, write_json
from sonde.core.generation import Generation
from sonde.core.records import EvaluationRecord
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Abilities
from sonde.run import became


def test_a_picture_may_take_what_the_evaluation_tells() -> None:
    able = Abilities(generation=Generation(draw=lambda request: request.start, latent=(2,), steps=20))
    assembly: Any = SimpleNamespace(task=SimpleNamespace(abilities=able))
    record = EvaluationRecord(step=1, epoch=0, split="validation", metrics={}, seconds=10.0)
    # 10 samples, 8 steps of 2 passes, each thrice as slow as the 0.01 s of a row
    assert became.cost(assembly, record, 1000) == pytest.approx(10 * 16 * 3 * 0.01)


@pytest.mark.parametrize("steps", [[7], list(range(100)), [1, 2, 3, *range(100, 2000, 100)]])
def test_the_first_and_the_last_are_kept(steps: list[int]) -> None:
    kept = [each["step"] for each in became.thinned([{"step": step} for step in steps])]
    assert len(kept) == min(len(steps), became.MOST)
    assert (kept[0], kept[-1]) == (steps[0], steps[-1])
    assert kept == sorted(kept)


def test_pictures_move_to_the_evaluation_and_never_out_of_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    place = folder.samples / "validation"
    (place / "became").mkdir(parents=True)
    (place / "became" / "4.png").write_bytes(b"x")
    entries = [
        {"step": 4, "picture": "became/4.png"},
        {"step": 8, "picture": "../../4.png"},
        {"step": 9, "picture": "9"},
    ]
    write_json(place / "became.json", {"pictures": entries})
    became.keep(folder)
    assert [file.name for file in (folder.evaluation / "became").iterdir()] == ["4.png"]
    write_json(place / "became.json", [3])
    became.keep(RunFolder(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_rows_of_a_table_stand_as_they_became(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonde.run.samples.SHARE", 1e9)  # as if there were time for all
    table = {"size": [float(n % 17) + 0.5 for n in range(120)], "town": ["Rom", "Bern"] * 60}
    given: dict[str, Any] = {"task": "flow-matching", "width": 8, "layers": 1, "epochs": 3, "threads": 1, "quiet": True}
    run = sonde.train(table, out=tmp_path / "run", **given)
    found = read_json(run.folder / "evaluation" / "became.json")
    assert (found["number"], found["names"]) == (became.ROWS, ["size", "town"])
    steps = [each["step"] for each in found["pictures"]]
    assert len(steps) > 1
    assert steps == sorted(set(steps))
    assert all(len(each["rows"]) == became.ROWS for each in found["pictures"])
    assert {row[1] for each in found["pictures"] for row in each["rows"]} <= {"Rom", "Bern"}
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "How samples became" in page
    assert "The same 3 rows again and again, from the same noise" in page
