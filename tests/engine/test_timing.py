"""Steps that are tried leave no trace, and the numbers of threads are compared fairly."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sample_tasks import (
    CPU,
    Adversarial,
    ClippedPolicy,
    Denoising,
    MaskedTokens,
    Supervised,
    batch,
    blobs,
    mlp,
    stepper,
)
from torch import Tensor, nn

import sonde
from sonde.core.batch import Batch
from sonde.core.config import OptimConfig
from sonde.core.seams import extras_of
from sonde.engine import random_state, timing
from sonde.engine.execution.settings import StepSettings
from sonde.engine.guard import NonFiniteStep
from sonde.engine.step import Stepper
from sonde.engine.timing import fewest_within, step_seconds, time_threads, turns, untouched
from sonde.engine.training import weights
from sonde.engine.tree import copied, same
from sonde.engine.update import Update
from sonde.nn.dropout import Dropout
from sonde.optim.build import build_optimizer
from sonde.optim.ema import EMA


class Centred(nn.Module):
    """Has a buffer that is not saved with the weights, and counts in one of whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(2), persistent=False)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.get_buffer("centre").lerp_(x.detach().mean(0), 0.1)
            self.get_buffer("seen").add_(1)
        return x - self.get_buffer("centre")


def chosen(task: Any, name: Any, **more: Any) -> Stepper:
    """A stepper with an optimiser as a run builds it."""
    config = OptimConfig(optimizer=name, weight_decay=0.01)
    updates = [
        Update(
            phase=phase,
            optimizer=build_optimizer(config, list(phase.trains[0].named_parameters()), lr=0.05, device_type="cpu"),
            multiplier=lambda step: 1 / (step + 1),
        )
        for phase in task.phases
    ]
    return Stepper(task, updates, StepSettings(device=CPU, **more))


def supervised() -> tuple[Stepper, Batch]:
    model = nn.Sequential(Centred(), nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh(), Dropout(0.2), nn.Linear(8, 3))
    model[1].requires_grad_(False)
    model[2].eval()
    return chosen(Supervised(model), "adamw", accumulate=2, clip=1.0), batch(**blobs(32))


def convolutional(name: str) -> tuple[Stepper, Batch]:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pixels = torch.randn(8, 3, 6, 6).contiguous(memory_format=torch.channels_last)
    return chosen(Supervised(model), name), batch(input=pixels, target=torch.arange(8) % 3)


def scaled() -> tuple[Stepper, Batch]:
    return chosen(Supervised(mlp(2, 8, 3)), "momentum", precision="fp16"), batch(**blobs(16))


def padded() -> tuple[Stepper, Batch]:
    token = torch.randint(0, 11, (6, 5))
    data = batch(token=token, target=token.roll(-1, 1), mask=torch.ones(6, 5))
    return chosen(MaskedTokens(nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 11))), "rmsprop", accumulate=4), data


def acting() -> tuple[Stepper, Batch]:
    data = batch(context=torch.randn(9, 2), action=torch.arange(9) % 3, logp=torch.zeros(9), advantage=torch.randn(9))
    return chosen(ClippedPolicy(mlp(2, 8, 3)), "nesterov"), data


KINDS: dict[str, Callable[[], tuple[Stepper, Batch]]] = {
    "supervised": supervised,
    "padded": padded,
    "gan": lambda: (chosen(Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4, 2), "adam"), batch(input=blobs(16)["input"])),
    "diffusion": lambda: (chosen(Denoising(mlp(3, 8, 2), 20), "sgd"), batch(input=blobs(16)["input"])),
    "acting": acting,
    "muon": lambda: convolutional("muon"),
    "fused adam, channels last": lambda: convolutional("adam"),
    "fp16": scaled,
}


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
        "strides": [value.stride() for value in modules.state_dict().values()],
        "spent": dict(steps.clock.spent),
        "guarded": [b.clone() for b in steps.guard._saved],
        "unread": len(steps.guard._recent),
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("begun", [False, True])
def test_trial_steps_leave_no_trace(kind: str, begun: bool) -> None:
    torch.manual_seed(0)
    steps, data = KINDS[kind]()
    steps.average = EMA(steps.task.modules, 0.9)
    if begun:
        for number in (1, 2):
            steps(data, step=number, epoch=0)
    steps.guard.forget()
    before = everything(steps)
    with untouched(steps):
        steps.task.modules.train()
        for number in range(1, 5):
            steps(data, step=number, epoch=0)
        np.random.rand()
        moved = everything(steps)
    after = everything(steps)
    for name in before:
        assert same(before[name], after[name]), name
    for name in ("weights", "stepper", "random", "gradients", "spent"):
        assert not same(before[name], moved[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_training_after_a_trial_equals_training_without(kind: str) -> None:
    ends = []
    for tried in (False, True):
        torch.manual_seed(0)
        steps, data = KINDS[kind]()
        steps.average = EMA(steps.task.modules, 0.9)
        if tried:
            step_seconds(steps, data, steps=2)
        for number in range(1, 4):
            steps(data, step=number, epoch=0)
            if tried and number == 2:
                step_seconds(steps, data, steps=1)
        ends.append({name: value for name, value in everything(steps).items() if name not in ("spent", "guarded")})
    for name in ends[0]:
        assert same(ends[0][name], ends[1][name]), name


@pytest.mark.parametrize("late", [False, True])
def test_a_trial_that_fails_leaves_no_trace_either(late: bool) -> None:
    torch.manual_seed(0)
    steps, data = scaled() if not late else supervised()
    steps.guard.late = late
    before = everything(steps)
    bad = batch(input=data["input"] * float("nan"), target=data["target"])

    def fail() -> None:
        with untouched(steps):
            steps(bad, step=1, epoch=0)
            raise NonFiniteStep(step=1, phase="model", what="seen late", batch=None, rows=data.index)

    with pytest.raises(NonFiniteStep):
        fail()
    assert same(before, everything(steps))
    steps(data, step=1, epoch=0)
    steps.guard.settle()


def test_kinds_of_steps_count_by_how_often_they_fall_due() -> None:
    gan = stepper(Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4, generator_every=5))
    assert turns(gan) == {1: 4, 5: 1}
    assert turns(stepper(Supervised(mlp(2, 3)))) == {1: 1}


def test_a_phase_that_takes_turns_is_timed_by_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    class Slow(Adversarial):
        def discriminator_loss(self, batch: Batch) -> Any:
            clock[0] += 1.0
            return super().discriminator_loss(batch)

        def generator_loss(self, batch: Batch) -> Any:
            clock[0] += 10.0
            return super().generator_loss(batch)

    steps = stepper(Slow(mlp(4, 8, 2), mlp(2, 8, 1), 4, generator_every=5))
    assert step_seconds(steps, batch(input=blobs(4)["input"]), steps=3) == pytest.approx(1 + 10 / 5)


def test_steps_go_on_until_enough_time_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, count = [0.0], [0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    class Ticking(Supervised):
        def loss(self, batch: Batch) -> Any:
            clock[0] += 0.25 if count[0] != 2 else 5.0  # one hiccup, which a median passes over
            count[0] += 1
            return super().loss(batch)

    steps = stepper(Ticking(mlp(2, 3)))
    assert step_seconds(steps, batch(**blobs(4)), steps=3, at_least_s=8.0) == 0.25
    assert count[0] == 14  # 1 to warm up, then 5.0 s and twelve of 0.25 s


def threads_that_take(monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float]) -> list[tuple[int, int]]:
    """Let a step with so many threads take so long; what was asked, as (threads, steps)."""
    asked: list[tuple[int, int]] = []
    now = [1]

    def time(stepper: Any, data: Any, *, steps: int, **more: Any) -> float:
        asked.append((now[0], steps))
        return seconds[now[0]]

    monkeypatch.setattr(timing.torch, "set_num_threads", lambda count: now.__setitem__(0, count))
    monkeypatch.setattr(timing.torch, "get_num_threads", lambda: now[0])
    monkeypatch.setattr(timing, "step_seconds", time)
    return asked


def test_each_count_is_timed_twice_and_the_count_in_use_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threads_that_take(monkeypatch, {1: 0.01, 2: 0.006, 4: 0.009})
    steps, data = supervised()
    timed = time_threads(steps, data, [1, 2, 4])
    assert timed == {1: 0.01, 2: 0.006, 4: 0.009}
    assert [count for count, steps in asked if steps == 2] == [1, 2, 4, 1, 2, 4]  # interleaved rounds
    assert fewest_within(timed) == 2
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(
    ("once", "steps", "others"),
    [
        (0.002, 100, False),  # 0.2 s, and the budget is 0.25
        (0.002, 200, True),
        (0.1, 11, False),  # slow steps: six of each count are tried
        (0.1, 13, True),
        (0.002, None, True),  # a length that is not known, or a time limit
    ],
)
def test_a_run_that_is_over_before_counts_are_timed_is_not_kept_waiting(
    monkeypatch: pytest.MonkeyPatch, once: float, steps: int | None, others: bool
) -> None:
    asked = threads_that_take(monkeypatch, {1: once, 2: once})
    ticked: list[tuple[int, int]] = []
    timed = time_threads(
        *supervised(), [1, 2], steps=steps, tick=lambda label, done, total: ticked.append((done, total))
    )
    assert (list(timed), len(asked) > 1) == ([1, 2] if others else [1], others)
    assert ticked == ([(0, 4), (1, 4), (2, 4), (3, 4), (1, 1)] if others else [(0, 4), (1, 1)])
    assert torch.get_num_threads() == 1


def test_a_hopeless_count_is_asked_for_one_step_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threads_that_take(monkeypatch, {1: 0.01, 2: 0.2})
    steps, data = supervised()
    assert time_threads(steps, data, [1, 2])[2] == 0.2
    assert [entry for entry in asked if entry[0] == 2] == [(2, 1)]


def test_a_step_that_takes_the_whole_budget_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve steps of three seconds would be most of a minute that was meant for training."""
    asked = threads_that_take(monkeypatch, {1: 3.0, 2: 2.0, 4: 6.5})
    steps, data = supervised()
    assert fewest_within(time_threads(steps, data, [1, 2, 4])) == 2
    assert asked == [(1, 1), (2, 1), (4, 1)]


def test_the_first_step_of_all_is_asked_again_where_it_may_have_been_the_allocation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = threads_that_take(monkeypatch, {1: 0.4, 2: 0.4})
    steps, data = supervised()
    time_threads(steps, data, [1, 2])
    assert asked == [(1, 1), (1, 1), (2, 1)]


def test_threads_come_back_when_a_step_fails() -> None:
    class Failing(Supervised):
        def loss(self, batch: Batch) -> Any:
            raise ZeroDivisionError

    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        time_threads(stepper(Failing(mlp(2, 3))), batch(**blobs(4)), [before + 1])
    assert torch.get_num_threads() == before


def test_threads_chosen_by_timing_train_as_the_same_number_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sonde.engine.thread_tuner.SLOWER", float("inf")
    )  # no second choice in mid-run on a busy machine
    monkeypatch.setattr("sonde.run.computing.fixed_ends", lambda *given: {})  # else so short a run is not timed for
    short: dict[str, Any] = {"model": "mlp", "steps": 12, "dropout": 0.2, "ema": 0.9, "quiet": True}
    first = sonde.train("digits", out=tmp_path / "automatic", **short)
    plan = json.loads((tmp_path / "automatic" / "plan.json").read_text())
    assert plan["threads_timed"]
    second = sonde.train("digits", out=tmp_path / "typed", threads=plan["threads"], **short)
    assert first.metrics == second.metrics
    ends = [
        (tmp_path / name / "checkpoints" / "last" / "weights.safetensors").read_bytes()
        for name in ("automatic", "typed")
    ]
    assert ends[0] == ends[1]
