import re
from pathlib import Path

import pytest

from sonde.core.errors import DataError
from sonde.core.vocabulary import Subwords, Vocabulary, Words
from sonde.modalities.text import long_text
from sonde.modalities.text.long_text import after, first, lines, pieces, read_text, symbols_of, whole_text
from sonde.modalities.text.train_vocabulary import train_vocabulary

WORDS = "It was the best of times, it was the worst of times; it's an age (of wisdom)  and of foolishness: 1859!"


@pytest.fixture(autouse=True)
def _short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_text, "PIECE", 40)
    monkeypatch.setattr(long_text, "LONGEST", 160)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_text_is_the_file_with_plain_line_ends_and_without_a_mark(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", b"\xef\xbb\xbf" + "né\r\nzwei\rdrei\n\r\n".encode() * 9)
    said = "né\nzwei\ndrei\n\n" * 9
    text = whole_text(file)
    assert len(text) == len(said)
    assert "".join(pieces(text)) == said == read_text(file)
    assert list(lines([text])) == said.splitlines(keepends=True)
    assert symbols_of([text]) == set(said)


@pytest.mark.parametrize("characters", [0, 1, 100, 200, 201, 350, 400])
def test_a_text_is_cut_by_characters(tmp_path: Path, characters: int) -> None:
    contents = ["aé\n" * 67, "bc" * 100]
    texts = [whole_text(write(tmp_path / f"{n}.txt", content)) for n, content in enumerate(contents)]
    whole = "".join(contents)
    assert "".join(piece for text in first(texts, characters) for piece in pieces(text)) == whole[:characters]
    assert "".join(piece for text in after(texts, characters) for piece in pieces(text)) == whole[characters:]


def test_the_rest_of_a_text_says_where_it_begins(tmp_path: Path) -> None:
    text = whole_text(write(tmp_path / "a.txt", "abc" * 10))
    assert [part.name for part in after(first([text], 20), 5)] == ["a.txt from character 5 on,"]


def test_pieces_end_with_a_line(tmp_path: Path) -> None:
    text = whole_text(write(tmp_path / "a.txt", "a line of 26 characters\n" * 20))
    found = list(pieces(text))
    assert len(found) > 5
    assert all(piece.endswith("\n") and 40 < len(piece) < 70 for piece in found[:-1])


def test_a_line_that_cannot_be_held_is_cut_before_a_word(tmp_path: Path) -> None:
    text = whole_text(write(tmp_path / "a.txt", f"{WORDS}  " * 30))
    found = list(pieces(text))
    assert max(map(len, found)) < 300
    assert all(
        re.match(r" \S", piece) and re.search(r"\S$", before) for before, piece in zip(found, found[1:], strict=False)
    )


def test_what_has_no_place_to_be_cut_stays_whole(tmp_path: Path) -> None:
    assert [len(piece) for piece in pieces(whole_text(write(tmp_path / "a.txt", "x" * 5000)))] == [5000]


@pytest.mark.parametrize("kind", ["bytes", "bpe", "words"])
def test_a_vocabulary_makes_of_pieces_what_it_makes_of_the_whole(tmp_path: Path, kind: str) -> None:
    content = f"{WORDS} " * 40
    text = whole_text(write(tmp_path / "a.txt", content))
    whole = train_vocabulary([content], kind=kind, size=300)  # type: ignore[arg-type]
    cut: Vocabulary = train_vocabulary(lines([text]), kind=kind, size=300)  # type: ignore[arg-type]
    assert isinstance(cut, Words if kind == "words" else Subwords)
    assert cut.to_json() == whole.to_json()
    assert len(list(pieces(text))) > 10
    assert [token for piece in pieces(text) for token in cut.encode(piece)] == whole.encode(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"good\nline\n\xff\xfe", "line 3 is not UTF-8 (byte 10 is 0xff); if it is Latin-1, convert it: iconv"),
        (b"x\n" * 50 + b"\xc3", "line 51 is not UTF-8 (byte 100 is 0xc3)"),
        (b"\xef\xbb\xbf" + b"abcdefg" * 5 + "é".encode() + b"\n\xe9 ", "line 2 is not UTF-8 (byte 41 is 0xe9)"),
        (b" \r\n" * 99, "has no text; add some"),
        (b"", "has no text; add some"),
    ],
)
def test_what_is_no_text_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    file = write(tmp_path / "a.txt", content)
    for read in (whole_text, read_text):
        with pytest.raises(DataError, match=re.escape(f"{file} {said}")):
            read(file)
