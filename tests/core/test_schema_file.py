import json
from dataclasses import replace
from pathlib import Path

import pytest

from sonde.core.dataset import Column, InputSpec, Schema, TargetSpec
from sonde.core.errors import RunFolderError
from sonde.core.run_folder import RunFolder
from sonde.core.schema_file import read_schema, write_schema
from sonde.core.vocabulary import characters_of, words_of

LETTERS = characters_of(["acgt"])
WORDS = words_of(["a film"], most=9)


def of_tokens(target: TargetSpec) -> Schema:
    input = InputSpec(kind="tokens", shape=(60,), tokenizer=LETTERS.to_json(), symbols=LETTERS.size, column="c3")
    return Schema(input=input, target=target)


CLASSES = TargetSpec(kind="class", names=("EI", "IE"))
NEXT = TargetSpec(kind="next", names=("next",), tokenizer=LETTERS.to_json(), symbols=LETTERS.size)
OTHER = TargetSpec(kind="tokens", names=("de",), tokenizer=WORDS.to_json(), symbols=WORDS.size)
TABLE = Schema(
    input=InputSpec(
        kind="table",
        shape=(2,),
        columns=(
            Column(name="age", kind="number", source="age", mean=30.5, std=2.0, quantiles=(-1.0, 1.0)),
            Column(name="sex", kind="category", source="sex", categories=("f", "m")),
        ),
    ),
    target=TargetSpec(kind="value", names=("fare",), mean=(3.0,), std=(1.5,)),
)


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        (TABLE, []),
        (of_tokens(CLASSES), ["tokenizer.json"]),
        (of_tokens(NEXT), ["tokenizer.json"]),
        (of_tokens(OTHER), ["target-tokenizer.json", "tokenizer.json"]),
        (Schema(input=InputSpec(kind="audio", shape=(99,), rate=8000), target=OTHER), ["target-tokenizer.json"]),
    ],
    ids=["table", "classes", "same vocabulary", "two vocabularies", "vocabulary of the target alone"],
)
def test_what_is_written_is_read_back_equal(tmp_path: Path, schema: Schema, files: list[str]) -> None:
    folder = RunFolder(tmp_path)
    write_schema(folder, schema)
    assert read_schema(folder) == schema
    assert sorted(file.name for file in tmp_path.glob("*tokenizer.json")) == files


def test_a_vocabulary_stands_in_its_own_file_only(tmp_path: Path) -> None:
    write_schema(RunFolder(tmp_path), of_tokens(CLASSES))
    assert "tokenizer" not in (tmp_path / "schema.json").read_text()
    assert (tmp_path / "tokenizer.json").read_text() == LETTERS.to_json()


def test_a_schema_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """Fields that came later have their defaults."""
    schema = replace(TABLE, target=replace(TABLE.target, shape=()))
    write_schema(RunFolder(tmp_path), schema)
    saved = json.loads((tmp_path / "schema.json").read_text())
    for name in ("column", "rate", "symbols"):
        del saved["input"][name]
    for name in ("shape", "symbols"):
        del saved["target"][name]
    (tmp_path / "schema.json").write_text(json.dumps(saved))
    assert read_schema(RunFolder(tmp_path)) == schema


def test_a_folder_without_a_schema_says_so(tmp_path: Path) -> None:
    with pytest.raises((RunFolderError, FileNotFoundError), match=r"schema\.json"):
        read_schema(RunFolder(tmp_path))
