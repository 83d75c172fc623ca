import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.json_lines import read_json_lines, read_json_list
from sonde.modalities.table.read import read_table, table_suffix

ROWS = [{"text": "a fox", "label": 1}, {"text": "two dogs", "label": 0, "note": "late"}, {"text": None, "label": 1}]


def written(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_columns_are_the_keys_and_missing_ones_are_null(tmp_path: Path) -> None:
    found = read_json_lines(written(tmp_path / "t.jsonl", ROWS))

    assert {name: column.to_pylist() for name, column in found.items()} == {
        "text": ["a fox", "two dogs", None],
        "label": [1, 0, 1],
        "note": [None, "late", None],
    }


def test_values_of_several_types_become_text(tmp_path: Path) -> None:
    rows = [{"label": 1, "other": [1]}, {"label": "-", "other": [2, 3]}, {"label": None, "other": []}]

    found = read_json_lines(written(tmp_path / "t.jsonl", rows))

    assert found["label"].to_pylist() == ["1", "-", None]
    assert pa.types.is_list(found["other"].type)


def test_a_table_is_read_from_plain_and_gzipped_lines(tmp_path: Path) -> None:
    plain = written(tmp_path / "t.ndjson", ROWS)
    packed = tmp_path / "t.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    one, other = read_table(plain), read_table(packed)

    assert table_suffix(packed) == ".jsonl"
    assert {n: c.to_pylist() for n, c in one.columns.items()} == {n: c.to_pylist() for n, c in other.columns.items()}
    assert one.place(0) == "t.ndjson row 1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a": \n', "t.jsonl line 2 is not valid JSON"),
        (b'{"a": 1}\n\n[1, 2]\n', "t.jsonl line 3 holds list"),
        (b'{"a": "\xff"}\n', "t.jsonl line 1 is not UTF-8"),
        (b"\n", "t.jsonl holds no rows"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)

    with pytest.raises(DataError, match=message):
        read_table(path)


def test_names_of_columns_are_refused_where_the_file_has_its_own(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names its own columns; leave --columns out"):
        read_table(written(tmp_path / "t.jsonl", ROWS), ["a", "b"])


def test_a_list_of_objects_is_a_table_and_other_json_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(' [ {"a": 1, "b": "x"},\n {"a": 2}]', encoding="utf-8")
    table = read_table(tmp_path / "a.json")
    assert {name: column.to_pylist() for name, column in table.columns.items()} == {"a": [1, 2], "b": ["x", None]}
    (tmp_path / "b.json").write_text('{"data": [{"a": 1}]}', encoding="utf-8")
    assert (table_suffix(tmp_path / "a.json"), table_suffix(tmp_path / "b.json")) == (".json", "")
    for content, message in (
        ('[{"a": 1}, 2]', "b.json row 2 is not an object"),
        ('[{"a": ', "b.json is not valid JSON"),
    ):
        (tmp_path / "b.json").write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / "b.json")


def test_a_number_beyond_64_bits_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"a": 1}, {"a": 100000000000000000000}]', encoding="utf-8")
    assert read_json_list(tmp_path / "a.json")["a"].to_pylist() == ["1", "100000000000000000000"]


def test_lines_of_json_in_a_json_file_are_a_table_and_one_object_is_none(tmp_path: Path) -> None:
    lines = written(tmp_path / "reviews.json", ROWS)
    assert (table_suffix(lines), read_table(lines).columns["label"].to_pylist()) == (".json", [1, 0, 1])
    for name, text in (("one.json", json.dumps({"a": 1})), ("pretty.json", json.dumps({"a": {"b": 1}}, indent=1))):
        (tmp_path / name).write_text(text + "\n")
        assert table_suffix(tmp_path / name) == ""


def test_chats_that_stand_in_a_list_each_are_one_column(tmp_path: Path) -> None:
    chats = [[{"from": "human", "value": "hi"}, {"from": "gpt", "value": f"yes {n}"}] for n in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(chats))
    assert read_table(tmp_path / "a.json").columns["messages"].to_pylist() == chats
    (tmp_path / "b.json").write_text(json.dumps([chats[0], {"a": 1}]))
    with pytest.raises(DataError, match="b.json row 1 is not an object"):
        read_table(tmp_path / "b.json")
