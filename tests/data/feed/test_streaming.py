import os
import signal

import pytest
import torch
from sample_rows import SCHEMA, Deadly, PixelRows

from sonde.core.config import FeedConfig
from sonde.core.errors import DataError
from sonde.data.feed import streaming
from sonde.data.feed.build import build_source
from sonde.data.feed.source import BatchSource
from sonde.data.feed.streaming import StreamingReader, choose_workers

CPU = torch.device("cpu")
ASKED = list(torch.arange(40).split(6))


def reader(rows: PixelRows, workers: int = 2, *, persistent: bool = True) -> StreamingReader:
    return StreamingReader(rows, CPU, batch_size=6, workers=workers, persistent=persistent)


def source(workers: int) -> BatchSource:
    config = FeedConfig(batch_size=6, workers=workers)
    return build_source(PixelRows(40), SCHEMA, config, training=True, seed=0, device=CPU, kind="streaming")


def test_batches_that_are_kept_are_not_overwritten() -> None:
    kept = list(reader(PixelRows(40)).read(ASKED))
    inline = list(reader(PixelRows(40), 0).read(ASKED))
    for a, b in zip(kept, inline, strict=True):
        assert torch.equal(a["input"], b["input"])
        assert torch.equal(a["target"], b["target"])


def test_workers_stay_between_epochs_of_training_and_go_after_a_judging() -> None:
    training, judging = reader(PixelRows(40)), reader(PixelRows(40), persistent=False)
    list(training.read(ASKED))
    list(judging.read(ASKED))
    kept = training.processes
    assert len(kept) == 2
    assert judging.processes == []
    list(training.read(ASKED))
    assert training.processes == kept
    assert len(list(judging.read(ASKED))) == len(ASKED)
    training.close()
    assert training.processes == []


def test_losing_a_worker_changes_nothing_and_is_told() -> None:
    inline, losing = source(0), source(2)
    for number, (a, b) in enumerate(zip(inline, losing, strict=True)):
        assert torch.equal(a["input"], b["input"])
        assert torch.equal(a.index, b.index)
        if number == 2:
            os.kill(losing.reader.processes[1], signal.SIGKILL)  # type: ignore[attr-defined]
    for a, b in zip(inline, losing, strict=True):
        assert torch.equal(a["input"], b["input"])
    assert len(losing.warnings) == 1
    assert "was killed by signal 9" in losing.warnings[0]


def test_after_too_many_losses_reading_can_begin_anew() -> None:
    dying = reader(PixelRows(40, Deadly(20, os.getpid())), 1)
    with pytest.raises(DataError, match="^reading workers died 4 times"):
        list(dying.read(ASKED))
    assert dying.processes == []
    assert len(dying.warnings) == 3
    assert len(list(dying.read(ASKED[:2]))) == 2


def test_workers_are_chosen_from_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "cores", lambda: 2)
    assert choose_workers(None, 100) == 2
    monkeypatch.setattr(streaming, "cores", lambda: 64)
    assert choose_workers(None, 100) == 4
    assert choose_workers(None, 3) == 3
    assert choose_workers(9, 100) == 9
    assert choose_workers(0, 100) == 0
