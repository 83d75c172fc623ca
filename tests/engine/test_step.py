from dataclasses import replace

import pytest
import torch
from sample_tasks import Adversarial, Denoising, MaskedTokens, Supervised, batch, blobs, mlp, stepper
from torch import nn

from sonde.core.batch import Batch
from sonde.core.seams import Loss
from sonde.engine.guard import NonFiniteStep
from sonde.engine.step import OVERFLOWS, Eager, Stepper
from sonde.engine.training import load_weights, weights
from sonde.engine.tree import copied, same
from sonde.optim.ema import EMA


def tokens(rows: int = 7) -> Batch:
    generator = torch.Generator().manual_seed(0)
    token = torch.randint(0, 11, (rows, 6), generator=generator)
    mask = torch.ones(rows, 6, dtype=torch.float64)
    mask[: rows // 2, 1:] = 0
    return batch(token=token, target=token.roll(-1, 1), mask=mask)


@pytest.mark.parametrize("pieces", [2, 3, 4, 7, 20])
def test_pieces_keep_the_gradient_when_padding_and_sizes_differ(pieces: int) -> None:
    torch.manual_seed(0)
    task = MaskedTokens(nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 11)).double())
    gradients = []
    for count in (1, pieces):
        steps = stepper(task, accumulate=count, optimizer=torch.optim.SGD, lr=0.0)
        steps(tokens(), step=1, epoch=0)
        gradients.append([p.grad.clone() for p in task.modules.parameters() if p.grad is not None])
    assert len(gradients[0]) == 3
    for whole, pieced in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, pieced, rtol=1e-10, atol=1e-13)


def test_pieces_report_the_big_batch_loss() -> None:
    torch.manual_seed(0)
    task = MaskedTokens(nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 11)).double())
    losses = [
        float(
            stepper(task, accumulate=n, optimizer=torch.optim.SGD, lr=0.0)(tokens(), step=1, epoch=0).losses[
                "model/loss"
            ]
        )
        for n in (1, 3)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_a_phase_moves_only_what_it_trains() -> None:
    torch.manual_seed(0)
    task = Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4, generator_every=5)
    before = [p.clone() for p in task.generator.parameters()]
    steps = stepper(task)
    row = batch(input=blobs(32)["input"])
    ran = []
    for number in range(1, 6):
        record = steps(row, step=number, epoch=0)
        ran.append(sorted(record.norms))
        moved = any(not torch.equal(a, b) for a, b in zip(before, task.generator.parameters(), strict=True))
        assert moved == (number == 5)
    assert ran == [["discriminator"]] * 4 + [["discriminator", "generator"]]


def test_the_step_equals_torchs_own() -> None:
    torch.manual_seed(0)
    ours, theirs = mlp(2, 8, 3), mlp(2, 8, 3)
    theirs.load_state_dict(ours.state_dict())
    optimizer = torch.optim.Adam(theirs.parameters(), lr=1e-2)
    steps = stepper(Supervised(ours))
    data = blobs(64)
    for number in range(1, 4):
        record = steps(batch(**data), step=number, epoch=0)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(theirs(data["input"]), data["target"])
        loss.backward()
        optimizer.step()
        assert float(record.losses["model/loss"]) == float(loss.detach())
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


def test_clipping_bounds_the_norm_and_records_it_before() -> None:
    torch.manual_seed(0)
    task = Supervised(mlp(2, 8, 3))
    record = stepper(task, clip=0.01)(batch(**blobs(64)), step=1, epoch=0)
    norm = torch.cat([p.grad.flatten() for p in task.modules.parameters() if p.grad is not None]).norm()
    assert float(record.norms["model"]) > 0.05
    assert float(norm) == pytest.approx(0.01, rel=1e-3)


def test_clipping_by_value_bounds_each_entry() -> None:
    torch.manual_seed(0)
    task = Supervised(mlp(2, 8, 3))
    stepper(task, clip_value=0.001)(batch(**blobs(64)), step=1, epoch=0)
    largest = max(float(p.grad.abs().max()) for p in task.modules.parameters() if p.grad is not None)
    assert largest == pytest.approx(0.001)


def test_a_non_finite_step_leaves_weights_buffers_and_moments_alone() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    task = Supervised(model)
    steps = stepper(task)
    data = blobs(64)
    steps(batch(**data), step=1, epoch=0)
    before = {name: value.clone() for name, value in model.state_dict().items() if value.is_floating_point()}
    moments = [state["exp_avg"].clone() for state in steps.updates[0].optimizer.state.values()]
    bad = batch(input=data["input"].clone(), target=data["target"])
    bad["input"][5, 0] = float("nan")
    with pytest.raises(NonFiniteStep, match="step 2, phase 'model': the loss is nan") as caught:
        steps(bad, step=2, epoch=0)
    assert caught.value.rows.tolist() == list(range(64))
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    after = [state["exp_avg"] for state in steps.updates[0].optimizer.state.values()]
    assert all(torch.equal(a, b) for a, b in zip(moments, after, strict=True))


def test_a_gradient_that_is_not_finite_is_caught_where_the_loss_is() -> None:
    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.weight.abs().sqrt() + x[:, :1] * 0  # the slope of sqrt at 0 is infinite

    with pytest.raises(NonFiniteStep, match="gradient norm is nan while the loss is"):
        stepper(Supervised(Root()))(batch(**blobs(8)), step=1, epoch=0)


def test_after_step_moves_the_average_toward_the_new_weights() -> None:
    torch.manual_seed(0)
    task = Denoising(mlp(3, 8, 2), 20)
    old = [p.clone() for p in task.average.parameters()]
    stepper(task)(batch(input=blobs(32)["input"]), step=1, epoch=0)
    for before, slow, fast in zip(old, task.average.parameters(), task.model.parameters(), strict=True):
        torch.testing.assert_close(slow, before + 0.01 * (fast - before))
        assert not torch.equal(slow, before)


def test_bf16_computes_in_bf16_and_keeps_weights_in_fp32() -> None:
    seen = []

    class Spy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.inner(x)
            seen.append(y.dtype)
            return y

    task = Supervised(Spy())
    stepper(task, precision="bf16")(batch(**blobs(8)), step=1, epoch=0)
    assert seen == [torch.bfloat16]
    assert all(p.dtype == torch.float32 for p in task.modules.parameters())


def scaled(task: Supervised, *, scale: float = 2.0**16, **more: object) -> Stepper:
    """A stepper with fp16's loss scaling, which torch has on CPUs too."""
    steps = stepper(task, precision="fp16", optimizer=torch.optim.SGD, **more)  # type: ignore[arg-type]
    assert isinstance(steps.execution, Eager)
    steps.execution.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    return steps


class Steep(nn.Module):
    """A gradient that leaves fp16's range while the loss does not, as long as the loss is scaled by more than `limit`."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 3)
        self.steepness = 1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.inner(x)
        y.register_hook(lambda gradient: gradient * self.steepness)
        return y.float()


def test_an_overflow_is_skipped_and_counted_and_halves_the_scale() -> None:
    torch.manual_seed(0)
    model = Steep()
    task = Supervised(model)
    steps = scaled(task)
    model.steepness = 1e6
    before = {name: value.clone() for name, value in task.modules.state_dict().items()}
    record = steps(batch(**blobs(16)), step=1, epoch=0)
    assert torch.isfinite(record.losses["model/loss"])
    assert all(torch.equal(value, task.modules.state_dict()[name]) for name, value in before.items())
    assert steps.execution.scaler is not None
    assert (steps.skipped, steps.execution.scaler.get_scale()) == (1, 2.0**15)
    model.steepness = 1.0
    steps(batch(**blobs(16)), step=2, epoch=0)
    assert steps.skipped == 1
    assert not torch.equal(before["model.inner.weight"], model.inner.weight)


def test_scaling_does_not_change_the_update() -> None:
    weights = []
    for precision in ("fp16", "fp32"):
        torch.manual_seed(0)
        model = Steep()
        task = Supervised(model)
        steps = scaled(task, clip=0.1) if precision == "fp16" else stepper(task, optimizer=torch.optim.SGD, clip=0.1)
        for number in range(1, 4):
            steps(batch(**blobs(16)), step=number, epoch=0)
        weights.append(model.inner.weight.detach().clone())
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=1e-5)  # fp16 keeps 3 digits of a small step
    assert (weights[0] - weights[1]).abs().max() > 0


def test_a_loss_that_is_not_a_number_stops_under_scaling_too() -> None:
    torch.manual_seed(0)
    steps = scaled(Supervised(Steep()))
    data = blobs(16)
    data["input"][3] = float("nan")
    with pytest.raises(NonFiniteStep, match="the loss is nan"):
        steps(batch(**data), step=1, epoch=0)
    assert steps.skipped == 0


def test_overflows_without_end_stop_the_run_also_across_a_resume() -> None:
    torch.manual_seed(0)
    model = Steep()
    model.steepness = float("inf")
    task = Supervised(model)
    steps = scaled(task)
    for number in range(1, 31):
        steps(batch(**blobs(8)), step=number, epoch=0)
    again = scaled(task)
    again.load_state_dict(steps.state_dict())
    assert again.execution.scaler is not None
    assert (again.skipped, again.execution.scaler.get_scale()) == (30, 2.0 ** (16 - 30))
    for number in range(31, OVERFLOWS):
        again(batch(**blobs(8)), step=number, epoch=0)
    with pytest.raises(NonFiniteStep, match=f"step {OVERFLOWS}, .* not finite in 50 updates in a row, down to a loss"):
        again(batch(**blobs(8)), step=OVERFLOWS, epoch=0)
    assert again.skipped == OVERFLOWS


def test_an_update_between_overflows_starts_their_count_anew() -> None:
    torch.manual_seed(0)
    model = Steep()
    steps = scaled(Supervised(model))
    for number in range(1, 2 * OVERFLOWS):
        model.steepness = 1.0 if number % 40 == 0 else float("inf")
        steps(batch(**blobs(8)), step=number, epoch=0)
    assert steps.skipped == 2 * OVERFLOWS - 1 - 2


def test_after_a_step_that_raised_a_loaded_state_can_go_on() -> None:
    torch.manual_seed(0)
    steps = scaled(Supervised(Steep()))
    held = steps.state_dict()
    data = blobs(16)
    bad = batch(input=data["input"] * float("nan"), target=data["target"])
    with pytest.raises(NonFiniteStep):
        steps(bad, step=1, epoch=0)
    steps.load_state_dict(held)
    assert float(steps(batch(**data), step=1, epoch=0).norms["model"]) > 0


def test_pieces_report_every_part_of_the_loss_as_the_big_batch_does() -> None:
    reported = []
    for pieces in (1, 3):
        torch.manual_seed(0)
        task = Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4)
        task.fake = lambda rows: torch.ones(rows, 2)  # type: ignore[method-assign]
        steps = stepper(task, accumulate=pieces, optimizer=torch.optim.SGD, lr=0.0)
        reported.append(steps(batch(input=blobs(10)["input"]), step=1, epoch=0).losses)
    assert (
        reported[0].keys() == reported[1].keys() == {"discriminator/loss", "discriminator/real_score", "generator/loss"}
    )
    for name, value in reported[0].items():
        torch.testing.assert_close(value, reported[1][name])


@pytest.mark.parametrize("kind", ["number", "tensor"])
def test_weights_keep_their_digits(kind: str) -> None:
    """Weights that are not integers, in float64: a sum rounded to float32 would cost nine digits."""

    class Weighted(Supervised):
        def loss(self, batch: Batch) -> Loss:
            each = nn.functional.cross_entropy(self.modules["model"](batch["input"]), batch["target"], reduction="none")
            total = batch["weight"].sum()
            return Loss((each * batch["weight"]).sum() / total, float(total) if kind == "number" else total)

    torch.manual_seed(0)
    task = Weighted(mlp(2, 3).double())
    data = blobs(10)
    row = batch(input=data["input"].double(), target=data["target"], weight=torch.rand(10, dtype=torch.float64))
    gradients, losses = [], []
    for pieces in (1, 4):
        record = stepper(task, accumulate=pieces, optimizer=torch.optim.SGD, lr=0.0)(row, step=1, epoch=0)
        gradients.append([p.grad for p in task.modules.parameters()])
        losses.append(record.losses["model/loss"])
    for whole, pieced in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, pieced, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-12, atol=0)


def test_a_state_from_before_the_first_step_can_be_loaded() -> None:
    torch.manual_seed(0)
    task = Supervised(mlp(2, 8, 3))
    steps = stepper(task)
    steps.average = EMA(task.modules, 0.9)
    start, held = copied(steps.state_dict()), copied(weights(task.modules))
    assert start["optimizers"]["model"]["state"] == {}
    straight = [float(steps(batch(**blobs(16)), step=n, epoch=0).losses["model/loss"]) for n in (1, 2, 3)]
    steps.load_state_dict(start)
    load_weights(task.modules, held)
    assert same(copied(steps.state_dict()), start)
    assert [float(steps(batch(**blobs(16)), step=n, epoch=0).losses["model/loss"]) for n in (1, 2, 3)] == straight


def test_a_trial_rate_runs_every_phase_and_leaves_the_schedule() -> None:
    torch.manual_seed(0)
    task = Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4, generator_every=3)
    task.phases[0] = replace(task.phases[0], every=2)
    steps = stepper(task, optimizer=torch.optim.SGD, lr=0.5)
    record = steps.at_rate(batch(input=blobs(8)["input"]), 0.125)
    assert sorted(record.norms) == ["discriminator", "generator"]
    assert record.lr == 0.125
    assert [u.optimizer.param_groups[0]["lr"] for u in steps.updates] == [0.125, 0.125]
    assert steps(batch(input=blobs(8)["input"]), step=6, epoch=0).lr == 0.5


def test_a_trial_rate_keeps_the_shares_of_layers() -> None:
    torch.manual_seed(0)
    task = Supervised(mlp(2, 8, 3))
    steps = stepper(task)
    first, *rest = task.modules.parameters()
    groups = [{"params": rest, "lr": 0.3}, {"params": [first], "lr": 0.03}]
    update = replace(steps.updates[0], optimizer=torch.optim.SGD(groups, lr=0.3))
    steps = Stepper(task, [update], steps.settings)
    assert steps.at_rate(batch(**blobs(8)), 0.5).lr == 0.5
    assert [group["lr"] for group in update.optimizer.param_groups] == [0.5, pytest.approx(0.05)]
