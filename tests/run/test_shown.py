"""What is looked at once a run has ended: right values in its files, and nothing of the run changed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sonde
from sonde.core.files import read_json
from sonde.run.shown import _first

SHORT: dict[str, Any] = {"quiet": True, "doctor": False, "device": "cpu", "epochs": 2}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    told, noise = rng.normal(size=300), rng.normal(size=300)
    lines = [f"{a:.4f},{b:.4f},{'yes' if a > 0 else 'no'}" for a, b in zip(told, noise, strict=True)]
    (tmp_path / "t.csv").write_text("told,noise,answer\n" + "\n".join(lines) + "\n")
    return tmp_path / "t.csv"


def test_the_column_that_tells_is_the_important_one(table: Path, tmp_path: Path) -> None:
    sonde.train(
        table, target="answer", model="mlp", hidden=(8,), out=tmp_path / "run", lr=0.05, **dict(SHORT, epochs=12)
    )
    place = tmp_path / "run" / "evaluation"
    found = read_json(place / "importance.json")
    assert [one["column"] for one in found["columns"]] == ["told", "noise"]
    assert (found["metric"], found["larger"], found["rows"]) == ("accuracy", True, 60)
    told, noise = (np.mean(one["drops"]) for one in found["columns"])
    assert 0.3 < told < 0.65  # a random half of the rows is answered wrongly without it
    assert abs(noise) < 0.1
    worst, moved = read_json(place / "test" / "worst.json"), read_json(place / "test" / "moved.json")
    assert moved["probability"] is True
    entry = worst[0]
    lines = table.read_text().splitlines()
    row = int(entry["row"].rpartition(" ")[2])
    assert [entry["cells"]["told"], entry["cells"]["noise"]] == pytest.approx(
        [*map(float, lines[row - 1].split(",")[:2])], abs=1e-3
    )
    assert set(moved["rows"][str(entry["index"])]) == {"told", "noise"}


def test_the_map_holds_each_row_with_its_truth(table: Path, tmp_path: Path) -> None:
    sonde.train(table, target="answer", model="mlp", hidden=(8,), out=tmp_path / "run", **SHORT)
    found = read_json(tmp_path / "run" / "evaluation" / "embedding.json")
    assert found["dimensions"] == 8
    assert sorted(found["index"]) == list(range(60))
    answers = read_json(tmp_path / "run" / "evaluation" / "test" / "answers.json")
    assert found["target"] == [answers["target"][row] for row in found["index"]]
    assert len(found["x"]) == len(found["y"]) == 60


def pictures(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    for split, rows in (("train", 12), ("test", 6)):
        for name, light in (("dark", 40), ("light", 200)):
            (folder / split / name).mkdir(parents=True)
            for number in range(rows // 2):
                pixels = (light + rng.integers(-30, 30, (8, 8))).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    return folder


def test_training_inputs_are_those_of_the_first_batch(tmp_path: Path) -> None:
    data = pictures(tmp_path / "data")
    sonde.train(data, model="mlp", hidden=(4,), batch_size=4, augment="none", out=tmp_path / "run", **SHORT)
    found = read_json(tmp_path / "run" / "evaluation" / "seen.json")
    assert found["augment"] == "none"
    assert len(found["rows"]) == 4
    for entry in found["rows"]:
        assert entry["row"].split("/")[1] == entry["label"]
        with (
            Image.open(tmp_path / "run" / "evaluation" / entry["picture"]) as shown,
            Image.open(data / entry["row"]) as stored,
        ):
            assert np.abs(np.asarray(shown).astype(int) - np.asarray(stored)).max() <= 1


def test_looking_leaves_the_source_where_it_was() -> None:
    class Source:
        position = {"epoch": 3, "position": 2}

        def state_dict(self):
            return dict(self.position)

        def load_state_dict(self, state):
            self.position = dict(state)

        def __iter__(self):
            assert self.position == {"epoch": 0, "position": 0}
            yield "batch"

    source = Source()
    assert _first(source) == "batch"  # type: ignore[comparison-overlap, arg-type]
    assert source.position == {"epoch": 3, "position": 2}


def test_a_run_that_goes_on_is_as_one_that_never_stopped(table: Path, tmp_path: Path) -> None:
    """What is looked at in between leaves no trace in weights and random numbers."""

    def trained(folder: Path, *epochs: int) -> torch.Tensor:
        common: dict[str, Any] = {
            "target": "answer",
            "model": "mlp",
            "hidden": (8,),
            "dropout": 0.2,
            "schedule": "constant",
        }
        *before, last = [sonde.train(table, out=folder, **common, **dict(SHORT, epochs=length)) for length in epochs]
        return torch.cat([weight.detach().flatten() for weight in last.task.modules.parameters()])

    assert torch.equal(trained(tmp_path / "straight", 4), trained(tmp_path / "parts", 2, 4))
