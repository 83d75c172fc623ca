"""Tables of pairs, from the file to a trained model, through the doors that users take."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from sample_settings import data_config

import sonde
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.vocabulary import END
from sonde.data.splits import targets_of
from sonde.modalities.open import open_data, open_like
from sonde.modalities.text.rows import texts_of

ANIMALS = ["dog", "cat", "horse", "bird", "fish", "cow", "goat", "sheep", "duck", "hen"]
VERBS = ["runs", "sleeps", "eats", "jumps", "swims", "sings", "plays", "waits"]
CONFIG = DataConfig(test=0.2)


def pairs(rows: int, seed: int = 0) -> list[dict[str, str]]:
    """Whether the second sentence is about the animal of the first; no text stands in two rows."""
    draw = random.Random(seed)
    found = []
    for n in range(rows):
        same = n % 2 == 0
        one = draw.choice(ANIMALS)
        other = one if same else draw.choice([animal for animal in ANIMALS if animal != one])
        found.append(
            {
                "premise": f"row {n} says that the {one} {draw.choice(VERBS)} now",
                "hypothesis": f"we see in {n} how a {other} {draw.choice(VERBS)}",
                "label": "same" if same else "other",
            }
        )
    return found


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    frame = pd.DataFrame(rows)
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".tsv":
            frame.to_csv(path, index=False, sep="\t")
        case ".parquet":
            pa_parquet.write_table(pa.Table.from_pandas(frame), path)
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def facts(dataset: Dataset) -> str:
    return "; ".join(f"{fact.what} ({fact.why})" for fact in dataset.facts)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".jsonl"])
def test_every_kind_of_table_is_read_as_pairs(tmp_path: Path, ending: str) -> None:
    dataset = open_data(write(tmp_path / f"pairs{ending}", pairs(60)), CONFIG)
    spec = dataset.schema.input
    assert (spec.kind, spec.read_as) == ("text-pair", "tokens")
    assert [column.name for column in spec.columns] == ["premise", "hypothesis"]
    assert dataset.schema.target.names == ("other", "same")
    assert {split: len(rows) for split, rows in dataset.splits.items()} == {"train": 43, "validation": 5, "test": 12}
    tokens = dataset.splits["train"].read(np.arange(43))["input"]
    assert ((tokens == END).sum(1) == 2).all()
    assert "60 pairs of texts (columns 'premise' and 'hypothesis': their names)" in facts(dataset)
    assert not dataset.warnings


def test_a_frame_and_a_folder_of_splits_are_read_too(tmp_path: Path) -> None:
    for split, rows in (("train", 40), ("dev", 10), ("test", 10)):
        write(tmp_path / f"{split}.tsv", pairs(rows, seed=rows))
    dataset = open_data(tmp_path, DataConfig())
    assert {split: len(rows) for split, rows in dataset.splits.items()} == {"train": 40, "validation": 10, "test": 10}
    frame = open_data(pd.DataFrame(pairs(60)), CONFIG)
    assert frame.schema.input.kind == "text-pair"
    assert open_like(pd.DataFrame(pairs(20)), frame.schema, data_config(target="label")).schema == frame.schema


def test_numbers_are_values(tmp_path: Path) -> None:
    rows = [{**row, "label": f"{n / 7:.3f}"} for n, row in enumerate(pairs(60))]
    dataset = open_data(write(tmp_path / "pairs.csv", rows), CONFIG)
    assert dataset.schema.target.kind == "value"
    assert abs(float(targets_of(dataset.splits["train"]).mean())) < 1e-6


def test_rows_that_share_a_text_stay_in_one_split(tmp_path: Path) -> None:
    rows = [{**row, "premise": f"the premise with number {n // 3} is here"} for n, row in enumerate(pairs(90))]
    dataset = open_data(write(tmp_path / "pairs.csv", rows), CONFIG)
    premises = {}
    for split, held in dataset.splits.items():
        texts = texts_of(held)
        assert texts is not None
        premises[split] = {text.split("\n")[0] for text in texts}
    assert sum(map(len, premises.values())) == len(set.union(*premises.values())) == 30
    assert "rows that share a text are kept in the same split" in facts(dataset)


def test_groups_that_are_named_stay_in_one_split(tmp_path: Path) -> None:
    rows = [{**row, "author": f"author {n // 6}"} for n, row in enumerate(pairs(90))]
    dataset = open_data(write(tmp_path / "pairs.csv", rows), data_config(test=0.2, target=("label",), group="author"))
    numbers = {
        split: {int(re.findall(r"row (\d+)", text)[0]) // 6 for text in texts_of(held) or ()}
        for split, held in dataset.splits.items()
    }
    assert sum(map(len, numbers.values())) == len(set.union(*numbers.values())) == 15
    assert "whole groups of 'author'" in facts(dataset)
    assert not dataset.warnings


def test_no_pair_is_read_where_none_is_wanted(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", [{**row, "stars": str(n % 5)} for n, row in enumerate(pairs(60))])
    assert open_data(path, data_config(pair=("none",), target=("label",))).schema.input.kind == "table"
    sums = tmp_path / "sums.csv"
    pd.DataFrame({"x": [n % 7 for n in range(60)], "y": [0, 1] * 30}).to_csv(sums, index=False)
    assert open_data(sums, data_config(pair=("none",), target=("y",))).schema.input.kind == "table"


def test_a_class_that_may_mean_no_label_is_named(tmp_path: Path) -> None:
    rows = [{**row, "label": str(n % 4 - 1)} for n, row in enumerate(pairs(60))]
    dataset = open_data(write(tmp_path / "pairs.csv", rows), CONFIG)
    assert dataset.warnings == [
        "'label' has a class -1 beside 0 and more, which often marks rows without a label; remove them if so"
    ]


def test_the_target_that_training_found_is_found_again(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", pairs(60))
    schema = open_data(path, CONFIG).schema
    assert len(open_like(path, schema, DataConfig()).splits["test"]) == 60


def test_where_nearly_all_rows_share_a_text_that_is_said(tmp_path: Path) -> None:
    rows = [{**row, "premise": "the very same premise of all", "hypothesis": row["hypothesis"]} for row in pairs(60)]
    config = data_config(test=0.2, pair=("premise", "hypothesis"))
    dataset = open_data(write(tmp_path / "pairs.csv", rows), config)
    assert "texts of validation rows also occur in training rows" in dataset.warnings[0]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    rows = pairs(60)
    rows[3]["hypothesis"], rows[4]["label"], rows[7]["label"] = "", "", "-"
    rows = [{**row, "source": f"paper {n % 3}"} for n, row in enumerate(rows)]
    dataset = open_data(write(tmp_path / "pairs.tsv", rows), data_config(target="label", max_tokens=12))
    said = "\n".join(dataset.warnings)
    assert "'source' is not read: only the two texts are inputs of the model" in said
    assert "pairs.tsv: 2 of 60 rows have no 'label' and are dropped" in said
    assert "1 of 58 rows of pairs.tsv lack a text and are dropped, first pairs.tsv row 5" in said
    assert "rows are longer than 12 tokens and are truncated (--max-tokens)" in said
    assert dataset.schema.target.names == ("other", "same")


def test_several_possible_targets_are_asked_for_and_settings_of_others_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", [{**row, "stars": str(n % 5)} for n, row in enumerate(pairs(60))])
    with pytest.raises(DataError, match="which column is the target\\? Use --target 'label'"):
        open_data(path, CONFIG)
    with pytest.raises(DataError, match="was not read as a table; leave --time out"):
        open_data(path, data_config(target="label", time="stars"))
    single = tmp_path / "single.csv"
    pd.DataFrame({"x": range(60), "y": [0, 1] * 30}).to_csv(single, index=False)
    with pytest.raises(DataError, match="has no column 'a' to read as text"):
        open_data(single, data_config(target="y", pair=("a", "b")))


def test_a_class_that_was_not_trained_on_is_refused(tmp_path: Path) -> None:
    schema = open_data(write(tmp_path / "pairs.csv", pairs(60)), CONFIG).schema
    strange = write(tmp_path / "new.csv", [*pairs(10), {"premise": "a b c", "hypothesis": "d e f", "label": "odd"}])
    with pytest.raises(DataError, match=r"new.csv row 12: 'label' is 'odd', a class that training rows do not have"):
        open_like(strange, schema, data_config(target="label"))


def test_a_reader_learns_what_only_both_texts_together_tell(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", pairs(600))
    run = sonde.train(path, epochs=6, model="pair-reader", threads=1, quiet=True, out=tmp_path / "run", test=0.2)
    assert run.result["metrics"]["test"]["accuracy"] > 0.9
    one, other = run.predict([("the dog runs", "a dog sleeps"), ("the dog runs", "a cat sleeps")])
    assert (one["prediction"], other["prediction"]) == ("same", "other")
    asked = {"premise": "the hen waits", "hypothesis": "a hen eats"}
    assert (
        run.predict(asked)[0]["prediction"] == run.predict(("the hen waits", "a hen eats"))[0]["prediction"] == "same"
    )
    assert run.predict(path)[0]["prediction"] == "same"
    page = run.report().read_text(encoding="utf-8")
    assert re.search(r"row \d+ says that the \w+ \w+ now \| we see in \d+ how", page)
