import math
import warnings
from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR, StepLR

from sonde.core.config import OptimConfig, ScheduleName
from sonde.core.errors import ConfigError
from sonde.optim.schedules import schedule

NAMES: list[ScheduleName] = ["constant", "step", "cosine", "linear", "one-cycle", "wsd"]


def shares(config: OptimConfig, total: int, steps: int | None = None) -> list[float]:
    shape = schedule(config, total=total)
    return [shape(step) for step in range(steps or total)]


def torch_rates(make: type[LRScheduler], total: int, **settings: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch wants an optimiser step before each scheduler step
        scheduler = make(optimizer, **settings)
        rates = []
        for _ in range(total):
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
    return rates


@pytest.mark.parametrize("total", [7, 10, 100])
def test_cosine_is_torchs(total: int) -> None:
    ours = shares(OptimConfig(schedule="cosine", lr_floor=0.1), total)
    assert ours == pytest.approx(torch_rates(CosineAnnealingLR, total, T_max=total, eta_min=0.1), abs=1e-9)


@pytest.mark.parametrize(("total", "warmup"), [(10, 0.3), (100, 0.25), (1000, 0.1)])
def test_one_cycle_is_torchs(total: int, warmup: float) -> None:
    ours = shares(OptimConfig(schedule="one-cycle", warmup=warmup), total)
    theirs = torch_rates(OneCycleLR, total - 1, max_lr=1.0, total_steps=total, pct_start=warmup, cycle_momentum=False)
    assert ours[:-1] == pytest.approx(theirs, abs=1e-9)
    assert ours[-1] == pytest.approx(1 / 25 / 1e4)


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.3, 0.45])
def test_one_cycle_is_torchs_for_every_length(warmup: float) -> None:
    """Also where the share of the steps is no whole number."""
    for total in range(4, 120):
        if (warmup or 0.3) * total == 1:
            continue  # where torch divides by zero
        ours = shares(OptimConfig(schedule="one-cycle", warmup=warmup), total)
        how = {"max_lr": 1.0, "total_steps": total, "pct_start": warmup or 0.3, "cycle_momentum": False}
        assert ours[:-1] == pytest.approx(torch_rates(OneCycleLR, total - 1, **how), abs=1e-9), total


def test_one_cycle_without_a_warmup_rises_over_three_tenths() -> None:
    assert shares(OptimConfig(schedule="one-cycle"), 100) == shares(OptimConfig(schedule="one-cycle", warmup=0.3), 100)


def test_step_is_torchs() -> None:
    ours = shares(OptimConfig(schedule="step", step_size=0.3), 100)
    assert ours == pytest.approx(torch_rates(StepLR, 100, step_size=30, gamma=0.1))
    assert min(shares(OptimConfig(schedule="step", step_size=0.1, lr_floor=0.05), 100)) == 0.05


def test_linear_and_wsd_have_their_closed_forms() -> None:
    linear = shares(OptimConfig(schedule="linear", warmup=20.0, lr_floor=0.5), 100)
    assert linear[:20] == pytest.approx([(n + 1) / 20 for n in range(20)])
    assert linear[20:] == pytest.approx([1 - 0.5 * n / 80 for n in range(80)])
    wsd = shares(OptimConfig(schedule="wsd", warmup=0.1, decay=0.25), 100)
    assert wsd[10:76] == [1.0] * 66
    assert wsd[75:] == pytest.approx([1 - math.sqrt(n / 25) for n in range(25)])
    assert shares(OptimConfig(schedule="wsd", decay=0.0), 10, 20) == [1.0] * 20


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("warmup", [0.0, 0.1, 30.0])
@pytest.mark.parametrize("floor", [0.0, 0.2])
def test_shapes_stay_within_bounds_and_have_no_jumps(name: ScheduleName, warmup: float, floor: float) -> None:
    total = 300
    values = shares(OptimConfig(schedule=name, warmup=warmup, lr_floor=floor), total, total + 50)
    assert max(values) == 1.0
    assert min(values[30:]) >= floor - 1e-12
    assert all(value > 0 for value in values[:total])
    if name != "step":
        steepest = math.sqrt(1 / 60) if name == "wsd" else 0.06  # wsd's first step down a square root of 60 steps
        assert max(abs(a - b) for a, b in zip(values, values[1:], strict=False)) <= steepest + 1e-9
    assert len(set(values[total:])) == 1  # it stays where it ended
    if name in ("cosine", "linear", "wsd"):
        assert values[total] == pytest.approx(floor)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("total", [1, 2, 3])
def test_the_shortest_runs_have_a_schedule(name: ScheduleName, total: int) -> None:
    assert all(0 < value <= 1 for value in shares(OptimConfig(schedule=name, warmup=0.9, decay=0.0), total))


def test_warmup_is_a_share_below_one_and_steps_from_one_on() -> None:
    assert shares(OptimConfig(warmup=0.5), 8)[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert shares(OptimConfig(warmup=2.0), 8)[:3] == [0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (OptimConfig(warmup=100.0), "--warmup 100 is not below the run's 50 steps; give fewer, or a share such as 0.1"),
        (
            OptimConfig(schedule="wsd", warmup=0.6, decay=0.5),
            r"--warmup \(30 steps\) and --decay \(25 steps\) do not fit into a run of 50 steps; lower one",
        ),
    ],
)
def test_what_does_not_fit_is_refused(config: OptimConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        schedule(config, total=50)
