"""Samples of a network that was hardly trained, and of one that hands out training rows, judged by a small classifier."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError, DataError
from sonde.core.files import read_json
from sonde.core.generation import SampleRequest
from sonde.metrics.frechet import frechet_distance
from sonde.modalities.image.made import MADE
from sonde.run.judge import seen_by
from sonde.run.run import Run
from sonde.run.sample_quality import Asked, sample_quality
from sonde.run.sampling import shares_among


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs")
    shared = {"threads": 1, "quiet": True}
    sonde.train("digits", epochs=2, out=place / "judge", **shared)
    network = {"widths": (8,), "layers": 1, "steps": 2}
    sonde.train("digits", task="flow-matching", out=place / "flow", **network, **shared)
    return place


@pytest.fixture
def flow(folder: Path) -> Run:
    return sonde.load(folder / "flow")


@pytest.fixture
def judge(folder: Path) -> Run:
    return sonde.load(folder / "judge")


def hand_out(run: Run, rows: Sequence[int], split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are rows of the data from now on, whatever class is wanted."""
    from sonde.core.generation import Generation
    from sonde.core.run_folder import RunFolder
    from sonde.core.seams import Abilities
    from sonde.data.feed.normalise import Normalise
    from sonde.run.judged_rows import parts_of

    parts = parts_of(RunFolder(run.folder), "digits", run.schema)
    raw = {"input": torch.from_numpy(parts.splits[split].read(np.array(rows))["input"])}
    values = Normalise(run.schema.input, torch.device("cpu"))(raw)["input"]
    given = iter(range(0, 10**6))

    def draw(request: SampleRequest) -> torch.Tensor:
        return values[[next(given) % len(rows) for _ in range(len(request.start))]]

    generation = Generation(draw=draw, latent=(1,), classes=False)
    monkeypatch.setattr(run.task, "abilities", Abilities(generation=generation))


def test_an_untrained_network_is_far_off_and_copies_nothing(flow: Run, judge: Run) -> None:
    found = sample_quality(flow, "digits", judge, Asked(number=60))
    by_name = {each["name"]: each for each in found["measures"]}
    assert found == read_json(flow.folder / "evaluation/sample_quality.json")
    assert (found["n"], found["split"], found["judge"]["layer"], found["judge"]["features"]) == (60, "test", "head", 64)
    assert by_name["class_agreement"]["value"] < 0.5 < by_name["class_agreement"]["real"]
    assert by_name["kernel_distance"]["value"] > 10 * abs(by_name["kernel_distance"]["real"])
    assert by_name["coverage"]["value"] < 0.5 < by_name["coverage"]["real"]
    assert by_name["frechet_distance"]["reason"].startswith("60 rows are too few for the covariance of 64 features")
    assert found["memorisation"]["p_distance"] > 0.5
    assert found["caution"] == []


def test_held_out_rows_get_what_real_rows_get(flow: Run, judge: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_out(flow, range(144), "validation", monkeypatch)
    found = sample_quality(flow, "digits", judge, Asked(number=144))
    by_name = {each["name"]: each for each in found["measures"]}
    assert by_name["frechet_distance"]["value"] == pytest.approx(by_name["frechet_distance"]["real"], rel=0.5)
    assert abs(by_name["kernel_distance"]["value"]) < 3 * by_name["kernel_distance"]["error"]
    assert found["memorisation"]["p_ratio"] > 0.01
    assert "class_agreement" not in by_name


def test_training_rows_as_samples_are_told_as_copies(flow: Run, judge: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_out(flow, range(40), "train", monkeypatch)
    found = sample_quality(flow, "digits", judge, Asked(number=40))["memorisation"]
    assert max(found["p_distance"], found["p_ratio"]) < 1e-9
    assert (found["copied"], found["pairs"]["distance"]) == (1.0, [0.0] * 12)
    assert found["copied_held_out"] < 0.05
    assert (flow.folder / "evaluation" / found["pairs"]["picture"]).stat().st_size > 100


def test_features_are_what_the_last_layer_is_given(judge: Run) -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, 8, 8, 1), dtype=np.uint8)
    seen = seen_by(judge, images, MADE)
    head = judge.model.get_submodule(seen.layer)
    with torch.inference_mode():
        logits = judge.model(judge.preprocess(images))
        torch.testing.assert_close(head(seen.features), logits)
    assert seen.classes.tolist() == judge.predict_proba(images).argmax(1).tolist()
    assert frechet_distance(seen.features, seen.features) == pytest.approx(0, abs=1e-6)


def test_classes_are_drawn_as_often_as_there_are_rows_of_them(flow: Run) -> None:
    from sonde.core.run_folder import RunFolder
    from sonde.data.splits import labels_of
    from sonde.run.judged_rows import parts_of

    parts = parts_of(RunFolder(flow.folder), "digits", flow.schema)
    counts = np.bincount(labels_of(parts.splits["train"]))
    np.testing.assert_allclose(shares_among(parts.splits["train"], flow.schema), counts / 1294)


def test_what_cannot_be_judged_is_refused_in_a_line(flow: Run, judge: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="flow is a run of task flow-matching, and a judge is a classifier"):
        sample_quality(flow, "digits", flow, Asked())
    with pytest.raises(ConfigError, match="judge makes no new inputs: it is a run of task classification"):
        sample_quality(judge, "digits", judge, Asked())
    with pytest.raises(ConfigError, match="--number is for samples, which are measured with --judge CLASSIFIER_RUN"):
        sample_quality(flow, "digits", None, Asked(number=40))  # only clips are measured without
    with pytest.raises(ConfigError, match="--number must be at least 20 for samples to be measured, got 3"):
        sample_quality(flow, "digits", judge, Asked(number=3))
    np.savez(tmp_path / "few.npz", x=np.zeros((30, 8, 8), np.uint8), y=np.arange(30) % 10)
    with pytest.raises(DataError, match=r"few.npz has 30 rows to measure samples by, and 40 are needed, in two halves"):
        sample_quality(flow, tmp_path / "few.npz", judge, Asked(number=20))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "5"], "--steps is for samples, which are measured with --judge CLASSIFIER_RUN"),
        (
            ["--judge", "judge", "--split", "test"],
            "--split is for metrics of rows, and with --judge samples are measured",
        ),
    ],
)
def test_flags_that_do_not_go_together(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "flow", "digits", *words]) == 2
    assert message in capsys.readouterr().err


def test_the_command_prints_the_table_and_draws_the_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["eval", str(folder / "flow"), "digits", "--judge", str(folder / "judge"), "-n", "40", "--seed", "2"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "40 samples beside test rows of digits" in said
    assert "class agreement" in said
    assert "seed 2, guidance 1, 20 steps" in said
    assert "How good the samples are" in (folder / "flow/report.html").read_text(encoding="utf-8")
