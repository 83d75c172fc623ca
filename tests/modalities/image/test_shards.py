"""Row groups of encoded images: what is read, how often, and what stays in memory."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sonde.core.errors import DataError
from sonde.modalities.image import shards as module
from sonde.modalities.image.shards import Shards, open_shards

CONTENTS = [bytes([i]) * (10 + i) for i in range(60)]
GROUPS = 9  # of 7 rows, the last of 4


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    return open_shards([written(tmp_path / "train.parquet", range(60))], "image")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The row groups that are read from a file, as they are."""
    found: list[int] = []
    real: Callable[[Path, str, int], list[pa.Array]] = module._read_arrays

    def counted(path: Path, column: str, group: int) -> list[pa.Array]:
        found.append(group)
        return real(path, column, group)

    monkeypatch.setattr(module, "_read_arrays", counted)
    return found


def written(path: Path, rows: range) -> Path:
    images = [{"bytes": CONTENTS[i], "path": f"{i}.png"} for i in rows]
    pq.write_table(pa.table({"image": images}), path, row_group_size=7)
    return path


@pytest.mark.parametrize("named", ["image", "a.picture"])
@pytest.mark.parametrize("nested", [True, False])
def test_contents_in_any_order_over_several_files(tmp_path: Path, named: str, nested: bool) -> None:
    files = []
    for number, rows in enumerate((range(25), range(25, 26), range(26, 60))):
        images = [{"path": None, "bytes": CONTENTS[i]} if nested else CONTENTS[i] for i in rows]
        files.append(tmp_path / f"{number}.parquet")
        pq.write_table(pa.table({named: images}), files[-1], row_group_size=7)
    shards = open_shards(files, named)
    assert len(shards) == 60
    order = np.random.default_rng(0).permutation(60).tolist()
    assert [shards.content(i) for i in order] == [CONTENTS[i] for i in order]
    assert [shards.describe(i) for i in (24, 25, 26)] == [
        "0.parquet row 24",
        "1.parquet row 0",
        "2.parquet row 0",
    ]


def test_reading_in_order_reads_each_group_once_and_holds_one(shards: Shards, reads: list[int]) -> None:
    for row in range(60):
        shards.content(row)
        assert len(shards.opened.shared) == 1
    assert reads == list(range(GROUPS))


def test_nothing_is_held_after_a_drop(shards: Shards) -> None:
    shards.drop()  # what the test before left in this thread
    before = pa.total_allocated_bytes()
    shards.content(8)
    assert pa.total_allocated_bytes() > before
    shards.drop()
    assert pa.total_allocated_bytes() == before


def test_what_is_kept_is_read_once_in_any_order(shards: Shards, reads: list[int]) -> None:
    shards.keep()
    order = np.random.default_rng(0).permutation(60).tolist()
    assert [shards.content(i) for i in order] == [CONTENTS[i] for i in order]
    shards.drop()
    shards.content(3)
    assert reads == list(range(GROUPS))


def test_another_process_reads_again_and_keeps_too(shards: Shards, reads: list[int]) -> None:
    shards.keep()
    packed = pickle.dumps(shards)
    assert len(packed) < 1000
    other = pickle.loads(packed)
    assert [other.content(i) for i in (0, 59, 1, 58)] == [CONTENTS[i] for i in (0, 59, 1, 58)]
    assert reads[GROUPS:] == [0, 8]


def test_threads_share_the_group_that_both_read(shards: Shards, reads: list[int]) -> None:
    together = Barrier(4)

    def read(row: int) -> bytes:
        together.wait()
        value = shards.content(row)
        together.wait()
        return value

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == CONTENTS[:4]
    assert reads == [0]
    assert len(shards.opened.shared) == 0  # the threads ended


def test_a_file_that_has_changed_is_said(tmp_path: Path, shards: Shards) -> None:
    shards.content(0)
    written(tmp_path / "train.parquet", range(40))
    with pytest.raises(DataError, match=r"^train.parquet has changed since it was opened; start again$"):
        shards.content(40)
    with pytest.raises(DataError, match=r"train.parquet is damaged or truncated"):
        shards.content(59)


def test_damage_inside_a_group_is_said_when_it_is_read(tmp_path: Path) -> None:
    file = written(tmp_path / "train.parquet", range(60))
    place = pq.read_metadata(file).row_group(5).column(0).data_page_offset
    content = bytearray(file.read_bytes())
    content[place : place + 8] = b"\xff" * 8
    file.write_bytes(content)
    shards = open_shards([file], "image")
    assert shards.content(0) == CONTENTS[0]
    with pytest.raises(DataError, match=rf"^{file} is damaged or truncated") as caught:
        shards.content(36)
    assert "\n" not in str(caught.value)


OPENING = """
import sys
import pyarrow as pa
from sonde.core.config import DataConfig
from sonde.modalities.open import open_data
dataset = open_data(sys.argv[1], DataConfig())
print(pa.default_memory_pool().max_memory(), pa.total_allocated_bytes())
"""


def test_opening_cifar10_holds_one_row_group_at_most(shared_data: Path) -> None:
    command = [sys.executable, "-c", OPENING, str(shared_data / "cifar10")]
    most, left = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert most < 20 * 2**20  # the columns are 53 MiB, a row group 4.4 and as much again while it is read
    assert left < 2**20
