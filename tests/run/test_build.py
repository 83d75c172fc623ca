"""The parts of a run, put together from a config."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError
from sonde.core.overrides import Overrides
from sonde.engine.clock import Clock
from sonde.engine.training import weights
from sonde.engine.tree import same
from sonde.modalities.open import open_data
from sonde.optim.muon import Muon
from sonde.run import build as build_module
from sonde.run.build import Assembly, assemble
from sonde.run.choose import choose, choose_task
from sonde.run.resolve import resolve


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return open_data("digits", DataConfig())


def assembly(dataset: Dataset, *, model: str = "mlp", module: nn.Module | None = None, **typed: Any) -> Assembly:
    task = choose_task(dataset, None)[0]
    overrides = Overrides(values=typed, origin=dict.fromkeys(typed, "typed"))
    config = resolve(overrides, choose(dataset, task=task, model="custom" if module else model)).config
    return assemble(dataset, config, clock=Clock(), model=module)


def test_the_parts_fit_together(digits: Dataset) -> None:
    parts = assembly(digits, batch_size=32, accumulate=2, clip=1.0, ema=0.9)
    assert parts.evaluation_sources.keys() == {"validation", "test"}
    assert parts.decision.kind == "resident"
    assert parts.average is not None
    stepper = parts.stepper(lr=0.01, total=10)
    batch = next(iter(parts.train))
    assert len(batch) == 32
    record = stepper(batch, step=1, epoch=0)
    assert record.lr == 0.01
    assert stepper.average is parts.average
    settings = parts.step_settings()
    assert (settings.accumulate, settings.clip, settings.precision) == (2, 1.0, "fp32")
    assert stepper.clock is parts.clock


def test_the_seed_decides_the_weights_and_the_order(digits: Dataset) -> None:
    def start(seed: int) -> tuple[Any, Any]:
        torch.rand(seed % 7 + 1)  # the caller's own draws change nothing
        parts = assembly(digits, seed=seed)
        return weights(parts.task.modules), next(iter(parts.train)).index

    (first, rows), (again, rows_again), (other, other_rows) = start(0), start(0), start(2**32)
    assert same(first, again)
    assert torch.equal(rows, rows_again)
    assert not same(first, other)
    assert not torch.equal(rows, other_rows)


def test_a_batch_larger_than_the_data_is_refused(digits: Dataset) -> None:
    rows = len(digits.splits["train"])
    assembly(digits, batch_size=rows)
    with pytest.raises(ConfigError, match=f"--batch-size {rows + 1} is larger than the .* rows; give at most {rows}"):
        assembly(digits, batch_size=rows + 1)


def test_fp16_on_a_cpu_is_refused_before_anything_is_built(digits: Dataset) -> None:
    with pytest.raises(ConfigError, match="--precision fp16 needs a CUDA GPU"):
        assembly(digits, precision="fp16", device="cpu")


@pytest.mark.parametrize(("model", "last"), [("compact-cnn", True), ("mlp", False)])
def test_convolutions_and_their_images_are_channels_last(model: str, last: bool, digits: Dataset) -> None:
    parts = assembly(digits, model=model, device="cpu", precision="fp32")
    assert parts.channels_last is last
    convolutions = [p for p in parts.task.modules.parameters() if p.ndim == 4 and p.shape[1] > 1]
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in convolutions)
    assert bool(convolutions) is last


def test_each_phase_has_an_optimiser_over_its_own_parameters(digits: Dataset) -> None:
    typed = {"optimizer": "muon", "weight_decay": 0.1, "schedule": "cosine", "warmup": 0.0, "device": "cpu"}
    parts = assembly(digits, model="compact-cnn", **typed)
    update = parts.stepper(lr=0.02, total=100).updates[0]
    assert isinstance(update.optimizer, Muon)
    held = {id(p) for group in update.optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in update.phase.parameters()}
    assert {group["lr"] for group in update.optimizer.param_groups} == {0.02}
    assert update.multiplier(0) > update.multiplier(50) > update.multiplier(99)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_each_layer_learns_at_its_share_of_the_rate(digits: Dataset, optimizer: str) -> None:
    parts = assembly(digits, layer_decay=0.5, hidden=(16, 8), optimizer=optimizer, device="cpu")
    found = parts.stepper(lr=0.08, total=10).updates[0].optimizer
    names = {id(parameter): name for name, parameter in parts.task.modules.named_parameters()}
    rates = {names[id(p)]: group["lr"] for group in found.param_groups for p in group["params"]}
    layers = {name.rpartition(".")[0] for name in rates}
    expected = dict(zip(sorted(layers), (0.02, 0.04, 0.08), strict=True))
    assert rates == {name: expected[name.rpartition(".")[0]] for name in rates}
    record = parts.stepper(lr=0.08, total=10)(next(iter(parts.train)), step=1, epoch=0)
    assert record.lr == 0.08
    assert parts.transferred == (
        "each layer has 0.5 of the learning rate of the next (layer-wise decay); the first of 3 has 0.25 of the head's",
    )
    one = assembly(digits, hidden=(16, 8), optimizer=optimizer, device="cpu")
    assert {group["lr"] for group in one.stepper(lr=0.08, total=10).updates[0].optimizer.param_groups} == {0.08}
    assert one.transferred == ()


def test_learning_by_heart_is_judged_on_the_rows_that_are_learnt(digits: Dataset) -> None:
    parts = assembly(digits, overfit_batches=2, batch_size=16, balanced=True)
    assert parts.evaluation_sources.keys() == {"validation"}
    learnt = {int(row) for batch in parts.train for row in batch.index}
    judged = [int(row) for batch in parts.evaluation_sources["validation"] for row in batch.index]
    assert len(judged) == len(set(judged)) == 32
    assert learnt <= set(judged)


def test_balanced_class_weights_come_from_the_training_rows(digits: Dataset) -> None:
    parts = assembly(digits, class_weights=("balanced",))
    labels = np.concatenate([batch["target"].numpy() for batch in parts.train])
    counts = np.bincount(labels, minlength=10)
    found = parts.task._weights  # type: ignore[attr-defined]
    np.testing.assert_allclose(found.numpy() * counts / (found.numpy() * counts)[0], 1.0, rtol=1e-5)


def test_judging_keeps_little_in_memory_and_every_row(digits: Dataset) -> None:
    parts = assembly(digits, batch_size=8, balanced=True)
    for split, source in parts.evaluation_sources.items():
        rows = [len(batch) for batch in source]
        assert sum(rows) == len(digits.splits[split])
        assert max(rows) == min(build_module.EVALUATION_ROWS, sum(rows))


def test_a_module_of_ones_own(digits: Dataset) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    parts = assembly(digits, module=module)
    assert parts.task.modules["model"] is module


def test_streamed_rows_give_the_same_batches(digits: Dataset) -> None:
    streamed, resident = (assembly(digits, feed=feed, workers=0) for feed in ("streaming", "resident"))
    assert (streamed.decision.kind, resident.decision.kind) == ("streaming", "resident")
    for one, two in zip(streamed.train, resident.train, strict=True):
        assert torch.equal(one.index, two.index)
        assert torch.equal(one["input"], two["input"])


def test_building_leaves_the_callers_random_streams_alone(digits: Dataset) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    assembly(digits)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_module_of_the_users_own_must_fit_the_data(digits: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"Sequential must return \(rows, 10\) for this data"):
        assembly(digits, module=nn.Sequential(nn.Flatten(), nn.Linear(64, 9)))
