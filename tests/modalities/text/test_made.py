import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.vocabulary import END, Characters
from sonde.modalities.text.made import MADE, chosen, gaps, plain, printed, write

WORDS = Characters(tuple("\nabc"))
SCHEMA = Schema(
    input=InputSpec(kind="tokens", shape=(6,), tokenizer=WORDS.to_json(), symbols=WORDS.size),
    target=TargetSpec(kind="next", names=(), tokenizer=WORDS.to_json(), symbols=WORDS.size),
)
A, B, C = 5, 6, 7


def test_tokens_are_text_and_a_text_that_ends_inside_ends_a_line() -> None:
    values = torch.tensor([[A, B, 4, C, A, A], [A, B, END, C, END, END]]).float()
    assert plain(values, SCHEMA) == ["ab\ncaa", "ab\nc"]


def test_texts_are_written_as_one_file_as_lines_of_json_and_as_a_folder(tmp_path: Path) -> None:
    texts = ["ab\n", "c\nd"]
    write(tmp_path / "all.txt", texts, None, SCHEMA)
    assert (tmp_path / "all.txt").read_text() == printed(texts) == "ab\n--------\nc\nd\n"
    write(tmp_path / "all.jsonl", texts, None, SCHEMA)
    assert [json.loads(line)["text"] for line in (tmp_path / "all.jsonl").read_text().splitlines()] == texts
    write(tmp_path / "each", texts, None, SCHEMA)
    assert [file.read_text() for file in sorted((tmp_path / "each").iterdir())] == texts
    assert {".txt", ".jsonl", "/"} == set(MADE.endings)


def test_parts_are_joined_and_chosen() -> None:
    assert MADE.joined([["a"], ["b", "c"]]) == ["a", "b", "c"]
    assert chosen(["a", "b", "c"], np.array([2, 0])) == ["c", "a"]


def test_underscores_are_gaps_of_one_token_each(tmp_path: Path) -> None:
    known, keep = gaps("a__b", SCHEMA)
    assert known.tolist() == [[A, 0, 0, B]]
    assert keep.tolist() == [[1, 0, 0, 1]]
    (tmp_path / "gaps.txt").write_text("a_\nb\n")
    assert gaps(str(tmp_path / "gaps.txt"), SCHEMA)[0].tolist() == [[A, 0, 4, B]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "--known 'abc' has no gap; write _ for each token that is to be made"),
        ("abcabc_", "--known has 7 tokens, and the model reads 6; shorten it"),
        ("aß_", "'aß_' has 'ß', which does not occur in the training text; leave it out"),
        ("", "there is no text in it"),
    ],
)
def test_what_cannot_be_filled_in_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        gaps(text, SCHEMA)
