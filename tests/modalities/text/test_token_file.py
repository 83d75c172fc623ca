import os
from collections.abc import Iterator

import numpy as np
import pytest

from sonde.core.vocabulary import UNKNOWN, Characters, Vocabulary, Words
from sonde.modalities.text import token_file
from sonde.modalities.text.token_file import TokenFile, TokenWriter, encode_pieces
from sonde.modalities.text.windows import Windows

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(4, 300, 10_000)


def written(tokens: np.ndarray, symbols: int = 300) -> TokenWriter:
    writer = TokenWriter(symbols)
    for part in np.array_split(tokens, 7):
        writer.add(part)
    return writer


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_file, "IN_MEMORY", 3000)


@pytest.mark.parametrize(
    ("symbols", "dtype"), [(256, np.uint8), (257, np.uint16), (65_536, np.uint16), (70_000, np.uint32)]
)
def test_tokens_are_held_as_the_smallest_integers_that_hold_all(symbols: int, dtype: type) -> None:
    writer = TokenWriter(symbols)
    writer.add([symbols - 1, 4])
    writer.add([])
    found = writer.finish()
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.tolist(), len(writer)) == (np.dtype(dtype), [symbols - 1, 4], 2)
    assert writer.counts[[4, symbols - 1]].tolist() == [1, 1]


def test_many_tokens_go_to_a_file_without_a_name(on_disk: None) -> None:
    before = set(os.listdir("/proc/self/fd"))
    writer = written(TOKENS)
    found = writer.finish()
    assert isinstance(found, TokenFile)
    assert (len(found), found.nbytes) == (10_000, 20_000)
    assert np.array_equal(found[:], TOKENS)
    assert np.array_equal(found[5:17], TOKENS[5:17])
    assert np.array_equal(found[9_990:10_400], TOKENS[9_990:])
    assert found[10_400:10_500].tolist() == []
    assert np.array_equal(writer.counts, np.bincount(TOKENS, minlength=300))
    del writer, found
    assert set(os.listdir("/proc/self/fd")) == before


def test_windows_of_a_file_are_those_of_memory(on_disk: None) -> None:
    held = written(TOKENS[:9_997]).finish()
    assert isinstance(held, TokenFile)
    disk, memory = (Windows(tokens=t, length=32, places=((0, "a"),)) for t in (held, TOKENS[:9_997].astype(np.uint16)))
    rows = RNG.permutation(len(disk))
    read, expected = disk.read(rows), memory.read(rows)
    assert list(read) == list(expected)
    assert all(np.array_equal(read[name], expected[name]) and read[name].dtype == np.int64 for name in read)
    assert np.array_equal(disk.targets(), memory.targets())


def pieces() -> Iterator[str]:
    yield from ("the film", "", "A 映画 film!", "of the\n", "rare", "charm")


@pytest.mark.parametrize(
    "vocabulary",
    [Characters(tuple(" aefhilmrt映")), Characters(("A", "E"), upper=True), Words(("the", "film", "charm")), Words(())],
)
def test_pieces_are_encoded_as_by_the_vocabulary(vocabulary: Vocabulary) -> None:
    found = [tokens.tolist() for tokens in encode_pieces(pieces(), vocabulary)]
    assert found == [vocabulary.encode(text) for text in pieces()]
    assert any(UNKNOWN in tokens for tokens in found)
