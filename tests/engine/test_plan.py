"""What is decided about a run, and what cannot be."""

import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from sample_tasks import CPU, Supervised, batch, blobs, mlp, stepper

from sonde.core.config import MachineConfig
from sonde.core.errors import ConfigError
from sonde.core.files import read_json, write_json
from sonde.engine import plan as plan_module
from sonde.engine.plan import (
    ExecutionPlan,
    choose_threads,
    cores,
    pick_device,
    steps_within,
)

DATA = batch(**blobs(4))


@pytest.mark.parametrize("evaluate_every", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("step_s", [0.001, 0.07])
def test_steps_and_their_evaluations_fit_into_the_limit(step_s: float, evaluate_every: float) -> None:
    limit_s, batches, evaluation_s, final_s = 60.0, 50, 0.4, 2.0
    total = steps_within(
        limit_s=limit_s,
        step_s=step_s,
        batches_per_epoch=batches,
        evaluation_s=evaluation_s,
        evaluate_every=evaluate_every,
        final_s=final_s,
    )
    evaluations = total / (batches * evaluate_every)
    spent = total * step_s + evaluations * evaluation_s + final_s
    assert 0.95 * limit_s < spent <= 0.96 * limit_s


def test_a_limit_that_has_passed_leaves_one_step() -> None:
    common: dict[str, Any] = {"batches_per_epoch": 10, "evaluation_s": 1.0, "evaluate_every": 1.0, "final_s": 5.0}
    assert steps_within(limit_s=-3.0, step_s=0.1, **common) == 1
    assert steps_within(limit_s=1.0, step_s=100.0, **common) == 1


def test_a_typed_number_of_threads_is_taken_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "time_threads", None)
    steps = stepper(Supervised(mlp(2, 3)))
    assert choose_threads(steps, DATA, MachineConfig(threads=3), resumed=2) == (3, {}, "3 threads (typed)")
    assert choose_threads(steps, DATA, MachineConfig(), resumed=1) == (1, {}, "1 thread (as before the resume)")


def test_threads_are_chosen_by_measuring_and_the_reason_has_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = stepper(Supervised(mlp(2, 3)))
    monkeypatch.setattr(plan_module, "cores", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    asked: list[Any] = []

    def timed(stepper: Any, data: Any, candidates: list[int], **more: Any) -> dict[int, float]:
        asked.append(candidates)
        return {1: 1.04999, 2: 0.0101, 4: 0.01}

    monkeypatch.setattr(plan_module, "time_threads", timed)
    chosen, milliseconds, reason = choose_threads(steps, DATA, MachineConfig())
    assert asked == [[1, 2, 4]]
    assert (chosen, milliseconds) == (2, {"1": 1049.99, "2": 10.1, "4": 10.0})  # 4 is not worth 1 %
    assert reason == "2 threads (10.1 ms a step; 1 thread: 1,050, 4 threads: 10.0)"


def test_of_a_short_run_the_first_count_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "cores", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    asked: list[Any] = []

    def timed(stepper: Any, data: Any, candidates: list[int], **more: Any) -> dict[int, float]:
        asked.append(more["steps"])
        return {1: 0.003}

    monkeypatch.setattr(plan_module, "time_threads", timed)
    found = choose_threads(stepper(Supervised(mlp(2, 3))), DATA, MachineConfig(), steps=12)
    assert (found, asked) == ((1, {}, "1 thread (others not timed: 12 steps take less time)"), [12])


def test_a_gpu_needs_no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "time_threads", None)
    steps = stepper(Supervised(mlp(2, 3)))
    steps.settings = type("Settings", (), {"device": torch.device("cuda")})()  # type: ignore[assignment]
    count, timed, reason = choose_threads(steps, DATA, MachineConfig())
    assert (count, timed) == (torch.get_num_threads(), {})
    assert reason.endswith("for the host")


@pytest.mark.parametrize(
    ("environment", "asked"), [("1", [1]), ("2,1", [1, 2]), ("64", [1, 2, 4]), ("", [1, 2, 4]), ("all", [1, 2, 4])]
)
def test_no_more_threads_are_tried_than_the_environment_allows(
    monkeypatch: pytest.MonkeyPatch, environment: str, asked: list[int]
) -> None:
    monkeypatch.setattr(plan_module, "cores", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", environment)
    monkeypatch.setattr(
        plan_module, "time_threads", lambda stepper, data, candidates, **more: dict.fromkeys(candidates, 0.01)
    )
    chosen, milliseconds, reason = choose_threads(stepper(Supervised(mlp(2, 3))), DATA, MachineConfig())
    assert (chosen, [*milliseconds]) == (1, [*map(str, asked)])
    assert reason.endswith("allows no more)") == (len(asked) < 3)
    if environment == "1":
        assert reason == "1 thread (10.0 ms a step; OMP_NUM_THREADS=1 allows no more)"


def test_the_cores_are_those_this_process_may_use() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_known_devices() -> None:
    assert pick_device("cpu") == pick_device("cpu:3") == CPU
    assert pick_device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("gpu", "--device 'gpu' is not a device; use cpu, cuda, cuda:1 or mps"),
        ("cuda:one", "--device 'cuda:one' is not a device"),
        ("cuda:-1", "--device 'cuda:-1' is not a device"),
        ("", "--device '' is not a device"),
        ("meta", "--device 'meta' is not supported; use cpu, cuda, cuda:1 or mps"),
        ("cuda", "--device cuda: torch"),
        ("cuda:1", "sees no CUDA GPU; use --device cpu"),
        ("mps", "--device mps: this machine has no Apple GPU; use --device cpu"),
    ],
)
def test_a_device_that_is_unknown_or_absent_is_refused(
    asked: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError) as caught:
        pick_device(asked)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_gpus_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert pick_device("cuda") == pick_device("auto") == pick_device("cuda:1") == torch.device("cuda", 1)
    assert pick_device("cuda:0") == torch.device("cuda", 0)
    with pytest.raises(ConfigError, match=r"--device cuda:2: this machine has 2 GPU\(s\), numbered from cuda:0"):
        pick_device("cuda:2")


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    plan = ExecutionPlan(
        device="cpu",
        precision="bf16",
        threads=2,
        steps=960,
        steps_why="fit",
        threads_timed={"1": 3.5, "2": 2.0},
        precision_ratio=1.25,
        precision_why="1.25 times as fast as fp32 here",
        feed="resident",
        feed_why="fits",
        compile=True,
        channels_last=True,
        batches_per_epoch=None,
        lines=("one", "two"),
    )
    write_json(tmp_path / "plan.json", plan.as_dict())
    assert ExecutionPlan.from_dict(read_json(tmp_path / "plan.json")) == plan
    assert math.isclose(read_json(tmp_path / "plan.json")["threads_timed"]["1"], 3.5)
