import re

import numpy as np
import pytest
from sample_rows import SCHEMA, PixelRows

from sonde.core.config import FeedConfig
from sonde.core.dataset import Dataset, Rows
from sonde.core.errors import ConfigError
from sonde.data.feed.decide import FeedDecision, decide
from sonde.data.rows import ArrayInputs, InputRows

KB_152 = PixelRows(1000)  # 1,000 x (144 bytes of pixels + 8 of target)


def decided(*splits: Rows, free: int, **settings: str) -> FeedDecision:
    named: dict[str, Rows] = dict(zip(("train", "validation", "test"), splits, strict=False))
    dataset = Dataset(name="d", source="d", form="f", schema=SCHEMA, splits=named, facts=())
    return decide(dataset, FeedConfig(**settings), free_bytes=free)  # type: ignore[arg-type]


def test_all_splits_count() -> None:
    assert decided(KB_152, free=304_000) == FeedDecision(
        kind="resident", why="152 kB, within the memory limit of 152 kB (50% of the free memory)", bytes=152_000
    )
    assert decided(KB_152, KB_152, free=304_000).kind == "streaming"


def test_a_size_may_be_typed() -> None:
    found = decided(KB_152, free=10**9, memory="100kB")
    assert found == FeedDecision(kind="streaming", why="152 kB, more than the memory limit of 100 kB", bytes=152_000)


def test_what_is_typed_is_kept() -> None:
    assert decided(KB_152, free=10**9, feed="streaming").kind == "streaming"
    assert decided(KB_152, free=200_000, feed="resident").kind == "resident"


def test_what_cannot_fit_at_all_is_refused() -> None:
    said = re.escape(
        "--feed resident needs 152 kB of memory, but only 100 kB is free; use --feed streaming, or a smaller --image-size"
    )
    with pytest.raises(ConfigError, match=f"^{said}$"):
        decided(KB_152, free=100_000, feed="resident")


def test_rows_in_memory_already_stay_there() -> None:
    rows = InputRows(ArrayInputs(np.zeros((1000, 100), np.float32), "x"))
    assert decided(rows, free=10) == FeedDecision(kind="resident", why="400 kB, already in memory", bytes=400_000)
    assert decided(rows, KB_152, free=304_000).kind == "resident"  # only the second needs room


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="^'lots' is not a memory size; write it like 2GiB, 500MB or 50%$"):
        decided(KB_152, free=1, memory="lots")
