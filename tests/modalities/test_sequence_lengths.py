from pathlib import Path

import numpy as np
from sample_settings import data_config

from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.data.ragged import RaggedRows, end_to_end
from sonde.modalities.inspect import inspect
from sonde.modalities.sequence_lengths import length_tables, row_digests
from sonde.modalities.text.rows import text_rows

TOKENS = [[4, 5, 1], [4], [5, 5], [4, 5, 1], [4]]


def rows() -> RaggedRows:
    return RaggedRows(ragged={"input": end_to_end(TOKENS)}, names=[f"row {n}" for n in range(5)])


def test_rows_are_the_same_whatever_they_are_padded_to() -> None:
    keys = row_digests(rows())
    assert keys is not None
    assert keys[0] == keys[3]
    assert keys[1] == keys[4]
    assert len(set(keys)) == 3


def test_texts_are_compared_as_they_stand_and_not_by_their_tokens() -> None:
    named = text_rows(end_to_end([[1], [1]]), ["zany", "wacky"], ["a", "b"], {})
    keys = row_digests(named)
    assert keys is not None
    assert keys[0] != keys[1]


def test_lengths_and_the_unknown_are_counted_by_split() -> None:
    spec = Schema(
        input=InputSpec(kind="tokens", shape=(3,), symbols=6), target=TargetSpec(kind="class", names=("a", "b"))
    )
    found = length_tables(Dataset(name="x", source="x", form="x", schema=spec, splits={"train": rows()}, facts=[]))
    assert found == [
        (
            "lengths in tokens",
            ("split", "shortest", "median", "longest", "unknown"),
            (("train", "1", "2", "3", "20.00 %"),),
        )
    ]


def test_a_look_at_a_table_of_texts_finds_repeats_and_leaks(tmp_path: Path) -> None:
    words = np.random.default_rng(0).choice(["film", "charm", "plot", "wit", "cast", "rare"], (40, 7))
    texts = [" ".join(row) for row in words]
    texts[7] = texts[5]
    body = [f"{text}\t{n % 2}\n" for n, text in enumerate(texts)]
    (tmp_path / "train.tsv").write_text("text\tlabel\n" + "".join(body[:30]))
    (tmp_path / "test.tsv").write_text("text\tlabel\n" + "".join([*body[30:], body[2]]))
    found = inspect(tmp_path, data_config(target=("label",), validation=0))
    said = {finding.check: finding.evidence for finding in found.findings}
    across, within = said["exact copies across splits"], said["exact copies within a split"]
    assert "1 of 11 test rows are also in another split: train train.tsv row 4 = test test.tsv row 12" in across
    assert "1 rows repeat another of their split: train train.tsv row 7 = train train.tsv row 9" in within
    titles = [table.title for table in found.tables]
    assert titles == ["classes", "lengths in tokens", "shortest and longest training rows"]
