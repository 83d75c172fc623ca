"""Which precision a step is computed in: asked of the machine by steps that are undone, and judged by the clock."""

import math
import time
from typing import Any

import pytest
import torch
from sample_tasks import CPU, Supervised, batch, blobs, mlp, stepper
from torch import Tensor, nn

from sonde.core.config import MachineConfig
from sonde.core.errors import ConfigError
from sonde.engine import precision as precision_module
from sonde.engine import random_state
from sonde.engine.precision import (
    Decided,
    check_precision,
    first_trial,
    inability,
    no_units,
    precision_ratio,
    second_trial,
    worth_trying,
)
from sonde.engine.step import Stepper
from sonde.engine.training import weights
from sonde.engine.tree import copied, same

DATA = batch(**blobs(4))
ONEDNN = (
    "could not create a primitive descriptor for the LSTM forward propagation primitive. Run workload with environment"
)


class Picky(nn.Module):
    """Draws, counts in a buffer, and raises what it is given: under autocast, or always."""

    def __init__(self, trouble: Exception | None, *, always: bool = False) -> None:
        super().__init__()
        self.inner, self.trouble, self.always = mlp(2, 8, 3), trouble, always
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, input: Tensor) -> Tensor:
        self.get_buffer("seen").add_(torch.rand(()))
        if self.trouble is not None and (self.always or torch.is_autocast_enabled("cpu")):
            raise self.trouble
        return self.inner(input)


def both(model: nn.Module) -> tuple[Stepper, Stepper]:
    task = Supervised(model)
    return stepper(task, precision="bf16"), stepper(task)


def test_fp16_needs_a_cuda_gpu() -> None:
    for kind in ("cpu", "mps"):
        with pytest.raises(
            ConfigError, match=f"--precision fp16 needs a CUDA GPU, and this run is on {kind}; use bf16"
        ):
            check_precision(MachineConfig(precision="fp16"), torch.device(kind))
    check_precision(MachineConfig(precision="fp16"), torch.device("cuda"))
    check_precision(MachineConfig(precision="bf16"), CPU)


def test_the_ratio_is_the_slower_over_the_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    low, full = both(mlp(2, 3))
    monkeypatch.setattr(precision_module, "step_seconds", lambda which, data, **more: 3.0 if which is full else 2.0)
    assert precision_ratio(low, full, DATA) == 1.5


def test_what_the_machine_cannot_compute_is_said_in_its_librarys_words() -> None:
    low, full = both(Picky(RuntimeError(f"{ONEDNN} variable ONEDNN_VERBOSE=all\nand more")))
    assert inability(low, full, DATA) == ONEDNN.split(". ")[0]
    assert inability(*both(Picky(RuntimeError("x" * 400))), DATA) == "x" * 119 + "…"
    assert inability(*both(Picky(NotImplementedError())), DATA) == "NotImplementedError"
    assert inability(*both(Picky(None)), DATA) == ""


@pytest.mark.parametrize(
    "trouble", [RuntimeError("shapes do not fit"), ValueError("one value a channel"), torch.OutOfMemoryError("full")]
)
def test_what_is_no_fault_of_the_precision_is_raised(trouble: Exception) -> None:
    with pytest.raises(type(trouble), match=str(trouble)):
        inability(*both(Picky(trouble, always=True)), DATA)


def test_memory_is_no_question_of_precision_even_where_the_lower_alone_runs_out_of_it() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        inability(*both(Picky(torch.OutOfMemoryError("full"))), DATA)


def test_a_loss_that_is_no_number_is_left_to_the_first_step() -> None:
    rows = batch(input=torch.full((4, 2), torch.nan), target=torch.zeros(4, dtype=torch.int64))
    low, full = both(Picky(None))
    assert first_trial(low, full, rows, typed=True) == Decided(precision="bf16", sure=False)
    assert second_trial(low, full, rows, typed=True) == Decided(precision="bf16")


@pytest.mark.parametrize("trouble", [None, RuntimeError(ONEDNN)])
def test_looking_leaves_no_trace(trouble: Exception | None, monkeypatch: pytest.MonkeyPatch) -> None:
    low, full = both(Picky(trouble))
    before = copied(weights(low.task.modules)), random_state.capture(CPU), copied(low.state_dict())
    monkeypatch.setattr(precision_module, "no_units", lambda device: "")
    assert worth_trying(low, full, DATA).precision == "fp32"
    if trouble is None:
        first_trial(low, full, DATA, typed=False)
        second_trial(low, full, DATA, typed=False)
    assert same(before, (weights(low.task.modules), random_state.capture(CPU), low.state_dict()))
    assert all(parameter.grad is None for parameter in low.task.modules.parameters())


def test_a_typed_precision_is_refused_and_an_advised_one_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_module, "no_units", lambda device: "")
    low, full = both(Picky(RuntimeError(ONEDNN)))
    what = "could not create a primitive descriptor for the LSTM forward propagation primitive"
    with pytest.raises(ConfigError, match=rf"^--precision bf16: this machine .* \({what}\); use --precision fp32$"):
        first_trial(low, full, DATA, typed=True)
    found = worth_trying(low, full, DATA)
    assert found == Decided(precision="fp32", why=f"bf16 cannot be computed here: {what}")


def test_a_recipes_precision_needs_units_and_products_that_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said without a look at the clock, so that equal runs are computed alike."""
    low, full = both(mlp(2, 500, 3))
    monkeypatch.setattr(precision_module, "product_dtype", lambda kind: torch.float32)
    assert worth_trying(low, full, DATA) == Decided(precision="fp32", why="this cpu has no units for bf16")
    monkeypatch.setattr(precision_module, "product_dtype", lambda kind: torch.bfloat16)
    clock(monkeypatch, low, *[0.1] * 10)  # ten times as fast, which does not count
    found = worth_trying(low, full, DATA)
    assert found == worth_trying(low, full, DATA)
    assert found.precision == "fp32"
    assert found.why.endswith("operations, and fewer than 50 million gain nothing reliable")
    assert worth_trying(low, full, DATA, scale=1e6) == Decided(precision="bf16", sure=False)


@pytest.mark.parametrize(("capability", "said"), [((7, 5), "this cuda has no units for bf16"), ((8, 0), "")])
def test_gpus_before_ampere_have_no_units(
    capability: tuple[int, int], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert no_units(torch.device("cuda")) == said


def clock(monkeypatch: pytest.MonkeyPatch, low: Stepper, *taken: float) -> None:
    """Let steps in fp32 take a second, those in the lower precision as long as is given, one after the other."""
    coming = iter(taken)
    monkeypatch.setattr(precision_module, "step_seconds", lambda which, *_, **__: next(coming) if which is low else 1.0)


UNSURE = Decided(precision="bf16", sure=False)


@pytest.mark.parametrize(
    ("taken", "advised", "typed"),
    [
        ((1.0,), UNSURE, UNSURE),
        ((2.9,), UNSURE, UNSURE),
        ((9.0, 8.0, 2.0), UNSURE, UNSURE),  # a neighbour's burst
        (
            (5.0, 4.0, 6.0),
            Decided(
                precision="fp32", why="bf16 is 0.20 times as fast as fp32 here, which is not clearly faster", ratio=0.2
            ),
            Decided(precision="bf16", why="0.20 times as fast as fp32 here: --precision fp32 is faster", ratio=0.2),
        ),
    ],
)
def test_what_is_hopeless_is_seen_at_first_sight(
    taken: tuple[float, ...], advised: Decided, typed: Decided, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, full = both(mlp(2, 3))
    clock(monkeypatch, low, *taken)
    assert first_trial(low, full, DATA, typed=False) == advised
    clock(monkeypatch, low, 9.9, *taken)  # asked first whether it can be computed at all
    assert first_trial(low, full, DATA, typed=True) == typed


@pytest.mark.parametrize(
    ("taken", "ratio"),
    [
        ((0.5, 0.5, 0.5), 2.0),
        ((0.5, 4.0, 0.5, 4.0, 0.8), 1.25),  # bursts
        ((0.8, 0.8, 0.8), 1.25),
        ((0.9, 0.9, 0.9), 1 / 0.9),  # faster, and too near to tell
        ((0.5, 1.0, 0.5, 1.0, 1.0), 1.0),
        ((1.25, 1.25, 1.25), 0.8),
    ],
)
def test_a_recipes_precision_has_to_be_clearly_faster_in_the_median(
    taken: tuple[float, ...], ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more rounds than settle it; what was typed is obeyed, and told what it costs."""
    low, full = both(mlp(2, 3))
    clock(monkeypatch, low, *taken)
    found = second_trial(low, full, DATA, typed=False)
    said = f"{ratio:.2f} times as fast as fp32 here"
    assert found.ratio == pytest.approx(ratio)
    if ratio >= 1.15:
        assert (found.precision, found.why) == ("bf16", said)
    else:
        assert (found.precision, found.why) == ("fp32", f"bf16 is {said}, which is not clearly faster")
    clock(monkeypatch, low, *taken)
    typed = second_trial(low, full, DATA, typed=True)
    assert (typed.precision, typed.why) == ("bf16", said + (": --precision fp32 is faster" if ratio < 0.85 else ""))


def test_no_round_begins_that_there_is_no_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 20 ms: of three, one fits into 30 ms. The first is had in any case, since nothing else would tell."""
    low, full = both(mlp(2, 3))
    rounds: list[float] = []

    def take(which: Stepper, *_: Any, at_least_s: float = 0.0, **__: Any) -> float:
        if which is full:
            rounds.append(at_least_s)
            time.sleep(0.02)
        return 4.0 if which is low else 1.0

    monkeypatch.setattr(precision_module, "step_seconds", take)
    for at_most_s, count in ((math.inf, 3), (0.03, 1), (-1.0, 1)):  # three settle either
        rounds.clear()
        assert first_trial(low, full, DATA, typed=False, at_most_s=at_most_s).precision == "fp32"
        assert len(rounds) == count
        rounds.clear()
        assert second_trial(low, full, DATA, typed=False, at_most_s=at_most_s).precision == "fp32"
        assert len(rounds) == count
        assert all(at_least_s <= at_most_s / 20 or at_most_s < 0 for at_least_s in rounds)


def test_a_hopeless_precision_is_tried_for_a_few_steps_only(monkeypatch: pytest.MonkeyPatch) -> None:
    low, full = both(mlp(2, 3))
    tried: list[Any] = []

    def take(which: Stepper, *_: Any, steps: int, warm_up: int = 1, **__: Any) -> float:
        tried.extend([which] * (steps + warm_up))
        return 10.0 if which is low else 1.0

    monkeypatch.setattr(precision_module, "step_seconds", take)
    assert first_trial(low, full, DATA, typed=False).precision == "fp32"
    assert tried.count(low) <= 7
