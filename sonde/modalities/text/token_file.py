"""Tokens of long texts: in memory as small integers, or where they are many in a file on disk that is read by places."""

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import IO

import numpy as np

from sonde.core.vocabulary import SPECIAL, UNKNOWN, Characters, Vocabulary
from sonde.data.feed.layout import cores

IN_MEMORY = 64 * 2**20  # bytes of tokens of one split that are held; more are written to a temporary file
AT_ONCE = 2  # pieces of text that are encoded at a time, each by a thread: one takes 150 MB in the tokenizer
CODE_POINTS = 0x110000


class TokenFile:
    """(N,) tokens in a temporary file without a name, which is gone when nothing refers to it any more.

    Read by place and not mapped: pages of a mapped file that were touched once count as this process's memory.
    """

    def __init__(self, file: int, dtype: np.dtype, count: int) -> None:
        """file: its descriptor, closed with this"""
        self._file, self.dtype, self._count = file, dtype, count
        weakref.finalize(self, os.close, file)

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return self._count * self.dtype.itemsize

    def __getitem__(self, place: slice) -> np.ndarray:
        """The tokens of a slice without a step."""
        begins, ends, _ = place.indices(self._count)
        wanted = max(0, ends - begins) * self.dtype.itemsize
        found = os.pread(self._file, wanted, begins * self.dtype.itemsize)
        return np.frombuffer(found, dtype=self.dtype)


class TokenWriter:
    """Collects the tokens of a text.

    counts: (symbols,) int64, how often each token came
    """

    def __init__(self, symbols: int) -> None:
        self.dtype = np.min_scalar_type(symbols - 1)
        self.counts: np.ndarray = np.zeros(symbols, dtype=np.int64)
        self._held: list[np.ndarray] = []
        self._file: IO[bytes] | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, tokens: np.ndarray | Sequence[int]) -> None:
        """Some more at the end. Raises: OSError where the disk is full"""
        found = np.asarray(tokens, dtype=self.dtype)
        self.counts += np.bincount(found, minlength=len(self.counts))
        self._count += len(found)
        self._held.append(found)
        if self._file is None and self._count * self.dtype.itemsize > IN_MEMORY:
            self._file = tempfile.TemporaryFile(prefix="sonde-tokens-")  # noqa: SIM115 - closed when all are written
        if self._file is not None:
            for held in self._held:
                self._file.write(held.data)
            self._held.clear()

    def finish(self) -> np.ndarray | TokenFile:
        """All of them."""
        if self._file is None:
            return np.concatenate(self._held) if self._held else np.zeros(0, dtype=self.dtype)
        with self._file as file:
            file.flush()
            return TokenFile(os.dup(file.fileno()), self.dtype, self._count)


def encode_pieces(texts: Iterator[str], vocabulary: Vocabulary) -> Iterator[np.ndarray]:
    """The tokens of each text, never more than `AT_ONCE` of them as Python's objects."""
    if isinstance(vocabulary, Characters):
        encode = _by_table(vocabulary)
        yield from map(encode, texts)
        return
    several = min(AT_ONCE, cores())
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == several:
            yield from _encoded(batch, vocabulary)
            batch.clear()
    yield from _encoded(batch, vocabulary)


def _encoded(batch: list[str], vocabulary: Vocabulary) -> Iterator[np.ndarray]:
    dtype = np.min_scalar_type(vocabulary.size - 1)
    return (np.array(tokens, dtype=dtype) for tokens in vocabulary.encode_all(batch))


def _by_table(vocabulary: Characters) -> Callable[[str], np.ndarray]:
    """`vocabulary.encode`, by a table of all characters."""
    table = np.full(CODE_POINTS, UNKNOWN, dtype=np.min_scalar_type(vocabulary.size - 1))
    for number, symbol in enumerate(vocabulary.symbols, len(SPECIAL)):
        table[ord(symbol)] = number

    def encode(text: str) -> np.ndarray:
        points = (text.upper() if vocabulary.upper else text).encode("utf-32-le", "surrogatepass")
        return table[np.frombuffer(points, dtype=np.uint32)]

    return encode
