import pickle

import numpy as np
import pytest

from sonde.core.dataset import Rows
from sonde.core.vocabulary import UNKNOWN, words_of
from sonde.data.feed.layout import lengths_of
from sonde.data.rows import Sequences
from sonde.data.splits import SubsetRows, labels_of
from sonde.modalities.text.rows import TextRows, encoded, shortened, text_of, text_rows, texts_of

TEXTS = ["a film", "a film of rare charm", "charm"]
WORDS = words_of(TEXTS, most=99)


def rows() -> TextRows:
    tokens, _ = encoded(TEXTS, WORDS)
    return text_rows(tokens, TEXTS, ["row 1", "row 2", "row 3"], {"target": np.array([0, 1, 0])})


def test_tokens_of_texts_are_those_of_the_vocabulary() -> None:
    tokens, cut = encoded(TEXTS, WORDS)
    assert [tokens[row].tolist() for row in range(3)] == WORDS.encode_all(TEXTS)
    assert cut == 0


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_texts_that_are_encoded_in_parts_are_those_of_one_go(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    texts = [*TEXTS, "", "rare film of a charm"]
    whole, cut = encoded(texts, WORDS, most=3)
    monkeypatch.setattr("sonde.modalities.text.rows.ENCODED_AT_ONCE", at_once)
    parts, cut_too = encoded(texts, WORDS, most=3)
    assert (parts.values.tolist(), parts.starts.tolist()) == (whole.values.tolist(), whole.starts.tolist())
    assert (cut_too, parts.values.dtype) == (cut, whole.values.dtype)


def test_what_is_longer_is_cut_and_counted() -> None:
    tokens, cut = encoded(TEXTS, WORDS, most=2)
    assert tokens.lengths().tolist() == [2, 2, 1]
    assert cut == 1


def test_no_row_is_empty() -> None:
    tokens, _ = encoded(["", "film"], WORDS)
    assert tokens[0].tolist() == [UNKNOWN]


def test_rows_know_their_text_through_selections() -> None:
    some = SubsetRows(rows(), np.array([2, 0]))
    assert texts_of(some) == ["charm", "a film"]
    assert text_of(some, 1) == "a film"
    assert lengths_of(some).tolist() == [1, 2]  # type: ignore[union-attr]
    assert labels_of(some).tolist() == [0, 0]
    assert some.describe(0) == "row 3"


def test_text_rows_are_rows_of_sequences_and_travel() -> None:
    again = pickle.loads(pickle.dumps(rows()))
    assert isinstance(again, Rows)
    assert isinstance(again, Sequences)
    assert again.read(np.array([2, 0]))["input"].tolist() == [[WORDS.encode("charm")[0], 0], WORDS.encode("a film")]


def test_rows_of_something_else_have_no_text() -> None:
    assert text_of(rows().tokens, 0) == ""
    assert texts_of(rows().tokens) is None


def test_shortened_texts_stand_in_one_line() -> None:
    assert shortened("a film\n of  charm") == "a film of charm"
    assert shortened("x" * 61) == "x" * 59 + "…"
