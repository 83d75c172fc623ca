"""Out of memory in a step, an evaluation, building and reading: one line that says what to lower."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import sonde
from sonde.core.config import FeedConfig
from sonde.core.errors import OutOfMemory
from sonde.run.memory import asked_for, memory_or_itself, ran_out, room_for

X = torch.linspace(-1, 1, 160).reshape(40, 4)
Y = (torch.arange(40) % 2).long()
FULL = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "4000000000000 bytes."
)
TROUBLES = {
    "torch": RuntimeError(FULL),
    "a GPU": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has"),
    "Python": MemoryError(),
    "numpy": MemoryError("Unable to allocate 72.8 TiB for an array with shape (10,)"),
}


class Grows(nn.Module):
    """Runs out of memory in training with more than `rows` rows, or in evaluation."""

    def __init__(self, trouble: BaseException, rows: int = 0, *, evaluation: bool = False) -> None:
        super().__init__()
        self.layer, self.trouble, self.rows, self.evaluation = nn.Linear(4, 2), trouble, rows, evaluation

    def forward(self, x: Tensor) -> Tensor:
        if self.training != self.evaluation and len(x) > self.rows:
            raise self.trouble
        return self.layer(x)


def fitted(network: nn.Module, out: Path, validation: Any = None, **more: Any) -> Any:
    options: dict[str, Any] = {"epochs": 1, "batch_size": 8, "threads": 1, "quiet": True, "out": str(out)} | more
    return sonde.fit(network, (X, Y), validation=validation, loss=nn.functional.cross_entropy, **options)


@pytest.mark.parametrize("name", TROUBLES)
def test_in_a_step_the_batch_is_to_be_smaller_and_that_helps(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory) as told:
        fitted(Grows(TROUBLES[name], rows=4), tmp_path / "run")
    said = str(told.value)
    assert "\n" not in said
    assert "out of memory on cpu with batch_size=8 accumulate=1" in said
    assert (
        "give accumulate=2 (the same update from smaller micro-batches) or batch_size=4, or a smaller network" in said
    )
    fitted(Grows(TROUBLES[name], rows=4), tmp_path / "halved", batch_size=4)
    fitted(Grows(TROUBLES[name], rows=4), tmp_path / "pieces", accumulate=2)


def test_of_one_row_the_batch_is_not_to_be_smaller(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory, match="out of memory on cpu with one row at a time .*; give a smaller network"):
        fitted(Grows(TROUBLES["torch"]), tmp_path / "run", batch_size=1)


def test_in_an_evaluation_its_own_batches_are_to_be_smaller_and_that_helps(tmp_path: Path) -> None:
    with pytest.raises(
        OutOfMemory, match="in an evaluation, with a batch of 40 rows .*as a DataLoader of batches of 20 rows"
    ):
        fitted(Grows(TROUBLES["torch"], rows=20, evaluation=True), tmp_path / "run", validation=(X, Y))
    smaller = DataLoader(TensorDataset(X, Y), 20)
    fitted(Grows(TROUBLES["torch"], rows=20, evaluation=True), tmp_path / "well", validation=smaller)


def test_steps_of_one_s_own_loop_say_it_too() -> None:
    steps = sonde.steps(
        Grows(TROUBLES["torch"]), (X, Y), loss=nn.functional.cross_entropy, total=2, batch_size=8, threads=1
    )
    with pytest.raises(OutOfMemory, match="or batch_size=4"):
        list(steps)


def test_a_network_of_ten_to_the_twelve_weights_names_its_size(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 2
    with pytest.raises(OutOfMemory) as told:
        sonde.train((x, y), model="mlp", hidden=(10**6, 10**6), out=str(tmp_path / "run"), quiet=True, threads=1)
    said = str(told.value)
    assert said.startswith("out of memory while building the network (")
    assert said.endswith("asked for at once); lower hidden=")
    assert not (tmp_path / "run").exists()
    sonde.train((x, y), model="mlp", hidden=(4, 4), epochs=1, out=str(tmp_path / "run"), quiet=True, threads=1)


def test_reading_says_what_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **more: Any) -> Any:
        raise MemoryError("Unable to allocate 9.00 GiB for an array")

    monkeypatch.setattr("sonde.run.data_job.open_data", full)
    with pytest.raises(
        OutOfMemory, match=r"while reading the data \(9.00 GiB asked for at once\); give fewer rows, images at a"
    ):
        sonde.train((X, Y), out=str(tmp_path / "run"), quiet=True)


def test_other_errors_are_left_alone() -> None:
    for trouble in (RuntimeError("mat1 and mat2 shapes"), ValueError("memory of an elephant")):
        assert not ran_out(trouble)
        assert memory_or_itself(trouble, FeedConfig(), torch.device("cpu")) is trouble
    with pytest.raises(RuntimeError, match="^shapes$"), room_for("building", "lower it"):
        raise RuntimeError("shapes")
    assert asked_for(RuntimeError(FULL)) == " (4.0 TB asked for at once)"
