import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.vocabulary import read_vocabulary
from sonde.modalities.open import open_data, open_like
from sonde.modalities.text.prompts import rows_for_prompts
from sonde.modalities.text.windows import Windows

ALL = {"test": 0.0, "validation": 0.0}
TEXTS = [f"the small film number {n} says {'abcdef'[n % 6]}" for n in range(40)]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    lines = [json.dumps(row) for row in rows]
    if path.suffix == ".json":
        path.write_text(f"[{', '.join(lines)}]", encoding="utf-8")
    elif path.suffix == ".csv":
        cells = [list(rows[0]), *(list(row.values()) for row in rows)]
        path.write_text("\n".join(",".join(f'"{cell}"' for cell in line) for line in cells), encoding="utf-8")
    else:
        path.write_text("\n".join(lines), encoding="utf-8")
    return path


def text_of(found: Dataset, split: str = "train") -> str:
    rows = found.splits[split]
    assert isinstance(rows, Windows)
    return read_vocabulary(found.schema.input.tokenizer).decode(np.asarray(rows.tokens).tolist())


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
@pytest.mark.parametrize("task", [None, "language-model"])
def test_one_column_of_texts_is_continued(tmp_path: Path, name: str, task: str | None) -> None:
    found = open_data(write(tmp_path / name, [{"text": text} for text in TEXTS]), data_config(**ALL), task=task)
    assert found.schema.target.kind == "next"
    assert text_of(found) == "".join(TEXTS)
    assert found.warnings == []
    held = open_data(tmp_path / name, data_config(test=0.2, validation=0.1))
    lengths = {split: len(text_of(held, split)) for split in held.splits}
    assert sum(lengths.values()) == len("".join(TEXTS))
    assert lengths["train"] > lengths["test"] > lengths["validation"] > 0


def test_chats_and_prompts_are_joined_and_that_is_said(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "who is it?"}, {"role": "assistant", "content": "it is me."}]
    found = open_data(write(tmp_path / "chat.jsonl", [{"messages": turns}] * 30), data_config(**ALL))
    assert text_of(found) == "user: who is it?\nassistant: it is me." * 30
    assert found.warnings[0].startswith(
        "chats in 'messages' are written as lines “role: content”, and all turns are learned"
    )
    shared = [{"from": "human", "value": "who is it?"}, {"from": "gpt", "value": "it is me."}]
    found = open_data(write(tmp_path / "sharegpt.jsonl", [{"conversations": shared}] * 30), data_config(**ALL))
    assert text_of(found) == "human: who is it?\ngpt: it is me." * 30
    rows = [{"prompt": "what is it?", "completion": f" it is {n}."} for n in range(30)]
    found = open_data(write(tmp_path / "prompts.jsonl", rows), data_config(**ALL))
    assert text_of(found) == "".join(f"what is it? it is {n}." for n in range(30))
    assert (
        found.warnings[0]
        == "prompt, completion are joined to one text, and all of it is learned, not only 'completion'"
    )
    rows = [{"instruction": "add them", "input": "" if n % 2 else "1 2", "output": f"{n}"} for n in range(30)]
    found = open_data(write(tmp_path / "alpaca.json", rows), data_config(**ALL))
    assert text_of(found).startswith("add them\n1 2\n0add them\n1")


def test_texts_with_labels_stay_what_they_are_unless_a_language_model_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{"text": text, "label": n % 2} for n, text in enumerate(TEXTS)])
    assert open_data(file, data_config()).schema.target.kind == "class"
    assert text_of(open_data(file, data_config(**ALL), task="language-model")) == "".join(TEXTS)


def test_a_trained_model_is_evaluated_and_asked_by_tables(tmp_path: Path) -> None:
    schema = open_data(write(tmp_path / "a.csv", [{"text": text} for text in TEXTS]), data_config()).schema
    again = open_like(write(tmp_path / "b.jsonl", [{"text": text} for text in TEXTS[:9]]), schema, data_config())
    assert list(again.splits) == ["test"]
    assert text_of(again, "test") == "".join(TEXTS[:9])
    rows, names = rows_for_prompts(str(write(tmp_path / "c.jsonl", [{"prompt": text} for text in TEXTS[:3]])), schema)
    assert (len(rows), names[0]) == (3, "c.jsonl row 1")
    with pytest.raises(DataError, match="d.jsonl: no such file"):
        rows_for_prompts("d.jsonl", schema)


def test_rows_without_text_are_counted(tmp_path: Path) -> None:
    rows = [{"text": text} for text in (*TEXTS[:20], "", *TEXTS[20:])]
    found = open_data(write(tmp_path / "a.jsonl", rows), data_config(**ALL))
    assert found.warnings == ["1 of 41 rows have no text and are dropped, first a.jsonl row 21"]


def test_pairs_of_chosen_and_rejected_answers_are_refused_by_name(tmp_path: Path) -> None:
    rows = [{"prompt": text, "chosen": f"good {n}", "rejected": f"bad {n}"} for n, text in enumerate(TEXTS)]
    with pytest.raises(DataError, match="holds pairs of a chosen and a rejected answer"):
        open_data(write(tmp_path / "dpo.jsonl", rows), data_config())
    kept = [{"prompt": row["prompt"], "completion": row["chosen"]} for row in rows]  # as the error says
    assert open_data(write(tmp_path / "sft.jsonl", kept), data_config(**ALL)).schema.target.kind == "next"


def test_turns_without_text_are_left_out_and_counted_and_parts_are_joined(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "what is it"}, {"type": "image_url", "image_url": "x"}]},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": "a lamp"},
    ]
    file = write(tmp_path / "chats.json", [{"messages": turns} for _ in range(30)])
    found = open_data(file, data_config(**ALL))
    assert "30 turns in 'messages' have no text (tool calls, images) and are left out" in found.warnings
    assert text_of(found).startswith("user: what is it\nassistant: a lamp")
