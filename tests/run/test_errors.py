"""Not-a-number, no memory, no disk: one line that says where, what and how to go on; the run stays usable."""

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from other_findings import other_findings
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.utils.data import TensorDataset

import sonde
from sonde.cli.main import main
from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError, DataError, NonFinite, OutOfMemory, RunFolderError
from sonde.core.run_folder import RunFolder
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.engine.step import Stepper
from sonde.run.errors import one_row_or_itself, room_in
from sonde.run.memory import memory_or_itself

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "batch_size": 8}


def line(rows: int = 40) -> tuple[Tensor, Tensor]:
    x = torch.linspace(-1, 1, rows).unsqueeze(1)
    return x, 3 * x - 1


class Loss:
    """A loss that is NaN from its nth call in training on, until it is mended."""

    def __init__(self, bad_from: int) -> None:
        self.bad_from, self.calls = bad_from, 0

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        self.calls += output.requires_grad
        return mse_loss(output, target) * (torch.nan if self.calls >= self.bad_from else 1.0)


def fit(out: Path, loss: Callable[[Tensor, Tensor], Tensor]) -> sonde.Run:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    return sonde.fit(
        net, line(), loss=loss, epochs=3, out=out, checkpoint_every="1 step", ema=0.9, log_every=1, **QUIET
    )


def test_a_loss_that_becomes_nan_stops_the_run_before_it_spreads(tmp_path: Path) -> None:
    with pytest.raises(NonFinite) as told:
        fit(tmp_path / "run", Loss(bad_from=8))
    last = tmp_path / "run" / "checkpoints" / "last"
    text = str(told.value)
    assert text.startswith("step 8, phase 'model': the loss is nan; rows: row ")
    assert text.count("row ") == 4
    assert "and 4 more; the weights were not updated, last good checkpoint: " + str(last) in text
    assert text.endswith("; lower lr=, add clip=1, or fix the rows")
    assert "\n" not in text

    weights, state = checkpoint.read(last)
    assert state["progress"]["step"] == 7
    assert all(torch.isfinite(value).all() for value in weights.values())
    *lines, end = read_lines(tmp_path / "run" / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, 8))
    assert (end["kind"], end["event"], end["step"]) == ("event", "failed", 7)
    (found,) = other_findings(tmp_path / "run")
    assert (found["check"], found["severity"], found["step"]) == ("not finite", "error", 8)
    assert found["evidence"].startswith("the loss is nan; rows: row ")

    fit(tmp_path / "straight", mse_loss)
    after = fit(tmp_path / "run", mse_loss)  # the same call, mended
    assert after.result["steps"] == 15
    (changed,) = other_findings(tmp_path / "run")  # and it is named that the loss is another one
    assert changed["check"] == "code changed"
    for name, value in checkpoint.read(tmp_path / "straight" / "checkpoints" / "last")[0].items():
        assert torch.equal(checkpoint.read(last)[0][name], value), name


def test_a_first_step_that_is_nan_is_told_the_same_way(tmp_path: Path) -> None:
    """Also where the number of threads would be timed on that very batch."""
    with pytest.raises(
        NonFinite, match="step 1, phase 'model': the loss is nan; rows: .*no checkpoint was written yet"
    ):
        fit(tmp_path / "typed", Loss(bad_from=1))
    with pytest.raises(
        NonFinite, match="step 1, phase 'model': the loss is nan; rows: .*no checkpoint was written yet"
    ):
        sonde.fit(nn.Linear(1, 1), line(), loss=Loss(1), epochs=1, batch_size=8, out=tmp_path / "timed", quiet=True)
    assert [found["check"] for found in read_lines(tmp_path / "timed" / "findings.jsonl")] == ["not finite"]


def test_a_time_limit_is_planned_on_steps_that_may_be_nan_too(tmp_path: Path) -> None:
    with pytest.raises(NonFinite, match="step 1, phase 'model': the loss is nan; rows: row"):
        sonde.fit(nn.Linear(1, 1), line(), loss=Loss(1), time_limit="5s", out=tmp_path / "run", **QUIET)


def test_the_rows_with_the_bad_input_are_named(tmp_path: Path) -> None:
    """A dataset that is checked when it is opened, and goes bad afterwards."""
    x, y = line()
    data = TensorDataset(x, y)
    loader = torch.utils.data.DataLoader(data, batch_size=8)
    x[17] = torch.inf
    with pytest.raises(NonFinite) as told:
        sonde.fit(nn.Linear(1, 1), loader, loss=mse_loss, epochs=1, out=tmp_path / "run", **QUIET)
    assert "step 3, phase 'model': the loss is " in str(told.value)
    assert "; rows with a non-finite input: row 17; the weights" in str(told.value)


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (
            8,
            r"sonde: error: step \d, phase 'model': the (loss|gradient norm) is .*; rows: rows.csv row \d+, .* and 4 more; the",
        ),
        (
            43,
            r"sonde: error: step 1, evaluation on validation: the model's output is NaN "
            r"\(first at rows.csv row 16\); .*; no checkpoint was",
        ),
    ],
)
def test_a_table_that_diverges_is_told_on_the_command_line(
    size: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a step, or where an epoch is one step, in the evaluation of what that made of the weights."""
    table = tmp_path / "rows.csv"
    rng = np.random.default_rng(0)
    table.write_text("a,t\n" + "".join(f"{a:.3f},{3 * a:.3f}\n" for a in rng.normal(size=60)))
    words = f"train {table} --target t --model mlp --optimizer sgd --lr 1e30 --epochs 2 --threads 1 --clip 0"
    assert main([*words.split(), "--batch-size", str(size), "--out", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert re.match(told, err), err
    assert [found["check"] for found in read_lines(tmp_path / "run" / "findings.jsonl")] == ["not finite"]


def test_out_of_memory_says_what_to_make_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: Stepper, *_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB\nGPU 0 has a total capacity of")

    monkeypatch.setattr(Stepper, "__call__", full)
    for more in ([], ["--threads", "1"]):  # while it is planned, and in the first step
        words = ["train", "digits", "--accumulate", "2", "--out", str(tmp_path / f"run{len(more)}"), *more]
        assert main(words) == 2
        assert capsys.readouterr().err == (
            "sonde: error: out of memory on cpu with --batch-size 64 --accumulate 2 (20.00 MiB asked for at once): give "
            "--accumulate 4 (the same update from smaller micro-batches) or --batch-size 32, or a smaller network\n"
        )


@pytest.mark.parametrize(
    ("rows", "accumulate", "told"),
    [
        (
            40,
            8,
            "batch_size=8 accumulate=8 leaves a micro-batch of one row, .* in training; lower accumulate= or raise",
        ),
        (40, 5, "batch_size=8 accumulate=5 leaves a micro-batch of one row"),
    ],
)
@pytest.mark.parametrize("threads", [None, 1])
def test_batch_norm_on_a_piece_of_one_row_says_what_to_change(
    rows: int, accumulate: int, told: str, threads: int | None, tmp_path: Path
) -> None:
    """While it is planned, and in the first step."""
    net = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    settings = {**QUIET, "threads": threads, "accumulate": accumulate, "epochs": 1}
    with pytest.raises(ConfigError, match=told):
        sonde.fit(net, line(rows), loss=mse_loss, out=tmp_path / "run", **settings)


def test_a_batch_of_one_row_and_other_errors_of_value() -> None:
    refusal = ValueError("Expected more than 1 value per channel when training, got input size torch.Size([1, 4])")
    found = one_row_or_itself(refusal, FeedConfig(batch_size=13))
    assert isinstance(found, ConfigError)
    assert str(found).startswith("--batch-size 13 leaves a batch of one row")
    assert "give another --batch-size" in str(found)
    found = one_row_or_itself(refusal, FeedConfig(), made_by="the DataLoader")
    assert str(found).startswith(
        "the DataLoader yields a batch of one row, and batch norm needs at least two rows in training; "
    )
    assert "give it drop_last=True" in str(found)
    other = ValueError("Target size must be the same as input size")
    assert one_row_or_itself(other, FeedConfig()) is other


@pytest.mark.parametrize(
    ("trouble", "is_memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("not enough memory: you tried to allocate 80000000000000 bytes."), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_only_a_lack_of_memory_is_called_so(trouble: Exception, is_memory: bool) -> None:
    found = memory_or_itself(trouble, FeedConfig(batch_size=1), torch.device("cpu"))
    assert isinstance(found, OutOfMemory) == is_memory
    assert is_memory or found is trouble


def test_torchs_own_words_for_no_memory_on_a_cpu_are_known() -> None:
    with pytest.raises(RuntimeError) as told:
        torch.empty(2**60, dtype=torch.uint8)
    assert isinstance(memory_or_itself(told.value, FeedConfig(), torch.device("cpu")), OutOfMemory)


def test_a_full_disk_is_the_persons_and_other_errors_are_ours(tmp_path: Path) -> None:
    def fail(number: int) -> None:
        with room_in(RunFolder(tmp_path), f"sonde resume {tmp_path}"):
            raise OSError(number, "told", "a/file")

    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        with pytest.raises(
            RunFolderError, match="cannot write to a/file: told; saved files are intact: free disk space"
        ):
            fail(number)
    with pytest.raises(FileNotFoundError):
        fail(errno.ENOENT)


@pytest.mark.parametrize("where", ["training", "validation"])
@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (lambda y: y[:, None], r"targets of shape \(rows,\); give y\[:, 0\] .*target \(64, 1\) int64$"),
        (lambda y: nn.functional.one_hot(y, 2), r"of one-hot ones y.argmax\(1\), or y.float\(\); .*\(64, 2\) int64$"),
    ],
)
def test_targets_that_a_loss_of_classes_does_not_take_are_refused_in_one_line(
    targets: Any, says: str, where: str, tmp_path: Path
) -> None:
    x, y = torch.randn(64, 4), torch.arange(64) % 2
    good, bad = (x, y), (x, targets(y))
    train, validation = (bad, None) if where == "training" else (good, bad)
    loss = nn.functional.cross_entropy
    with pytest.raises(DataError, match=says) as caught:
        sonde.fit(nn.Linear(4, 2), train, validation=validation, loss=loss, epochs=1, out=tmp_path / "run", quiet=True)
    assert ("the first validation batch" in str(caught.value)) == (where == "validation")
    assert "\n" not in str(caught.value)


def test_a_batch_all_of_whose_targets_are_ignored_is_named(tmp_path: Path) -> None:
    x, y = torch.randn(64, 4), torch.full((64,), -100)
    with pytest.raises(
        NonFinite, match="targets mostly ignored: all targets of the batch are left out of cross_entropy"
    ):
        sonde.fit(nn.Linear(4, 3), (x, y), loss=nn.functional.cross_entropy, steps=3, out=tmp_path / "run", **QUIET)
    found = read_lines(tmp_path / "run" / "findings.jsonl")
    assert [line["check"] for line in found] == ["targets mostly ignored"]
