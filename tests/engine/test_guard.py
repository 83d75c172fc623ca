"""A bad step is named and leaves nothing behind, whether its flag is read at once or late."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from sample_tasks import CPU, Supervised, batch, blobs, mlp, stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.engine.guard import UNREAD, Guard, NonFiniteStep
from sonde.optim.muon import Muon

LATE: Any = SimpleNamespace(type="cuda")  # a device that must not be waited for; the tensors stay on the CPU
ONE, NAN, INF = torch.tensor(1.0), torch.tensor(float("nan")), torch.tensor(float("inf"))


def rows(*numbers: int) -> Batch:
    return Batch({"input": torch.zeros(len(numbers), 1)}, torch.tensor(numbers))


def fused(parameters: Any, lr: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=lr, fused=True)


def matrices(parameters: Any, lr: float) -> torch.optim.Optimizer:
    return Muon([{"params": [p for p in parameters if p.ndim > 1]}], lr=lr, dtype=torch.float32)


def normed() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))


def poisoned(data: dict[str, Tensor]) -> Batch:
    bad = batch(input=data["input"].clone(), target=data["target"])
    bad["input"][5, 0] = float("nan")
    return bad


@pytest.mark.parametrize(
    ("value", "norm", "what"),
    [
        (NAN, ONE, "the loss is nan"),
        (INF, ONE, "the loss is inf"),
        (ONE, NAN, "the gradient norm is nan while the loss is 1"),
        (ONE, INF, "the gradient norm is inf while the loss is 1"),
    ],
)
def test_on_the_host_a_bad_step_is_named_at_once_and_buffers_come_back(value: Tensor, norm: Tensor, what: str) -> None:
    model = normed()
    guard = Guard(model, CPU)
    model(torch.randn(4, 2))
    before = [b.clone() for b in model.buffers()]
    guard.before_step()
    model(torch.full((4, 2), float("nan")))
    assert not all(torch.equal(a, b) for a, b in zip(before, model.buffers(), strict=True))
    with pytest.raises(NonFiniteStep, match=f"^step 3, phase 'model': {what}$") as caught:
        guard.check(3, "model", rows(7, 9), value, norm)
    assert caught.value.rows.tolist() == [7, 9]
    assert caught.value.batch is not None
    assert all(torch.equal(a, b) for a, b in zip(before, model.buffers(), strict=True))  # counts of batches as well


def test_a_good_step_passes_and_its_buffers_stay() -> None:
    model = normed()
    guard = Guard(model, CPU)
    guard.before_step()
    model(torch.randn(4, 2))
    moved = [b.clone() for b in model.buffers()]
    assert guard.check(1, "model", rows(0), ONE, ONE) is None
    guard.settle()
    assert all(torch.equal(a, b) for a, b in zip(moved, model.buffers(), strict=True))


def test_modules_without_buffers_or_with_whole_numbers_alone_are_guarded() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    for module in (nn.Linear(2, 2), Counting()):
        for device in (CPU, LATE):
            guard = Guard(module, device)
            guard.before_step()
            for buffer in module.buffers():
                buffer += 1

            def bad(guard: Guard = guard) -> None:
                guard.check(1, "model", rows(0), NAN, ONE)
                guard.settle()

            with pytest.raises(NonFiniteStep):
                bad()
            assert all(int(buffer) == 0 for buffer in module.buffers())


def test_a_late_device_is_not_asked_and_hands_out_flags() -> None:
    guard = Guard(nn.Linear(2, 2), LATE)
    flags = [guard.check(1, "m", rows(0), value, norm) for value, norm in ((ONE, ONE), (NAN, ONE), (ONE, INF))]
    assert all(flag is not None and flag.dtype == torch.float32 and flag.ndim == 0 for flag in flags)
    assert [float(flag) for flag in flags if flag is not None] == [0.0, 1.0, 1.0]


def test_settling_names_the_first_bad_step_and_puts_buffers_back_to_the_last_time() -> None:
    model = normed()
    guard = Guard(model, LATE)
    guard.check(1, "model", rows(1), ONE, ONE)
    model(torch.randn(4, 2))
    guard.settle()
    good = [b.clone() for b in model.buffers()]
    guard.check(2, "model", rows(2), ONE, ONE)
    model(torch.full((4, 2), float("nan")))
    guard.check(3, "model", rows(30, 31), ONE, NAN)
    guard.check(4, "model", rows(4), NAN, NAN)
    with pytest.raises(NonFiniteStep, match="step 3, phase 'model': the loss or its gradient is not finite") as caught:
        guard.settle()
    assert caught.value.rows.tolist() == [30, 31]
    assert all(torch.equal(a, b) for a, b in zip(good, model.buffers(), strict=True))
    guard.settle()  # it was said once


def test_flags_do_not_wait_for_ever() -> None:
    guard = Guard(nn.Linear(2, 2), LATE)
    guard.before_step()
    guard.check(1, "m", rows(0), NAN, ONE)
    for number in range(2, UNREAD + 1):
        guard.before_step()
        guard.check(number, "m", rows(0), ONE, ONE)
    with pytest.raises(NonFiniteStep, match="step 1,"):
        guard.before_step()


@pytest.mark.parametrize("optimizer", [fused, torch.optim.RMSprop, matrices])
def test_a_bad_step_on_a_late_device_moves_no_weight_and_no_moment(optimizer: Any) -> None:
    data = blobs(64)
    model = normed()
    steps = stepper(Supervised(model), optimizer=optimizer)
    steps.guard.late = True
    steps(batch(**data), step=1, epoch=0)
    steps.guard.settle()
    held = {name: value.clone() for name, value in model.state_dict().items()}
    moments = [v.clone() for s in steps.updates[0].optimizer.state.values() for v in s.values()]
    assert moments

    def bad() -> None:
        steps(poisoned(data), step=2, epoch=0)  # raises where the optimiser has no kernel that could skip
        steps.guard.settle()

    with pytest.raises(NonFiniteStep, match="step 2"):
        bad()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in held.items())
    after = [v for s in steps.updates[0].optimizer.state.values() for v in s.values()]
    assert all(torch.equal(a, b) for a, b in zip(moments, after, strict=True))


def test_good_steps_on_a_late_device_equal_the_hosts() -> None:
    models = []
    for late in (False, True):
        steps = stepper(Supervised(normed()), optimizer=fused)
        steps.guard.late = late
        for number in range(1, 5):
            steps(batch(**blobs(64, seed=number)), step=number, epoch=0)
        steps.guard.settle()
        models.append(steps.task.modules)
    for a, b in zip(models[0].state_dict().values(), models[1].state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_the_callers_own_loop_hears_of_a_bad_last_step() -> None:
    from sonde.engine.loop import steps as run

    class Source:
        batches, epoch = 1, 0

        def __iter__(self) -> Any:
            yield poisoned(blobs(64))

    late = stepper(Supervised(mlp(2, 3)), optimizer=fused)
    late.guard.late = True
    source: Any = Source()
    with pytest.raises(NonFiniteStep, match="step 1"):
        list(run(late, source, stop=2))
