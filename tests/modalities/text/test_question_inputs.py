from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_questions import content, write

from sonde.core.code_points import text_of
from sonde.core.config import DataConfig
from sonde.core.dataset import Schema
from sonde.core.errors import DataError
from sonde.modalities.inputs import rows_for
from sonde.modalities.open import open_data


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    return open_data(write(tmp_path / "facts.json", content(4)), DataConfig()).schema


PAIR = ("Who built it?", "It was built by Anna Weber in 1907.")


@pytest.mark.parametrize("given", [PAIR, [PAIR], {"question": PAIR[0], "context": PAIR[1]}, [list(PAIR)]])
def test_a_question_with_its_context_in_memory(given: Any, schema: Schema) -> None:
    rows, names = rows_for(given, schema)
    assert names == ["Who built it?"]
    fields = rows.read(np.array([0]))
    assert text_of(fields["context"][0]) == PAIR[1]
    assert text_of(fields["question"][0]) == PAIR[0]


def test_a_context_that_is_asked_twice_is_held_once(schema: Schema) -> None:
    rows, _ = rows_for([PAIR, ("When?", PAIR[1])], schema)
    assert len(rows) == 2
    assert len(rows.passages.text) == 1  # type: ignore[attr-defined]


def test_a_file_needs_no_answers(schema: Schema, tmp_path: Path) -> None:
    given = content(2)
    for entry in given["data"][0]["paragraphs"][0]["qas"]:
        del entry["answers"]
    rows, names = rows_for([str(write(tmp_path / "ask" / "ask.json", given))], schema)
    assert len(rows) == 18
    assert names[0] == given["data"][0]["paragraphs"][0]["qas"][0]["question"]
    again, _ = rows_for(str(tmp_path / "ask"), schema)
    assert len(again) == 18


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            [("Who?", "")],
            r"input 0 is not a question with a context; give a file of SQuAD's JSON, "
            r"a table with columns question and context, or pairs \(question, context\)",
        ),
        ([{"question": "Who?"}], "input 0 is not a question with a context"),
        (7, "the model answers questions, and the input is of type int; give a file of SQuAD's JSON"),
        ([], "the model answers questions, and the input is of type list"),
        (
            ["a.json", "b.json"],
            "a.json: only one file of questions at a time can be answered; give a file of SQuAD's JSON",
        ),
        ("nothing.json", "nothing.json is not a file of questions; give a file of SQuAD's JSON"),
    ],
)
def test_anything_else_is_refused(given: Any, message: str, schema: Schema) -> None:
    with pytest.raises(DataError, match=message):
        rows_for(given, schema)
