import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.open import open_data, open_like
from sonde.modalities.text.question_inputs import rows_for_questions

CITIES = ("Paris", "Rome", "Oslo", "Bern", "Wien", "Kyiv", "Lima", "Bonn", "Riga", "Doha")
ROWS = [
    {
        "context": f"The town of {city} lies at a river. It has number {n}.",
        "question": f"Which town lies at river {n}?",
        "answer": city,
    }
    for n, city in enumerate(CITIES)
    for _ in range(2)
]


def frame(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(frame(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        lines = [rows[0].keys(), *(row.values() for row in rows)]
        cells = (",".join('"' + str(cell).replace('"', '""') + '"' for cell in line) for line in lines)
        path.write_text("\n".join(cells) + "\n", encoding="utf-8")
    return path


def spans(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As Hugging Face has SQuAD."""
    return [
        {
            **row,
            "id": str(n),
            "answers": {"text": [row["answer"]], "answer_start": [row["context"].index(row["answer"])]},
        }
        for n, row in enumerate(rows)
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
@pytest.mark.parametrize("nested", [False, True])
def test_questions_in_a_table_are_answered_by_spans_of_their_contexts(tmp_path: Path, name: str, nested: bool) -> None:
    rows = [{k: v for k, v in row.items() if k != "answer"} for row in spans(ROWS)] if nested else ROWS
    found = open_data(write(tmp_path / name, rows), data_config(test=0.0, validation=0.0))
    assert (found.suggestion or "", found.schema.target.kind, len(found.splits["train"])) == ("", "span", 20)
    assert found.warnings == []
    batch = found.splits["train"].read(np.arange(20))
    widths = batch["target"][:, 1] - batch["target"][:, 0]
    assert (batch["target"][:, 0] > 0).all()
    assert (widths >= 0).all()
    held = open_data(tmp_path / name, DataConfig(test=0.3))
    texts = {
        split: {rows.describe(n) for n in range(len(rows))} for split, rows in held.splits.items()
    }  # both questions about a context stay together
    assert sum(map(len, texts.values())) == 20
    assert all(len(found) % 2 == 0 for found in texts.values())


def test_answers_that_are_no_spans_leave_a_table_what_it_was(tmp_path: Path) -> None:
    rows = [{**row, "answer": ("yes", "no")[n % 2]} for n, row in enumerate(ROWS)]
    assert open_data(write(tmp_path / "a.csv", rows), data_config(target=("answer",))).schema.target.kind == "class"


def test_an_answer_that_is_not_in_its_context_is_named_or_skipped(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [*ROWS, {**ROWS[0], "answer": "Atlantis"}, {**ROWS[0], "answer": ""}])
    with pytest.raises(DataError, match="^a.csv row 22: answer 'Atlantis' is not in its context; .*--skip-unreadable"):
        open_data(file, data_config())
    found = open_data(file, data_config(skip_unreadable=True))
    assert sorted(found.warnings) == [
        "1 questions whose answer is not at answer_start were skipped, such as a.csv row 22",
        "1 questions without an answer and without a column is_impossible were skipped, such as a.csv row 23",
    ]


def test_tables_of_squad_2_keep_their_unanswerable_questions(tmp_path: Path) -> None:
    flagged = [{**row, "is_impossible": False} for row in ROWS]
    flagged += [{**ROWS[0], "question": "and who flew over it?", "answer": "", "is_impossible": True}]
    found = open_data(write(tmp_path / "a.csv", flagged), data_config(validation=0.0, test=0.0))
    assert found.schema.target.names == ("start", "end", "no answer")
    assert found.splits["train"].read(np.array([len(ROWS) - 1, len(ROWS)]))["target"].tolist()[1] == [0, 0]
    lists = [
        {**row, "answers": {"text": [row["answer"]], "answer_start": [row["context"].index(row["answer"])]}}
        for row in ROWS
    ]
    lists += [{**ROWS[0], "question": "and who flew over it?", "answers": {"text": [], "answer_start": []}}]
    for row in lists:
        del row["answer"]
    found = open_data(write(tmp_path / "b.jsonl", lists), data_config(validation=0.0, test=0.0))
    assert len(found.splits["train"]) == len(ROWS) + 1
    assert "learned as unanswerable" in found.warnings[0]


def test_a_trained_model_is_evaluated_and_asked_by_tables(tmp_path: Path) -> None:
    schema = open_data(write(tmp_path / "a.csv", ROWS), data_config()).schema
    again = open_like(write(tmp_path / "b.jsonl", ROWS[:6]), schema, data_config())
    assert {split: len(rows) for split, rows in again.splits.items()} == {"test": 6}
    asked = [{k: v for k, v in row.items() if k != "answer"} for row in ROWS[:4]]
    rows, names = rows_for_questions(str(write(tmp_path / "c.csv", asked)), schema)
    assert (len(rows), names) == (4, [row["question"] for row in asked])
    with pytest.raises(DataError, match="d.csv has no columns question and context"):
        rows_for_questions(str(write(tmp_path / "d.csv", [{"text": "a"}])), schema)


def test_contexts_are_never_taken_for_names_of_images(tmp_path: Path) -> None:
    """A context is longer than a system lets names of files be, and ends as names do."""
    context = (
        "The film was shown for three weeks in the old theatre by the river; it was seen by many. " * 4 + "See x.jpg"
    )
    rows = [f'"{n} {context}","what is it {n}?","film"' for n in range(30)]
    (tmp_path / "qa.csv").write_text("context,question,answer\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert open_data(str(tmp_path / "qa.csv"), DataConfig()).schema.target.kind == "span"
