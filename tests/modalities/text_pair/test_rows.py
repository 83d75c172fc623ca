from pathlib import Path

import numpy as np
import torch

from sonde.core.dataset import Column, InputSpec
from sonde.core.vocabulary import END, UNKNOWN, words_of
from sonde.modalities.modality import Case
from sonde.modalities.text.rows import text_rows
from sonde.modalities.text_pair import rows
from sonde.modalities.text_pair.rows import encoded_pairs, joined, room_for, sample, show

VOCABULARY = words_of(["a b c d e f g h"], most=100)
COLUMNS = tuple(Column(name=name, kind="text", source=name) for name in ("premise", "hypothesis"))


def test_a_row_is_both_texts_with_an_end_behind_each() -> None:
    tokens, cut = encoded_pairs(["a b", ""], ["c", "d"], VOCABULARY, most=10)
    a, b, c, d = VOCABULARY.encode("a b c d")
    assert [tokens[row].tolist() for row in range(2)] == [[a, b, END, c, END], [UNKNOWN, END, d, END]]
    assert cut == 0


def test_the_longer_text_is_cut_first_and_rows_are_counted() -> None:
    tokens, cut = encoded_pairs(["a b c d e f", "a"], ["g h", "b"], VOCABULARY, most=7)
    assert tokens[0].tolist() == [*VOCABULARY.encode("a b c"), END, *VOCABULARY.encode("g h"), END]
    assert (cut, tokens.lengths().tolist()) == (1, [7, 4])


def test_no_pair_is_longer_than_there_is_room() -> None:
    for one in range(1, 12):
        for other in range(1, 12):
            kept = room_for(one, other, 9)
            assert sum(kept) == min(one + other, 9)
            assert kept[0] <= one
            assert kept[1] <= other


def test_rows_are_encoded_in_parts(monkeypatch) -> None:
    texts = [" ".join("abcdefgh"[: 1 + n % 8]) for n in range(25)]
    whole = encoded_pairs(texts, texts[::-1], VOCABULARY, most=10)
    monkeypatch.setattr(rows, "ENCODED_AT_ONCE", 4)
    parts = encoded_pairs(texts, texts[::-1], VOCABULARY, most=10)
    assert parts[1] == whole[1] > 0
    assert np.array_equal(parts[0].values, whole[0].values)
    assert np.array_equal(parts[0].starts, whole[0].starts)


def test_a_report_shows_the_beginnings_of_both_texts(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(rows, "LONGEST", 14)
    tokens, _ = encoded_pairs(["a |\n b"], ["c"], VOCABULARY, most=9)
    held = text_rows(tokens, [joined("a long text,\n of many words", "c")], ["t.csv row 2"], {})
    spec = InputSpec(kind="text-pair", shape=(9,), columns=COLUMNS)
    case = Case(rows=held, index=0, spec=spec, folder=tmp_path, stem="row")
    assert show(case) == {"text": "a long text, … | c"}


def test_a_sample_has_two_texts() -> None:
    spec = InputSpec(kind="text-pair", shape=(12,), symbols=50)
    (tokens,) = sample(spec, 3, "row", torch.Generator().manual_seed(0))
    assert tokens.shape == (3, 12)
    assert (tokens == END).sum(1).tolist() == [2, 2, 2]
    assert (tokens[:, -1] == END).all()
