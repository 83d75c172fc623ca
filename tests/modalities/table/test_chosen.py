"""Label Studio's choices and doccano's lists of labels, from the file to the classes."""

import json
from pathlib import Path
from typing import Any

from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.data.splits import labels_of
from sonde.modalities.open import open_data
from sonde.modalities.table.chosen import choices_of

TEXTS = [f"the film number {n} is {('good', 'bad')[n % 2]} and long enough" for n in range(40)]


def task(number: int, *annotations: dict[str, Any]) -> dict[str, Any]:
    return {"id": number, "data": {"text": TEXTS[number], "meta": {"from": "x"}}, "annotations": [*annotations]}


def answer(*choices: str, cancelled: bool = False) -> dict[str, Any]:
    result = [{"type": "choices", "from_name": "mood", "to_name": "text", "value": {"choices": [*choices]}}]
    return {"was_cancelled": cancelled, "result": result}


def check(found: Dataset) -> None:
    assert found.schema.target.names == ("neg", "pos")
    labels = labels_of(found.splits["train"])
    assert labels is not None
    for row, label in enumerate(labels):
        number = int(found.splits["train"].describe(row).split("row ")[1]) - 1
        assert label == 1 - number % 2
    assert sum(map(len, found.splits.values())) == 39


def test_choices_are_classes_of_their_texts(tmp_path: Path) -> None:
    rows = [task(n, answer(("pos", "neg")[n % 2])) for n in range(40)]
    rows[3] = task(3, answer("pos", cancelled=True))
    (tmp_path / "export.json").write_text(json.dumps(rows), encoding="utf-8")
    check(open_data(tmp_path / "export.json", data_config()))


def test_lists_of_one_label_are_classes(tmp_path: Path) -> None:
    rows = [{"id": n, "text": text, "label": [("pos", "neg")[n % 2]], "Comments": []} for n, text in enumerate(TEXTS)]
    rows[3]["label"] = []
    (tmp_path / "doccano.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    check(open_data(tmp_path / "doccano.jsonl", data_config()))
    check(open_data(tmp_path / "doccano.jsonl", data_config(target=("label",))))


def test_several_choices_are_joined_and_other_rows_left() -> None:
    assert choices_of([task(0, answer("a", "b")), task(1)]) == [{"text": TEXTS[0], "mood": "a|b"}, {"text": TEXTS[1]}]
    assert choices_of([task(0), task(1)]) == []
    assert choices_of([{"data": 1, "annotations": []}]) == []
