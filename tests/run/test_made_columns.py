"""Made rows of a table are measured without a judge: by columns of a run that learned nothing, and by real rows as samples."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from pyarrow import csv, table

import sonde
from sonde.cli.main import main
from sonde.core.files import read_json
from sonde.core.generation import Generation, SampleRequest
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Abilities
from sonde.engine.json_lines import read_lines
from sonde.run.judged_rows import parts_of
from sonde.run.run import Run
from sonde.run.sample_quality import Asked, sample_quality


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pets.csv, of which every column says much of the others, and a run that was hardly trained on it."""
    found = tmp_path_factory.mktemp("made")
    draw = np.random.default_rng(0)
    dog = draw.integers(0, 2, 600)
    size = draw.normal(size=600) + 4 * dog
    kind = [("cat", "dog")[each] for each in dog]
    colour = [("red", "blue")[each] for each in np.where(draw.random(600) < 0.95, dog, 1 - dog)]
    weight = 2 * size + draw.normal(size=600)
    rows = table({"kind": kind, "colour": colour, "size": size.round(3), "weight": weight.round(3)})
    csv.write_csv(rows, found / "pets.csv")
    shared = {"width": 8, "layers": 1, "threads": 1, "quiet": True}
    sonde.train(found / "pets.csv", task="diffusion", steps=3, out=found / "run", **shared)
    return found


def hand_out(run: Run, data: Path, split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are rows of the data from now on."""
    rows = parts_of(RunFolder(run.folder), data, run.schema).splits[split]
    values = torch.from_numpy(rows.read(np.arange(len(rows)))["input"])
    given = iter(range(10**6))

    def draw(request: SampleRequest) -> torch.Tensor:
        return values[[next(given) % len(values) for _ in range(len(request.start))]]

    monkeypatch.setattr(run.task, "abilities", Abilities(generation=Generation(draw=draw, latent=(1,))))


def by_name(found: dict) -> dict:
    return {each["name"]: each for each in found["measures"]}


def told(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if "go together otherwise" in line]


def test_a_run_that_learned_nothing_is_told_which_columns_do_not_go_together(place: Path) -> None:
    finding = next(
        each for each in read_lines(place / "run/findings.jsonl") if each["name"] == "column-pairs-unlike-real-rows"
    )
    assert finding["severity"] == "warning"
    assert "size and weight" in finding["evidence"]
    samples = read_json(place / "run/evaluation/test/samples.json")
    assert samples["together"]["detection"]["value"] > 0.8
    page = (place / "run/report.html").read_text(encoding="utf-8")
    assert "Two columns together" in page
    assert "of 6 pairs of columns" in page
    assert f"sonde eval {place / 'run'} {place / 'pets.csv'} --number 2000" in page


def test_real_rows_as_samples_are_not_told_from_others(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = sonde.load(place / "run")
    hand_out(run, place / "pets.csv", "validation", monkeypatch)
    found = sample_quality(run, place / "pets.csv", None, Asked(number=48))
    measures = by_name(found)
    assert not [pair for pair in found["together"]["pairs"] if pair["wrong"]]
    low, high = measures["detection_auroc"]["interval"]
    assert low < 0.5 < high
    assert measures["pair_distance"]["value"] == pytest.approx(measures["pair_distance"]["real"], abs=0.05)
    assert abs(measures["kernel_distance"]["value"]) < 3 * measures["kernel_distance"]["error"]
    assert measures["frechet_distance"]["value"] == pytest.approx(measures["frechet_distance"]["real"], rel=0.6)
    assert found["judge"] is None
    assert found["caution"] == []


def test_the_command_says_it_in_a_line_and_the_verdict_goes_by_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(place / "run"), str(place / "pets.csv"), "-n", "100"]) == 0
    said = capsys.readouterr().out
    assert "detection AUROC" in said
    assert len(told(said.splitlines())) == 1
    assert "that learn to tell made rows from real ones" in (place / "run/report.html").read_text(encoding="utf-8")
