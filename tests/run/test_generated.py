"""A classifier that is trained on samples of a small generative run besides its own rows."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import sonde
from sonde.augment.generated import WithGenerated
from sonde.core.batch import Batch
from sonde.core.errors import ConfigError, RunFolderError, SondeError
from sonde.core.files import read_json, sha256
from sonde.core.findings import read_back
from sonde.engine.json_lines import read_lines
from sonde.run import generated as module
from sonde.run import sampling
from sonde.run.generated import Generated, parted

NETWORK = {"widths": (8,), "layers": 1, "steps": 2}
QUIET = {"threads": 1, "quiet": True}


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("flow") / "flow"
    sonde.train("digits", task="flow-matching", out=place, **NETWORK, **QUIET)
    return place


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 30)
    monkeypatch.setattr(module, "MOST", 30)


def train(flow: Path, out: Path, augment: str = "auto,generated={},share=0.4", **more: Any) -> sonde.Run:
    settings = {"steps": 6, "checkpoint_every": "3 steps", "evaluate_every": "3 steps", **QUIET, **more}
    return sonde.train("digits", augment=augment.format(flow), out=out, **settings)


def weights(run: sonde.Run) -> dict[str, torch.Tensor]:
    return load_file(run.folder / "checkpoints/last/weights.safetensors")


def test_samples_are_drawn_once_kept_with_their_hash_and_said(flow: Path, tmp_path: Path) -> None:
    run = train(flow, tmp_path / "run")
    kept = read_json(run.folder / "data.json")["generated"]
    assert kept["sha256"] == sha256(run.folder / "generated.npz")
    assert (kept["run"], kept["samples"]) == (str(flow), 30)
    assert kept["caution"].startswith(f"{flow} is worse than its baseline: ")  # after so few steps
    with np.load(run.folder / "generated.npz") as held:
        assert held["input"].shape == (30, 1, 8, 8)
        assert held["input"].dtype == np.uint8
        assert set(held["target"]) <= set(range(10))
    lines = read_json(run.folder / "plan.json")["lines"]
    told = f"40 % of each batch from 30 samples of {flow} (weights {kept['weights']}, seed 0); {kept['caution']}"
    assert told in lines
    assert "augment: crop=1:zero,generated=" in (run.folder / "config.yaml").read_text()  # with what the recipe advises
    plain = train(flow, tmp_path / "plain", augment="auto")
    assert any(not torch.equal(value, weights(plain)[name]) for name, value in weights(run).items())


def test_guidance_is_that_of_sampling_and_is_told(flow: Path, tmp_path: Path) -> None:
    run = train(flow, tmp_path / "run", augment="generated={},share=0.4,guidance=3", steps=3)
    kept = read_json(run.folder / "data.json")["generated"]
    assert kept["guidance"] == 3
    assert any(", seed 0, guidance 3)" in line for line in read_json(run.folder / "plan.json")["lines"])
    with np.load(run.folder / "generated.npz") as held:
        names = [str(label) for label in held["target"]]
        asked = sonde.load(flow).sample(30, classes=names, guidance=3.0, seed=0)
        assert np.array_equal(asked.squeeze(), held["input"].squeeze())


def test_a_run_that_goes_on_has_the_same_bits_without_the_run_that_made_the_samples(
    flow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(flow, tmp_path / "whole")
    made = tmp_path / "made"
    shutil.copytree(flow, made)
    mixed, batches = WithGenerated.__call__, 0

    def fails(self: WithGenerated, batch: Batch, generator: torch.Generator) -> Batch:
        nonlocal batches
        batches += 1
        if batches == 6:  # one of them is looked at before the first step; the checkpoint is of step 3
            raise RuntimeError("as if the power went")
        return mixed(self, batch, generator)

    monkeypatch.setattr(WithGenerated, "__call__", fails)
    with pytest.raises(RuntimeError, match="as if the power went"):
        train(made, tmp_path / "part")
    monkeypatch.setattr(WithGenerated, "__call__", mixed)
    assert (tmp_path / "part/checkpoints/last").exists()
    shutil.rmtree(made)
    again = sonde.resume(tmp_path / "part", quiet=True)
    assert again.result["steps"] == 6
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(again)[name]), name


def test_samples_that_changed_end_a_resume_in_a_line(flow: Path, tmp_path: Path) -> None:
    run = train(flow, tmp_path / "run", steps=3)
    (run.folder / "generated.npz").write_bytes(b"other")
    with pytest.raises(
        RunFolderError, match=r"generated.npz, the samples that this run trains on, changed; restore it"
    ):
        sonde.resume(run.folder, steps=6, quiet=True)
    (run.folder / "generated.npz").unlink()
    with pytest.raises(RunFolderError, match="is gone; restore it, or train again"):
        sonde.resume(run.folder, steps=6, quiet=True)
    assert train(flow, run.folder, steps=3, fresh=True).result["steps"] == 3


def test_the_text_is_taken_apart() -> None:
    assert parted("flip,crop=2") == ("flip,crop=2", None)
    assert parted("generated=Runs/A") == ("none", Generated("Runs/A", 0.3))
    assert parted("flip, share=0.5, generated=a/b") == ("flip", Generated("a/b", 0.5))
    assert parted("auto,generated=a,guidance=2") == ("auto", Generated("a", 0.3, 2.0))
    for text, message in (
        ("share=0.5", "share= is of what generated=RUN makes; give both"),
        ("guidance=2", "guidance= is of what generated=RUN makes; give both"),
        ("generated=a,guidance=0", "guidance=0: write guidance=1.5, or another number above 0"),
        ("generated=a,guidance=much", "guidance=much: write guidance=1.5"),
        ("generated=a,share=1", "share=1: write share=0.3, or another part of each batch between 0 and 1"),
        ("generated=a,generated=b", "gives generated, share or guidance twice"),
    ):
        with pytest.raises(ConfigError, match=message):
            parted(text)


def test_what_does_not_fit_is_refused_in_a_line(flow: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (60, 8, 8), dtype=np.uint8), np.array(["cat", "dog"] * 30)
    np.savez(tmp_path / "pets.npz", x=images, y=labels)
    np.savez(tmp_path / "large.npz", x=images.repeat(2, 1).repeat(2, 2), y=np.arange(60) % 3)
    text = f"generated={flow}"
    for data, more, message in (
        ("pets.npz", {}, "it makes no class 'cat'; its classes are 0, 1, 2, 3"),
        ("large.npz", {}, "it makes images of 1x8x8, and the data hold images of 1x16x16"),
    ):
        with pytest.raises(SondeError, match=message):
            sonde.train(tmp_path / data, augment=text, out=tmp_path / "run", **QUIET, **more)
    with pytest.raises(SondeError, match="is for classifiers, and this is task flow-matching"):
        sonde.train("digits", task="flow-matching", augment=text, out=tmp_path / "run", **NETWORK, **QUIET)
    assert not (tmp_path / "run").exists()


def test_samples_count_under_the_time_limit(flow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what the limit leaves is theirs; where that is too little for a few, the remedy says how much is enough."""
    monkeypatch.setattr(module, "FEWEST", 100_000)
    monkeypatch.setattr(module, "MOST", 100_000)
    with pytest.raises(ConfigError, match=r"making 100,000 samples takes about .* give time_limit=.\d+s. or more \("):
        train(flow, tmp_path / "refused", steps=None, time_limit="0.1s")
    monkeypatch.setattr(module, "LEAST", 5)
    monkeypatch.setattr(sampling, "_start", lambda wanted, generation: torch.zeros(wanted.number, *generation.latent))
    began = time.perf_counter()
    run = train(flow, tmp_path / "run", steps=None, time_limit="16s")
    assert time.perf_counter() - began < 32
    kept = read_json(run.folder / "data.json")["generated"]
    assert 5 <= kept["samples"] < kept["wanted"] == 100_000
    with np.load(run.folder / "generated.npz") as held:
        assert len(held["input"]) == len(held["target"]) == kept["samples"]
    assert any(
        "instead of 100,000, for which the time limit is too short" in line
        for line in read_json(run.folder / "plan.json")["lines"]
    )
    found = read_back(list(read_lines(run.folder / "findings.jsonl")))
    assert any(each.name == "time-limit" and "instead of 100,000" in each.evidence for each in found)
    assert run.result["steps"] > 0
