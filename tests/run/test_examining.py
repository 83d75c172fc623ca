"""What a run's doctor says at its end: of a step that broke off, and of weights that lose to guessing."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import sonde
from sonde.core.errors import NonFinite
from sonde.engine.json_lines import read_lines


def noise(rows: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 16, generator=generator), torch.randint(4, (rows,), generator=generator)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 64), nn.LeakyReLU(), nn.Linear(64, 64), nn.LeakyReLU(), nn.Linear(64, 4))


def warned(run: Path) -> list[tuple[str, str]]:
    lines = read_lines(run / "findings.jsonl")
    return [(line["name"] or line["check"], line["severity"]) for line in lines if line["severity"] != "note"]


def test_the_cause_of_a_loss_that_is_infinite_after_a_few_steps_is_said_before_it(tmp_path: Path) -> None:
    """Pixels of 0 to 255 at a rate for such of 0 to 1: the numbers overflow before what is likely is said of a usual run."""
    x, y = noise(512, 0)
    with pytest.raises(NonFinite):
        sonde.fit(
            net(), (x.abs() * 255, y), loss=cross_entropy, steps=60, optimizer="sgd", lr=1.0, threads=1, quiet=True,
            out=tmp_path / "run",
        )  # fmt: skip
    assert warned(tmp_path / "run") == [("inputs-not-scaled", "warning"), ("not finite", "error")]


def test_weights_that_lose_to_guessing_are_said_to(tmp_path: Path) -> None:
    """Noise that is learned by heart: the best of its evaluations is none."""
    run = sonde.fit(
        net(), noise(256, 0), validation=noise(500, 1), loss=cross_entropy, steps=200, optimizer="adam", lr=1e-2, threads=1,
        quiet=True, evaluate_every="50 steps", out=tmp_path / "run",
    )  # fmt: skip
    said = dict(warned(run.folder))
    assert said["worse-than-baseline"] == "warning"
    (line,) = (each for each in read_lines(run.folder / "findings.jsonl") if each["name"] == "worse-than-baseline")
    assert line["certainty"] == "certain"
    assert "and guessing by the frequencies of their classes gives 1.38" in line["evidence"]
