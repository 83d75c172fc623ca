"""A precision from its advice or its flag to the run's last use, on machines that lack it: refused, given up or obeyed.

A machine without kernels for bfloat16 is this one with a hook before every convolution; one with slow ones has another clock.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

import sonde
from sonde.core.batch import Batch
from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.files import read_json
from sonde.engine import precision, random_state
from sonde.engine.step import Stepper
from sonde.engine.timing import step_seconds
from sonde.engine.tree import same

TROUBLE = "could not create a primitive descriptor for the convolution forward propagation primitive"
SMALL: dict[str, Any] = {"model": "compact-cnn", "epochs": 1, "batch_size": 16, "threads": 1, "quiet": True}
Machine = Callable[[Callable[[], None]], None]


def pictures(rows: int = 48) -> tuple[np.ndarray, np.ndarray]:
    drawn = np.random.default_rng(0)
    labels = np.arange(rows) % 2
    images = drawn.integers(0, 100, (rows, 12, 12, 3)) + 120 * labels[:, None, None, None]
    return images.astype(np.uint8), labels


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Lets something happen before each convolution in bfloat16, until the test ends."""
    hooks = []

    def becomes(happening: Callable[[], None]) -> None:
        def before(module: nn.Module, _: Any) -> None:
            if isinstance(module, nn.Conv2d) and torch.is_autocast_enabled("cpu"):
                happening()

        hooks.append(register_module_forward_pre_hook(before))

    yield becomes
    for hook in hooks:
        hook.remove()


@pytest.fixture(autouse=True)
def advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe and the plan take this processor for one with units for bfloat16, and small networks for large ones."""
    monkeypatch.setattr("sonde.modalities.image.recipe.product_dtype", lambda kind: torch.bfloat16)
    monkeypatch.setattr(precision, "no_units", lambda device: "")
    monkeypatch.setattr(precision, "LARGE", {"cpu": 0.0, "cuda": 0.0})


def unable() -> None:
    raise RuntimeError(f"{TROUBLE}. Run workload with environment variable ONEDNN_VERBOSE=all")


@pytest.fixture(params=[2.0, 5.0])  # the second is told apart at first sight
def slow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """How many times as long a step in bfloat16 takes, by a clock that a busy machine does not move."""

    def timed(stepper: Stepper, batch: Batch, **how: Any) -> float:
        step_seconds(stepper, batch, **{**how, "at_least_s": 0.0})
        return request.param if stepper.settings.precision == "bf16" else 1.0

    monkeypatch.setattr(precision, "step_seconds", timed)
    return request.param


def train(out: Path, **settings: Any) -> sonde.Run:
    return sonde.train(pictures(), out=out, **{**SMALL, **settings})


def plan_of(run: sonde.Run) -> dict[str, Any]:
    return read_json(run.folder / "plan.json")


def test_advice_that_the_machine_cannot_follow_gives_way_to_fp32_for_good(tmp_path: Path, machine: Machine) -> None:
    """Trained, judged and resumed in fp32, to the last bit as if that had been typed; also where bfloat16 comes back."""
    machine(unable)
    run = train(tmp_path / "advised")
    plan = plan_of(run)
    assert (plan["precision"], plan["precision_ratio"]) == ("fp32", None)
    assert plan["precision_why"] == f"bf16 cannot be computed here: {TROUBLE}"
    assert f", fp32 (bf16 cannot be computed here: {TROUBLE}), " in plan["lines"][0]
    saved = read_config(run.folder / "config.yaml")
    assert (saved.settings["precision"], saved.origin["precision"]) == (
        "bf16",
        "recipe",
    )  # what was advised still stands
    assert saved.reasons["precision"] == f"fp32 was decided on: {plan['precision_why']}"
    typed = train(tmp_path / "typed", precision="fp32")
    assert same(dict(run.model.state_dict()), dict(typed.model.state_dict()))
    assert run.result["metrics"] == typed.result["metrics"]
    again = sonde.load(run.folder)
    assert again.evaluate(pictures()) == pytest.approx(sonde.load(typed.folder).evaluate(pictures()), abs=0)
    assert again.predict(pictures()[0][:2]) == sonde.load(typed.folder).predict(pictures()[0][:2])


def test_what_was_decided_is_kept_by_a_run_that_goes_on_elsewhere(tmp_path: Path, machine: Machine) -> None:
    fixed = {"schedule": "constant", "warmup": 0, "epochs": None}
    straight = train(tmp_path / "straight", **fixed, steps=6, precision="fp32")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sonde.engine.precision.inability", lambda *_: "no such kernel")
        halves = train(tmp_path / "halves", **fixed, steps=3)
    assert plan_of(halves)["precision"] == "fp32"
    in_bfloat16: list[int] = []
    machine(lambda: in_bfloat16.append(1))
    gone_on = sonde.resume(halves.folder, data=pictures(), steps=6, quiet=True)
    assert same(dict(gone_on.model.state_dict()), dict(straight.model.state_dict()))
    assert gone_on.metrics == straight.metrics
    plan = plan_of(gone_on)
    assert (plan["precision"], plan["precision_why"]) == ("fp32", "bf16 cannot be computed here: no such kernel")
    assert ", fp32 (as before the resume), " in plan["lines"][0]
    sonde.load(halves.folder).evaluate(pictures())
    assert not in_bfloat16


def test_a_run_in_bfloat16_goes_on_exactly(tmp_path: Path) -> None:
    fixed = {"schedule": "constant", "warmup": 0, "epochs": None, "precision": "bf16"}
    straight = train(tmp_path / "straight", **fixed, steps=6)
    halves = train(tmp_path / "halves", **fixed, steps=3)
    gone_on = sonde.resume(halves.folder, data=pictures(), steps=6, quiet=True)
    assert plan_of(gone_on)["precision"] == "bf16"
    assert plan_of(gone_on)["precision_ratio"] == plan_of(halves)["precision_ratio"]
    assert same(dict(gone_on.model.state_dict()), dict(straight.model.state_dict()))


def test_advice_that_costs_time_gives_way_and_the_plan_says_how_much(tmp_path: Path, slow: float) -> None:
    run = train(tmp_path / "run")
    plan = plan_of(run)
    said = f"bf16 is {1 / slow:.2f} times as fast as fp32 here, which is not clearly faster"
    assert (plan["precision"], plan["precision_why"]) == ("fp32", said)
    assert plan["precision_ratio"] == pytest.approx(1 / slow)
    assert read_config(run.folder / "config.yaml").reasons["precision"] == f"fp32 was decided on: {said}"
    assert f", fp32 ({plan['precision_why']}), " in plan["lines"][0]
    typed = train(tmp_path / "typed", precision="fp32")
    assert same(dict(run.model.state_dict()), dict(typed.model.state_dict()))


def test_equal_runs_of_a_small_network_are_computed_alike_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too small to gain reliably, it is computed in fp32, whichever of the two is faster at the moment."""
    monkeypatch.setattr(precision, "LARGE", {"cpu": 1e12})
    ratios = iter((0.5, 2.0))
    for name in ("first", "second"):
        ratio = next(ratios)
        monkeypatch.setattr(precision, "precision_ratio", lambda *_, ratio=ratio, **__: ratio)
        plan = plan_of(train(tmp_path / name, steps=2, epochs=None))
        assert (plan["precision"], plan["precision_ratio"]) == ("fp32", None)
        assert "bf16 not tried: the mean matrix product takes" in plan["lines"][0]
    typed = plan_of(train(tmp_path / "typed", steps=2, epochs=None, precision="bf16"))
    assert (typed["precision"], typed["precision_ratio"]) == ("bf16", 2.0)


def test_a_typed_precision_is_obeyed_where_it_costs_time(tmp_path: Path, slow: float) -> None:
    run = train(tmp_path / "run", precision="bf16", steps=2, epochs=None)
    plan = plan_of(run)
    assert plan["precision"] == "bf16"
    assert plan["precision_ratio"] < 0.8
    assert (
        f"bf16 ({plan['precision_ratio']:.2f} times as fast as fp32 here: --precision fp32 is faster)"
        in plan["lines"][0]
    )


@pytest.mark.parametrize("folds", [0, 3])
def test_a_typed_precision_that_cannot_be_computed_is_refused_and_leaves_nothing(
    folds: int, tmp_path: Path, machine: Machine
) -> None:
    machine(unable)
    with pytest.raises(ConfigError) as refused:
        train(tmp_path / "run", precision="bf16", folds=folds)
    assert str(refused.value) == (
        f'precision="bf16": this machine cannot compute a step in it ({TROUBLE}); use precision="fp32"'
    )
    assert not (tmp_path / "run").exists()
    assert train(tmp_path / "run", precision="fp32").result["status"] == "finished"  # the remedy, in the same folder


def test_a_folder_with_other_files_is_left_to_them(tmp_path: Path, machine: Machine) -> None:
    machine(unable)
    train(tmp_path / "run", precision="fp32")
    (tmp_path / "run" / "mine.txt").write_text("kept")
    with pytest.raises(ConfigError, match='precision="bf16": this machine cannot'):
        train(tmp_path / "run", precision="bf16", fresh=True)
    assert sorted(entry.name for entry in (tmp_path / "run").iterdir()) == [".lock", "mine.txt"]


def test_a_run_in_bfloat16_is_judged_but_not_resumed_where_that_cannot_be_computed(
    tmp_path: Path, machine: Machine
) -> None:
    run = train(tmp_path / "run", precision="bf16")
    assert plan_of(run)["precision"] == "bf16"
    here = sonde.load(run.folder).evaluate(pictures())
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    machine(unable)
    there = sonde.load(run.folder).evaluate(pictures())
    assert there["log_loss"] == pytest.approx(here["log_loss"], abs=0.05)
    with pytest.raises(RunFolderError) as refused:
        sonde.resume(run.folder, data=pictures(), epochs=2, quiet=True)
    assert str(refused.value) == (
        f"{run.folder} is computed in bf16, and this machine cannot compute a step in it ({TROUBLE}); resume it where it "
        'was started, or start a new run with precision="fp32" and another out='
    )
    assert sorted(path for path in run.folder.rglob("*") if path.is_file()) == sorted(before)
    assert {path: path.read_bytes() for path in before} == before  # the folder is as it was
    assert sonde.load(run.folder).result["status"] == "finished"


def test_faults_of_judging_that_are_no_precisions_are_raised(tmp_path: Path) -> None:
    run = sonde.load(train(tmp_path / "run", precision="bf16").folder)

    def fail(*_: Any) -> None:
        raise RuntimeError("a fault of another kind")

    run.model.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="a fault of another kind"):
        run.evaluate(pictures())


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 2))


NUMBERS = torch.randn(40, 5, generator=torch.Generator().manual_seed(1))
OWN: dict[str, Any] = {
    "loss": nn.functional.cross_entropy,
    "precision": "bf16",
    "threads": 1,
    "quiet": True,
    "lr": 0.01,
}


def test_trying_a_precision_leaves_no_trace(tmp_path: Path) -> None:
    """Beside the bare loop, which tries nothing."""
    data = (NUMBERS, (NUMBERS[:, 0] > 0).long())
    whole = sonde.fit(network(), data, steps=7, batch_size=8, out=str(tmp_path / "run"), **OWN)
    bare = network()
    random_state.seed_everything(0, stream="dropout")
    assert len(list(sonde.steps(bare, data, total=7, batch_size=8, **OWN))) == 7
    assert same(dict(whole.model.state_dict()), dict(bare.state_dict()))


@pytest.mark.parametrize("limit", [None, "60s"])
@pytest.mark.parametrize(("rows", "accumulate"), [(4, 1), (5, 1), (8, 4)])
def test_small_batches_can_be_tried_under_batch_norm(
    rows: int, accumulate: int, limit: str | None, tmp_path: Path
) -> None:
    """A quarter of four rows is one, of which a batch norm makes nothing."""
    data, out = (NUMBERS, (NUMBERS[:, 0] > 0).long()), str(tmp_path / "run")
    run = sonde.fit(network(), data, steps=2, time_limit=limit, batch_size=rows, accumulate=accumulate, out=out, **OWN)
    assert run.result["steps"] == 2


@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="processors of other kinds are not identified by these names"
)
def test_an_lstm_is_refused_or_trained_as_a_processor_without_avx512_can(tmp_path: Path) -> None:
    """The real thing: oneDNN is told to make do with AVX2, for which it has no LSTM in bfloat16."""
    days = np.arange("2020-01-01", "2020-07-01", dtype="datetime64[D]")
    table = tmp_path / "days.csv"
    table.write_text("day,level\n" + "".join(f"{day},{np.sin(at * 0.9):.4f}\n" for at, day in enumerate(days)))
    words = [sys.executable, "-m", "sonde", "train", str(table), "--task", "forecasting", "--model", "lstm-forecaster"]
    words += ["--steps", "2", "--threads", "1", "--out", str(tmp_path / "run"), "--precision", "bf16"]
    seen = {**os.environ, "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=seen, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines() == [
        "sonde: error: --precision bf16: this machine cannot compute a step in it (could not create a primitive descriptor for "
        "the LSTM forward propagation primitive); use --precision fp32"
    ]
    assert not (tmp_path / "run").exists()
