"""The inside of real runs: what is kept while they train is what autograd gives, and twelve layers of sigmoids are named."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

import sonde
from sonde.cli.main import main
from sonde.run.examination import found, seen_inside


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    x, y = load_digits(return_X_y=True)
    return torch.tensor(x).float()[:512] / 16, torch.tensor(y)[:512]


def deep(activation: Callable[[], nn.Module], normed: bool) -> nn.Sequential:
    """Twelve hidden layers, of a start with which the figures are those of the median of five."""
    torch.manual_seed(2)
    layers: list[nn.Module] = []
    for _ in range(12):
        layer = nn.Linear(64, 64)
        (nn.init.kaiming_normal_ if activation is nn.ReLU else nn.init.xavier_uniform_)(layer.weight)
        nn.init.zeros_(layer.bias)
        layers += [layer, *([nn.BatchNorm1d(64)] if normed else []), activation()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


@pytest.mark.parametrize(
    ("activation", "normed", "expected"),
    [(nn.Sigmoid, False, 2.8e-8), (nn.Sigmoid, True, 0.56), (nn.ReLU, False, 0.68)],
)
def test_the_gradient_vanishes_through_twelve_sigmoids_alone(
    activation: Callable[[], nn.Module],
    normed: bool,
    expected: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    x, y = digits()
    reference = deep(activation, normed)
    cross_entropy(reference(x), y).backward()
    norms = [float(each.grad.norm()) for each in reference.parameters() if each.ndim == 2 and each.grad is not None]
    out = tmp_path / "run"
    settings = {"optimizer": "sgd", "lr": 0.1, "batch_size": len(x), "threads": 1, "quiet": True}
    sonde.fit(deep(activation, normed), (x, y), loss=cross_entropy, steps=60, out=str(out), **settings)
    seen = seen_inside(out)
    assert seen is not None
    assert [row[0] for row in seen.gradient.values] == pytest.approx(norms, rel=2e-3)
    apart = seen.gradient.apart(0)
    assert apart is not None
    assert apart == pytest.approx(norms[0] / norms[-1], rel=5e-3)
    assert apart == pytest.approx(expected, rel=0.25)
    lines, diagnosis = found(out)
    vanishes = apart < 1e-2
    assert ("vanishing-gradient" in diagnosis[:1]) == vanishes
    assert ("vanishing gradient" in {line["check"] for line in lines}) == vanishes
    assert main(["doctor", str(out), "--inside"]) == 0
    said = capsys.readouterr().out
    assert ("it vanishes, and the first layers learn hardly or not at all" in said) == vanishes
    assert max(map(len, said[said.index("inside the network") :].splitlines())) <= 80


def test_a_run_without_signals_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = digits()
    settings = {"threads": 1, "quiet": True, "doctor": False, "steps": 2}
    sonde.fit(nn.Linear(64, 10), (x, y), loss=cross_entropy, out=str(tmp_path / "run"), **settings)
    assert seen_inside(tmp_path / "run") is None
    assert main(["doctor", str(tmp_path / "run"), "--inside"]) == 0
    assert "nothing was measured inside the network" in capsys.readouterr().out
