"""Columns of encoded images in Parquet and Arrow files, of which only what is being read is in memory."""

import os
import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from sonde.core.cache import cache_folder
from sonde.core.errors import DataError, first_line
from sonde.core.progress import Tick, silent
from sonde.data import fingerprint

IN_MEMORY = 1 << 30  # bytes of encoded images; more are unpacked once to an Arrow file and mapped from there
READING = threading.local()  # `piece`: what each thread read last, which keeps it alive for the thread's next row


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows of a column that are read at once: a row group of a Parquet file, or all of an Arrow file, which is mapped.

    starts: row of the piece at which each of the arrays starts; the number of all its rows at the end
    """

    arrays: Sequence[pa.Array]
    starts: tuple[int, ...]

    def value(self, row: int) -> bytes | None:
        """The content of one row, None where it is missing."""
        array = bisect_right(self.starts, row) - 1
        return self.arrays[array][row - self.starts[array]].as_py()


class Opened:
    """What one process has open of some files. Threads that read the same piece share it. Pickles as if nothing were."""

    def __init__(self, keep: bool = False) -> None:
        self.keep = keep
        # file -> row at which each piece starts, and the number of all rows
        self.groups: dict[int, tuple[int, ...]] = {}
        self.unpacked: dict[tuple[int, int], Piece] = {}
        self.shared: WeakValueDictionary[tuple[int, int], Piece] = WeakValueDictionary()
        self.reading = threading.Lock()

    def __reduce__(self) -> Any:
        return Opened, (self.keep,)


@dataclass(frozen=True)
class Shards:
    """Encoded images in a column of several files; each process opens them when it first reads. Pickles small.

    A thread keeps the piece that it read last, so reading in order takes each piece once. In any other order nearly
    every row would take one: `keep` before that.
    """

    files: tuple[Path, ...]
    starts: tuple[int, ...]  # row of each file's first image, and the number of all rows at the end
    column: str
    names: tuple[str, ...]  # what to call the files, when they are unpacked elsewhere
    opened: Opened = field(default_factory=Opened, compare=False, repr=False)

    def __len__(self) -> int:
        return self.starts[-1]

    def content(self, index: int) -> bytes:
        """The encoded image. Raises: DataError where there is none."""
        shard = bisect_right(self.starts, index) - 1
        row = index - self.starts[shard]
        groups = self._groups(shard)
        if row >= groups[-1]:
            raise self._changed(shard)
        group = bisect_right(groups, row) - 1
        value = self._piece(shard, group).value(row - groups[group])
        if value is None:
            raise DataError(f"{self.describe(index)} holds no image bytes; leave the row out")
        return value

    def describe(self, index: int) -> str:
        """ "train-00000-of-00002.parquet row 17", counted from 0."""
        shard = bisect_right(self.starts, index) - 1
        return f"{self.names[shard]} row {index - self.starts[shard]}"

    def keep(self) -> None:
        """Hold every piece from now on, for reading in any order; processes forked later share them.

        Raises: DataError for a damaged file
        """
        self.opened.keep = True
        for shard in range(len(self.files)):
            for group in range(len(self._groups(shard)) - 1):
                self._piece(shard, group)
        self.drop()

    def drop(self) -> None:
        """Let go of what this thread read last, and of the memory that reading left behind."""
        READING.piece = None
        pa.default_memory_pool().release_unused()

    def _groups(self, shard: int) -> tuple[int, ...]:
        if shard not in self.opened.groups:
            self.opened.groups[shard] = _group_starts(self.files[shard])
        return self.opened.groups[shard]

    def _piece(self, shard: int, group: int) -> Piece:
        key, opened = (shard, group), self.opened
        piece = opened.unpacked.get(key) or opened.shared.get(key)
        if piece is None:
            READING.piece = None  # before the next is read, so that there are never two
            with opened.reading:
                piece = opened.shared.get(key) or self._read(shard, group)
                opened.shared[key] = piece
                if opened.keep or _is_arrow(self.files[shard]):
                    opened.unpacked[key] = piece
        READING.piece = piece
        return piece

    def _read(self, shard: int, group: int) -> Piece:
        arrays = _read_arrays(self.files[shard], self.column, group)
        starts = tuple(accumulate(map(len, arrays), initial=0))
        groups = self._groups(shard)
        if starts[-1] != groups[group + 1] - groups[group]:
            raise self._changed(shard)
        return Piece(arrays, starts)

    def _changed(self, shard: int) -> DataError:
        return DataError(f"{self.names[shard]} has changed since it was opened; start again")


def open_shards(files: Sequence[Path], column: str, *, limit: int = IN_MEMORY, tick: Tick = silent) -> Shards:
    """The images of some files. Above `limit` bytes they are unpacked into the cache, because Parquet cannot be read by row.

    Raises: DataError for a damaged file
    """
    starts = tuple(accumulate((_group_starts(file)[-1] for file in files), initial=0))
    placed = list(files)
    if sum(file.stat().st_size for file in files) > limit:
        for number, file in enumerate(files):
            tick("unpacking Parquet for random access", number, len(files))
            placed[number] = file if _is_arrow(file) else _unpacked(file, column)
    return Shards(tuple(placed), starts, column, tuple(file.name for file in files))


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """Some columns of a Parquet or Arrow file; an Arrow file is mapped, not copied.

    Raises: DataError when it is damaged
    """
    try:
        if not _is_arrow(path):
            # one file at a time and no threads: this is decompression of a few columns, and workers run beside it
            with _open_parquet(path) as file:
                return file.read(columns=list(columns), use_threads=False)
        return _open_arrow(path).read_all().select(list(columns))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def read_schema(path: Path) -> pa.Schema:
    """Columns and metadata of a file. Raises: DataError when it is damaged."""
    try:
        return _open_arrow(path).schema if _is_arrow(path) else pa_parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _read_arrays(path: Path, column: str, group: int) -> list[pa.Array]:
    """The encoded images of one piece."""
    if _is_arrow(path):
        chunks = read_columns(path, [column]).column(column).chunks
    else:
        try:
            with _open_parquet(path) as file:
                nested = pa.types.is_struct(file.schema_arrow.field(column).type)
                wanted = f"{column}.bytes" if nested else column  # not the paths that stand beside the bytes
                chunks = file.read_row_group(group, columns=[wanted], use_threads=False).column(column).chunks
        except (pa.ArrowException, OSError, KeyError, IndexError) as error:
            raise _damaged(path, error) from None
    return [_bytes_of(chunk) for chunk in chunks]


def _group_starts(path: Path) -> tuple[int, ...]:
    """Rows at which the pieces of a file start, and the number of all rows."""
    try:
        if _is_arrow(path):
            return (0, _open_arrow(path).read_all().num_rows)
        found = pa_parquet.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None
    return tuple(accumulate((found.row_group(i).num_rows for i in range(found.num_row_groups)), initial=0))


def _is_arrow(path: Path) -> bool:
    return path.suffix.lower() == ".arrow"


def _open_parquet(path: Path) -> pa_parquet.ParquetFile:
    """Without reading ahead, which leaves buffers to threads that let go of them later."""
    return pa_parquet.ParquetFile(path, pre_buffer=False)


def _open_arrow(path: Path) -> pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader:
    source = pa.memory_map(str(path))
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)  # what `datasets` writes


def _unpacked(path: Path, column: str) -> Path:
    """The image column of a Parquet file as an Arrow file in the cache, made once for each content."""
    folder = cache_folder() / "unpacked"
    digest = next(iter(fingerprint.of_files([path], path.parent).values())).removeprefix(fingerprint.SAMPLED)
    target = folder / f"{digest[:32]}.arrow"
    if target.exists():
        return target
    part = folder / f".{digest[:32]}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        source = _open_parquet(path)
        batches = source.iter_batches(batch_size=256, columns=[column], use_threads=False)
        with pa.OSFile(str(part), "wb") as sink:
            kind = source.schema_arrow.field(column)
            with pa.ipc.new_file(sink, pa.schema([kind])) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        part.replace(target)
    except pa.ArrowException as error:
        raise _damaged(path, error) from None
    except OSError as error:
        raise DataError(
            f"{path} cannot be unpacked to {target} ({error}); free some space, or set SONDE_CACHE"
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return target


def _bytes_of(chunk: pa.Array) -> pa.Array:
    if not isinstance(chunk, pa.StructArray):
        return chunk
    index = chunk.type.get_field_index("bytes")
    return chunk.flatten()[index]


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} is damaged or truncated ({first_line(error)}); download it again")
