"""Steps that are looked at: what is measured of weights, and that they are the same steps."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import sonde
from sonde.core.run_folder import open_run
from sonde.diagnose.recorded import whole_samples
from sonde.diagnose.signals.sample import Sample
from sonde.diagnose.signals.sampler import EARLY, SURE
from sonde.engine.json_lines import read_lines
from sonde.report.layers import inside

X = torch.linspace(-2, 3, 256).reshape(64, 4)
Y = (X.sum(1) > 0).long()


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Dropout(0.2), nn.Linear(5, 2))


def trained(folder: Path, **more: Any) -> tuple[nn.Sequential, sonde.Run]:
    net = network()
    settings: dict[str, Any] = {"batch_size": 16, "steps": 30, "optimizer": "sgd", "lr": 0.1, "schedule": "constant"}
    run = sonde.fit(
        net, (X, Y), loss=F.cross_entropy, out=str(folder), quiet=True, threads=1, clip=0.0, **settings | more
    )
    return net, run


def samples(run: sonde.Run) -> list[Sample]:
    return whole_samples(read_lines(open_run(run.folder).signals))[0]


def test_weights_are_the_same_to_the_last_bit_with_the_doctor_and_without(tmp_path: Path) -> None:
    (one, _), (two, _) = trained(tmp_path / "with"), trained(tmp_path / "without", doctor=False)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def test_sizes_gradients_and_updates_are_those_of_a_step_of_sgd(tmp_path: Path) -> None:
    _, run = trained(tmp_path / "run", batch_size=64, steps=1)
    (sample,) = samples(run)
    first = sample.weights[0]
    before = network()[0]
    assert isinstance(before, nn.Linear)
    assert (first.name, first.entries, first.fan, first.inputs) == ("0.weight", 20, 4, 4)
    assert first.size == pytest.approx(float(before.weight.detach().square().mean().sqrt()), rel=1e-3)
    assert first.update == pytest.approx(0.1 * first.gradient, rel=1e-3)  # rate times gradient
    assert sample.rate == pytest.approx(0.1)


def test_the_first_steps_are_looked_at(tmp_path: Path) -> None:
    _, run = trained(tmp_path / "run")
    steps = [each.step for each in samples(run)]
    assert steps[:SURE] == list(EARLY[:SURE])
    assert steps == sorted(set(steps))


class Turns(sonde.Task):
    """Two networks, of which the second learns at every third step."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.often, self.seldom = nn.Linear(4, 3), nn.Linear(4, 2)
        self.phases = [
            sonde.Phase(
                name="often", loss=lambda batch: self.often(batch["input"]).square().mean(), trains=[self.often]
            ),
            sonde.Phase(
                name="seldom",
                loss=lambda batch: self.seldom(batch["input"]).square().mean(),
                trains=[self.seldom],
                every=3,
            ),
        ]


def test_where_phases_take_turns_a_weight_is_measured_when_it_is_its_turn(tmp_path: Path) -> None:
    """A step that leaves a network alone changes it by 0 %, which says nothing of its learning rate."""
    settings: dict[str, Any] = {"batch_size": 16, "steps": 8, "optimizer": "sgd", "lr": 0.1, "schedule": "constant"}
    run = sonde.fit(Turns(), X, out=str(tmp_path / "run"), quiet=True, threads=1, **settings)
    found = {each.step: {w.name: w for w in each.weights} for each in samples(run)}
    moved = {step: math.isfinite(of["seldom.weight"].update) for step, of in found.items()}
    assert moved == {1: False, 2: False, 3: True, 4: False, 5: False, 8: False}
    assert all(of["often.weight"].ratio > 0 for of in found.values())
    assert all(of["seldom.weight"].size > 0 for of in found.values())
    assert math.isnan(found[4]["seldom.weight"].gradient)
    seen = inside(list(read_lines(open_run(run.folder).signals)))
    assert seen is not None
    smallest = seen.update.extreme(min)
    assert smallest is not None
    assert smallest[2] > 1e-3
    assert "of often.weight" not in seen.sentences()[0]
