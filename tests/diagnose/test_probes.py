"""Probes tell causes apart on networks whose fault is known, and leave no trace on the run."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sample_tasks import CPU, Adversarial, Denoising, Sample, Supervised, batch, blobs, mlp, stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.config import FeedConfig
from sonde.core.seams import Loss, Phase, extras_of
from sonde.data.feed.tensors import tensor_source
from sonde.diagnose.probes import by_heart, inputs_used, permuted, rates, related, within
from sonde.diagnose.trials import Adam, Trial, drawn, paired, parted, pieces, trying
from sonde.engine import random_state
from sonde.engine.step import Stepper
from sonde.engine.training import weights
from sonde.engine.tree import copied, same
from sonde.nn.dropout import Dropout


class Values(Sample):
    """Mean squares."""

    def __init__(self, model: nn.Module):
        self.modules = nn.ModuleDict({"model": model})
        self.phases = [Phase(name="model", loss=self.loss, trains=[model])]

    def loss(self, batch: Batch) -> Loss:
        return Loss(F.mse_loss(self.modules["model"](batch["input"]), batch["target"]), len(batch))

    def predict(self, batch: Batch) -> dict[str, Tensor]:
        return {"value": self.modules["model"](batch["input"])}


class Bland(nn.Module):
    """Answers the same to every row."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(torch.zeros_like(x))


def of(net: nn.Module, **more: Any) -> Stepper:
    return stepper(Supervised(net), **more)


def shuffled(rows: int = 2048) -> dict[str, Tensor]:
    """Blobs with targets that were dealt out anew."""
    data = blobs(rows)
    return {**data, "target": data["target"][torch.randperm(rows, generator=torch.Generator().manual_seed(3))]}


def cut(data: dict[str, Tensor], size: int = 32) -> list[Batch]:
    whole = batch(**data)
    return [whole.rows(slice(at, at + size)) for at in range(0, len(whole), size)]


def noise(rows: int, classes: int = 10) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(5)
    return {
        "input": torch.randn(rows, 20, generator=generator),
        "target": torch.randint(classes, (rows,), generator=generator),
    }


@pytest.mark.parametrize(
    "net",
    [lambda: mlp(20, 64, 10), lambda: nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.8), nn.Linear(64, 10))],
)
def test_a_network_that_works_learns_any_targets_by_heart(net: Callable[[], nn.Module]) -> None:
    """Also such as have nothing to do with the inputs, and with a dropout that would keep it from knowing them."""
    torch.manual_seed(0)
    trial = by_heart(of(net()), batch(**noise(64)))
    assert trial.answer is True
    assert trial.numbers["last"] < 0.1 * trial.numbers["first"]
    assert trial.numbers["first"] == pytest.approx(np.log(10), rel=0.15)


def test_adam_is_torchs() -> None:
    torch.manual_seed(0)
    a, idle = torch.randn(5, 3, dtype=torch.float64, requires_grad=True), torch.ones(2, requires_grad=True)
    b, c = a.detach().clone().requires_grad_(), torch.randn(3, dtype=torch.complex128, requires_grad=True)
    d = c.detach().clone().requires_grad_()
    mine, theirs = Adam([a, idle, c], 0.01), torch.optim.Adam([b, d], lr=0.01)
    for _ in range(20):
        for x, y, optimizer in ((a, c, mine), (b, d, theirs)):
            x.grad = y.grad = None
            ((x.sin() ** 2).sum() + (y - 1j).abs().square().sum()).backward()
            optimizer.step()
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(c, d, rtol=1e-12, atol=1e-12)
    assert torch.equal(idle, torch.ones(2))


def test_a_network_that_ignores_its_inputs_does_not() -> None:
    """The best it can reach is the entropy of the 32 targets."""
    torch.manual_seed(0)
    few = batch(**blobs(32))
    shares = torch.bincount(few["target"]) / 32
    entropy = float(-(shares * shares.log()).sum())
    trial = by_heart(of(Bland()), few)
    assert trial.answer is False
    assert trial.numbers["last"] == pytest.approx(entropy, rel=0.02)


def test_a_dead_network_does_not() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    nn.init.constant_(net.get_parameter("2.bias"), -1e3)
    assert by_heart(of(net), batch(**noise(32))).answer is False


def test_values_are_learnt_by_heart() -> None:
    torch.manual_seed(0)
    data = batch(input=torch.randn(64, 8), target=torch.randn(64, 1))
    assert by_heart(stepper(Values(mlp(8, 64, 1))), data).answer is True


def test_from_where_it_counts() -> None:
    """Of a loss that has come far already the tenth would be a tenth of little; smoothed targets have a floor above 0."""
    torch.manual_seed(0)
    data = batch(**blobs(32))
    trained = of(mlp(2, 16, 3))
    for number in range(1, 400):
        trained(data, step=number, epoch=0)
    known = by_heart(trained, data, guess=1.1)
    assert (known.answer, "already" in known.said) == (True, True)

    class Smoothed(Supervised):
        def loss(self, batch: Batch) -> Loss:
            found = F.cross_entropy(self.modules["model"](batch["input"]), batch["target"], label_smoothing=0.3)
            return Loss(found, len(batch))

    torch.manual_seed(0)
    smoothed = stepper(Smoothed(mlp(20, 64, 10)))
    some = batch(**noise(32))
    shares = torch.full((10,), 0.03)
    shares[0] += 0.7
    floor = float(-(shares * shares.log()).sum())
    assert by_heart(smoothed, some, floor=floor).answer is True
    assert by_heart(smoothed, some).answer is not True


def test_what_says_nothing_stays_open() -> None:
    data = blobs(32)
    alike = batch(input=data["input"], target=torch.ones(32, dtype=torch.long))
    assert by_heart(of(mlp(2, 8, 3)), alike).answer is None
    drawn_anew = by_heart(stepper(Denoising(mlp(3, 8, 2), 20)), batch(input=data["input"]))
    assert (drawn_anew.answer, "random" in drawn_anew.said) == (None, True)
    late = by_heart(of(mlp(2, 8, 3)), batch(**data), deadline=time.perf_counter() - 1)
    assert (late.answer, late.said) == (None, "there was no time to try it")


class Known(Values):
    """A loss that is 0 from the beginning, or below it."""

    def __init__(self, below: float):
        super().__init__(nn.Linear(2, 1))
        self.below = below

    def loss(self, batch: Batch) -> Loss:
        return Loss(0.0 * self.modules["model"](batch["input"]).mean() - self.below, len(batch))


@pytest.mark.parametrize(
    ("below", "said"),
    [
        (0.0, "the loss of 32 rows is 0 before anything was tried, so there is nothing left to learn"),
        (2.0, "the loss of 32 rows is -2.00 before anything was tried, and how far below 0 it can go is not known"),
    ],
)
def test_a_loss_without_a_way_to_fall_is_told_plainly(below: float, said: str) -> None:
    trial = by_heart(stepper(Known(below)), batch(**blobs(32)))
    assert (trial.answer, trial.said) == (None, said)


def test_targets_that_belong_to_the_inputs() -> None:
    torch.manual_seed(0)
    train, held = parted(cut(blobs(2048)))
    trial = related(of(mlp(2, 16, 3)), train, held)
    assert trial.answer is True
    assert trial.numbers["difference"] > 10 * trial.numbers["error"]


@pytest.mark.parametrize("seed", range(5))
def test_targets_that_were_dealt_out_anew(seed: int) -> None:
    torch.manual_seed(seed)
    train, held = parted(cut(shuffled(4096)))
    trial = related(of(mlp(2, 16, 3)), train, held)
    assert trial.answer is False
    assert abs(trial.numbers["difference"]) < 4 * trial.numbers["error"]


def test_too_few_rows_to_tell() -> None:
    train, held = parted(cut(blobs(24), 24))
    assert related(of(mlp(2, 8, 3)), train, held[:3]).answer is None


@pytest.mark.parametrize(("lr", "better"), [(1e-5, "x10"), (3.0, "x0.1")])
def test_a_rate_that_is_far_off(lr: float, better: str) -> None:
    torch.manual_seed(0)
    train, held = parted(cut(blobs(2048)))
    trial, found = rates(of(mlp(2, 16, 3), lr=lr), train, held, lr)
    assert trial.answer is True
    assert min(trial.numbers, key=lambda name: trial.numbers[name] if name != "own" else 9.0) == better
    factor = float(better[1:])
    assert found[factor].second == pytest.approx(found[factor].first + found[factor].difference)


def test_a_rate_that_flies_off_is_worse_than_any() -> None:
    torch.manual_seed(0)
    train, held = parted(cut(noise(1024)))
    task = Values(nn.Linear(20, 1))
    for each in (train, held):
        each[:] = [batch(input=piece["input"], target=piece["input"][:, :1]) for piece in each]
    trial, found = rates(stepper(task, optimizer=torch.optim.SGD, lr=1e30), train, held, 1e30, factors=(1e-31,))
    assert trial.answer is True
    assert found[1e-31].first == float("inf")
    assert not {"inf", "nan"} & set(trial.said.replace(";", "").split())


def test_inputs_that_are_not_used() -> None:
    torch.manual_seed(0)

    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x[:, :2])

    data = batch(input=torch.randn(16, 4), other=torch.randn(16, 4), target=torch.randn(16, 1))
    trial = inputs_used(stepper(Values(Half())), data, ["input", "other"])
    assert trial.answer is False
    assert trial.numbers["other"] == 0.0
    assert trial.numbers["input"] > 0.1
    assert "do not depend on other" in trial.said
    assert inputs_used(stepper(Values(Half())), data, ["input"]).answer is True


def test_noise_that_answers_are_drawn_with_is_no_use_of_the_inputs() -> None:
    class Noise(nn.Module):
        def forward(self, input: Tensor) -> Tensor:
            return torch.randn(len(input), 1)

    class Drawn(Values):
        def predict(self, batch: Batch) -> dict[str, Tensor]:
            return {"value": Noise()(batch["input"])}

    data = Batch({"input": torch.randn(8, 3), "target": torch.randn(8, 1)}, torch.arange(8))
    trial = inputs_used(stepper(Drawn(nn.Linear(3, 1))), data, ["input"])
    assert trial.answer is False


def test_permuted_targets_are_the_same_targets_in_another_order() -> None:
    data = batch(**noise(64), mask=torch.arange(64))
    other = permuted(data)
    assert other is not None
    assert torch.equal(other["input"], data["input"])
    assert not torch.equal(other["target"], data["target"])
    assert torch.equal(other["target"].sort().values, data["target"].sort().values)
    assert torch.equal(other["target"], data["target"][other["mask"]])
    assert permuted(batch(input=torch.randn(3, 2))) is None


def test_paired_losses() -> None:
    """The standard error of a mean of differences, which what the pieces have in common does not enter."""
    a, b = [1.0, 5.0, 9.0, 13.0], [1.2, 5.0, 9.4, 13.2]
    found = paired(a, b)
    apart = np.subtract(b, a)
    assert found.difference == pytest.approx(apart.mean())
    assert found.error == pytest.approx(apart.std(ddof=1) / 2)
    assert not found.beyond
    assert paired(a, [each + 1 for each in a]).beyond
    assert paired(a, [float("nan")] * 4).beyond


def test_pieces_and_parts_share_no_row() -> None:
    train, held = parted(cut(blobs(100), 50))
    assert sum(map(len, train)) + sum(map(len, held)) == 100
    assert not {int(row) for piece in train for row in piece.index} & {
        int(row) for piece in held for row in piece.index
    }
    assert [len(piece) for piece in pieces([batch(**blobs(130))], 64)] == [44, 43, 43]
    twice = cut(blobs(64), 8)
    assert parted(twice[:2] * 8)[1] == []


def test_a_trial_that_is_refused_stays_open() -> None:
    def refuse() -> Trial:
        raise ValueError("rows must be 7")

    found = within("?", "by-heart", refuse)
    assert (found.answer, "rows must be 7" in found.said) == (None, True)


def everything(steps: Stepper) -> dict[str, Any]:
    """All that a run's future depends on, copied."""
    modules = steps.task.modules
    return {
        "weights": copied(weights(modules)),
        "buffers": {name: value.clone() for name, value in modules.named_buffers()},
        "stepper": copied(steps.state_dict()),
        "task": copied(extras_of(steps.task).state_dict()),
        "random": copied(random_state.capture(CPU)),
        "modes": [module.training for module in modules.modules()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in modules.parameters()],
        "spent": dict(steps.clock.spent),
    }


def normed() -> Stepper:
    net = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh(), Dropout(0.2), nn.Dropout(0.1), nn.Linear(8, 3))
    net[1].eval()
    return of(net)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 6, num_layers=2, dropout=0.5, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x.unsqueeze(-1))[0][:, -1])


KINDS: dict[str, Callable[[], Stepper]] = {
    "normed": normed,
    "recurrent": lambda: of(Recurrent()),
    "gan": lambda: stepper(Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4, 2)),
    "averaged": lambda: stepper(Denoising(mlp(3, 8, 2), 20)),
    "accumulated": lambda: of(mlp(2, 8, 3), accumulate=2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_probes_leave_no_trace(kind: str) -> None:
    """Weights, buffers, optimisers, random streams and data order are bit by bit what they are without."""
    ends = []
    for probed in (False, True):
        torch.manual_seed(0)
        steps, data = KINDS[kind](), blobs(256)
        source = tensor_source(data, FeedConfig(batch_size=16), training=True, seed=1, device=CPU)
        seen, number = [], 0
        for epoch in range(2):
            for given in source:
                number += 1
                seen.append(given.index)
                steps(given, step=number, epoch=epoch)
            if probed:  # between two epochs, where a source is read from its beginning
                before = everything(steps)
                some = drawn(source, 16, CPU)
                train, held = parted(some)
                by_heart(steps, some[0], steps=3)
                within("?", "related", partial(related, steps, train[:3], held))
                rates(steps, train, held, 0.01, steps=2)
                within("?", "inputs", partial(inputs_used, steps, some[0], ["input"]))
                after = everything(steps)
                assert all(same(before[name], after[name]) for name in before)
        found = {name: value for name, value in everything(steps).items() if name != "spent"}
        ends.append({**found, "order": seen, "position": copied(source.state_dict())})
    for name in ends[0]:
        assert same(ends[0][name], ends[1][name]), name


def test_a_source_is_read_in_the_middle_of_an_epoch_and_put_back() -> None:
    source = tensor_source(blobs(64), FeedConfig(batch_size=16), training=True, seed=1, device=CPU)
    whole = [
        given.index for given in tensor_source(blobs(64), FeedConfig(batch_size=16), training=True, seed=1, device=CPU)
    ]
    coming = iter(source)
    next(coming)
    position = source.state_dict()
    assert [each.index.tolist() for each in drawn(source, 9, CPU)] == [each.tolist() for each in whole[1:]]
    assert source.state_dict() == position
    source.rewinds = False  # type: ignore[attr-defined]
    assert drawn(source, 9, CPU) == []


def test_dropout_is_back_after_a_trial() -> None:
    steps = of(Recurrent())
    with trying(steps):
        assert steps.task.modules["model"].lstm.dropout == 0.0  # type: ignore[union-attr]
    assert steps.task.modules["model"].lstm.dropout == 0.5  # type: ignore[union-attr]
