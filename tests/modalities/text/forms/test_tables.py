"""Tables of text, from the file to the rows, through the door that users take."""

import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.vocabulary import UNKNOWN, Characters, Subwords, Words, read_vocabulary
from sonde.data.splits import labels_of, targets_of
from sonde.modalities.open import open_data, open_like
from sonde.modalities.text.rows import text_of, texts_of

GOOD, BAD = ["charm", "funny", "stirring", "rare"], ["dull", "plot", "twist", "waste"]
PLAIN = ["a", "film", "of", "the", "and", "with", "no", "cast", "story", "for", "all"]
CONFIG = DataConfig(test=0.2)


def sentence(draw: random.Random, label: int) -> str:
    words = draw.choices(PLAIN, k=draw.randint(5, 9)) + [draw.choice(GOOD if label else BAD)]
    draw.shuffle(words)
    return " ".join(words)


def lines(rows: int, *, seed: int = 0) -> list[tuple[str, int]]:
    draw = random.Random(seed)
    return [(sentence(draw, n % 2), n % 2) for n in range(rows)]


def write(path: Path, rows: list[tuple[str, int]], *, header: str = "", sep: str = "\t") -> Path:
    path.write_text("".join([header + "\n"] * bool(header)) + "".join(f"{text}{sep}{label}\n" for text, label in rows))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Train, dev and test without a header, as SST-2 has them; dev begins with a short sentence."""
    write(tmp_path / "train.tsv", lines(80))
    write(tmp_path / "dev.tsv", [("one long string of cliches", 0), *lines(20, seed=1)])
    write(tmp_path / "test.tsv", lines(30, seed=2))
    return tmp_path


def facts(dataset: Dataset) -> str:
    return "; ".join(f"{fact.what} ({fact.why})" for fact in dataset.facts)


def test_a_folder_without_headers_is_text_to_be_classified(folder: Path) -> None:
    found = open_data(folder, DataConfig())
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 80, "validation": 21, "test": 30}
    assert found.schema.target.names == ("0", "1")
    assert (found.schema.input.kind, found.schema.input.column) == ("tokens", "c1")
    assert texts_of(found.splits["train"]) == [text for text, _ in lines(80)]
    assert labels_of(found.splits["test"]).tolist() == [label for _, label in lines(30, seed=2)]
    assert found.splits["validation"].describe(0) == "dev.tsv row 1"
    told = facts(found)
    assert "no header, so the columns are called c1, c2 (the first row looks like data)" in told
    assert "column 'c2' is to be predicted (the only other column; --target selects another)" in told
    assert "80 train + 21 validation + 30 test texts" in told


def test_the_vocabulary_is_of_training_rows_alone(folder: Path) -> None:
    write(folder / "test.tsv", [("a film for zanies zanies zanies", 1), *lines(3)])
    found = open_data(folder, DataConfig())
    words = read_vocabulary(found.schema.input.tokenizer)
    assert isinstance(words, Words)
    assert "zanies" not in words.symbols
    assert set(words.symbols) <= set(" ".join(text for text, _ in lines(80)).split())
    assert found.splits["test"].read(np.array([0]))["input"][0].tolist()[-3:] == [UNKNOWN] * 3


def test_a_table_with_a_header_is_split_and_judged_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "reviews.csv", lines(100), header="text,stars", sep=",")
    found = open_data(path, CONFIG)
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 72, "validation": 8, "test": 20}
    seen = [text_of(rows, n) for rows in found.splits.values() for n in range(len(rows))]
    assert sorted(seen) == sorted(text for text, _ in lines(100))
    by_place = {f"reviews.csv row {n}": text for n, (text, _) in enumerate(lines(100), start=2)}
    rows = found.splits["test"]
    assert all(by_place[rows.describe(n)] == text_of(rows, n) for n in range(20))


def test_values_and_labels_are_predicted_from_text_too(tmp_path: Path) -> None:
    body = "".join(f"{text},{label},{1 - label},{n / 7}\n" for n, (text, label) in enumerate(lines(60)))
    (tmp_path / "t.csv").write_text("text,good,bad,score\n" + body)
    labels = open_data(tmp_path / "t.csv", data_config(target=("good", "bad")))
    assert labels.schema.target.kind == "labels"
    assert labels.splits["train"].read(np.array([0]))["target"].dtype == np.float32
    values = open_data(tmp_path / "t.csv", data_config(target=("score",)))
    assert values.schema.target.kind == "value"
    train = targets_of(values.splits["train"])
    assert abs(train.mean()) < 1e-6
    assert abs(train.std() - 1) < 1e-6
    assert "left out good, bad (only the text column is an input of the model)" in facts(values)


@pytest.mark.parametrize(("kind", "type_of"), [("characters", Characters), ("bpe", Subwords), ("words", Words)])
def test_text_is_cut_as_asked(folder: Path, kind: str, type_of: type) -> None:
    found = open_data(folder, data_config(tokenizer=kind, vocabulary=30))  # type: ignore[arg-type]
    vocabulary = read_vocabulary(found.schema.input.tokenizer)
    assert isinstance(vocabulary, type_of)
    assert vocabulary.size <= 30
    assert found.schema.input.symbols == vocabulary.size


def test_long_rows_are_cut_and_counted(folder: Path) -> None:
    found = open_data(folder, data_config(max_tokens=7))
    assert found.schema.input.shape == (7,)
    long = sum(len(text.split()) > 7 for text, _ in lines(80))
    assert f"{long} of 80 train rows are longer than 7 tokens and are truncated (--max-tokens)" in found.warnings


def test_empty_texts_and_absent_targets_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = "".join(f"{text},{label}\n" for text, label in lines(60))
    (tmp_path / "t.csv").write_text(f"text,label\n,1\n{rows}   ,0\na film without a word on it at all,\n")
    found = open_data(tmp_path / "t.csv", CONFIG)
    assert sum(map(len, found.splits.values())) == 60
    assert list(found.warnings) == [
        "2 of 63 train rows have no text and are dropped, first t.csv row 2",
        "1 of 63 train rows have no target and are dropped, first t.csv row 64",
    ]


def test_one_class_alone_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", [(text, 1) for text, _ in lines(30)], header="text\tlabel")
    with pytest.raises(
        DataError, match=r"t\.tsv: target column 'label' is '1' in every row; there is nothing to learn"
    ):
        open_data(path, data_config(target=("label",)))


def test_bytes_that_are_no_text_are_named(folder: Path) -> None:
    (folder / "dev.tsv").write_bytes(b"one long string of na\xefve cliches\t0\nfine, fine film\t1\n")
    with pytest.raises(DataError, match=r"dev\.tsv is not UTF-8 at byte 21"):
        open_data(folder, DataConfig())


def test_a_table_without_targets_is_left_for_predicting(folder: Path) -> None:
    (folder / "train.tsv").write_text("text\tlabel\n" + (folder / "train.tsv").read_text())
    (folder / "dev.tsv").write_text("text\tlabel\n" + (folder / "dev.tsv").read_text())
    (folder / "test.tsv").write_text("text\nfine film\n")
    found = open_data(folder, data_config(target=("label",)))
    assert (
        "test.tsv has no column 'label', so the model cannot be evaluated on it; use sonde predict on it after training"
        in found.warnings
    )
    assert set(found.splits) == {"train", "validation", "test"}  # a test part is drawn instead


def test_settings_of_text_are_refused_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{n * 0.5},{n % 2}\n" for n in range(40)))
    with pytest.raises(DataError, match="holds no text to tokenize; leave --max-tokens out"):
        open_data(tmp_path / "t.csv", data_config(target=("b",), max_tokens=9))


def test_a_fraction_of_the_labels_leaves_that_many_rows(folder: Path) -> None:
    found = open_data(folder, DataConfig(label_fraction=0.25))
    assert len(found.splits["train"]) == 20
    assert labels_of(found.splits["train"]).mean() == 0.5
    assert "20 of 80 training rows (--label-fraction, same share of every class)" in facts(found)


def test_judging_reads_with_the_models_vocabulary(folder: Path) -> None:
    trained = open_data(folder, data_config(max_tokens=8))
    other = write(folder / "other.tsv", lines(12, seed=5), header="c1\tc2")
    again = open_like(other, trained.schema, data_config(target=("c2",)))
    assert list(again.splits) == ["test"]
    assert again.schema == trained.schema
    vocabulary = read_vocabulary(trained.schema.input.tokenizer)
    first = again.splits["test"].read(np.array([0]))["input"][0]
    assert first.tolist() == vocabulary.encode(lines(12, seed=5)[0][0])[:8]
    assert open_like(folder / "dev.tsv", trained.schema, DataConfig()).splits["test"].describe(1) == "dev.tsv row 2"


def test_a_class_the_model_does_not_know_is_named(folder: Path) -> None:
    trained = open_data(folder, DataConfig())
    other = write(folder / "other.tsv", [("a film of rare charm and with no plot", 2), *lines(9)], header="c1\tc2")
    with pytest.raises(DataError, match=r"other\.tsv row 2: 'c2' is '2', a class that training rows do not have"):
        open_like(other, trained.schema, data_config(target=("c2",)))


def genes(rows: int, *, letters: str = "acgt") -> str:
    draw = random.Random(0)
    chains = ["".join(draw.choices(letters, k=40)) for _ in range(rows)]
    return "".join(f"{'+-'[n % 2]},G{n},\t\t{chain}\n" for n, chain in enumerate(chains))


def test_chains_of_nucleotides_are_read_letter_by_letter(tmp_path: Path) -> None:
    path = tmp_path / "genes.data"
    path.write_text(genes(60))
    found = open_data(path, CONFIG)
    assert found.schema.input.shape == (40,)
    vocabulary = read_vocabulary(found.schema.input.tokenizer)
    assert vocabulary == Characters(("A", "C", "G", "T"), upper=True)
    assert found.schema.target.names == ("+", "-")
    told = facts(found)
    assert "60 sequences" in told
    assert "letter tokens: A, C, G, T (the cells are sequences of nucleotides)" in told
    assert (
        "column 'c1' is to be predicted (of 2 others the only one with repeated values; --target selects another)"
        in told
    )


def test_an_unknown_letter_is_named_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "genes.data"
    path.write_text(genes(60) + "+,G60,\t\tacgtacgtacxtacgtac\n")
    said = re.escape("genes.data row 61: 'x' at letter 11 of 18 is none of the IUPAC nucleotides")
    with pytest.raises(DataError, match=said):
        open_data(path, CONFIG)
    plain = read_vocabulary(open_data(path, data_config(tokenizer="characters")).schema.input.tokenizer)
    assert isinstance(plain, Characters)


def test_rows_in_memory_are_text_too() -> None:
    columns = {"text": [text for text, _ in lines(50)], "label": [label for _, label in lines(50)]}
    found = open_data(columns, data_config(target=("label",)))
    assert found.schema.input.kind == "tokens"
    other = open_data({**columns, "text": columns["text"][::-1]}, data_config(target=("label",)))
    assert found.fingerprint != other.fingerprint


def test_lists_of_numbers_are_no_words(tmp_path: Path) -> None:
    """The pixels of FER-2013; the command of the refusal makes images of them."""
    rows = [f"{n % 3}," + " ".join(str((7 * n + place) % 256) for place in range(16)) for n in range(30)]
    (tmp_path / "fer.csv").write_text("emotion,pixels\n" + "\n".join(rows) + "\n")
    with pytest.raises(DataError, match="column 'pixels' holds 16 numbers a row, which are not words") as refused:
        open_data(tmp_path / "fer.csv", data_config(target=("emotion",)))
    code = str(refused.value).split('python -c "')[1].rstrip('"')
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    data = open_data(tmp_path / "fer.npz", data_config())
    assert (data.schema.input.kind, data.schema.input.shape) == ("image", (1, 4, 4))


def test_chains_that_are_printed_with_blanks_are_read_without(tmp_path: Path) -> None:
    draw = random.Random(5)
    chains = ["".join(draw.choices("ACDEFGHIKLMNPQRSTVWY", k=35)) for _ in range(40)]
    printed = [
        " ".join(chain[at : at + 10] for at in range(0, 35, 10)) if n % 2 else chain for n, chain in enumerate(chains)
    ]
    rows = "".join(f"{chain}\t{n % 7 + 0.5}\n" for n, chain in enumerate(printed))
    (tmp_path / "a.tsv").write_text("sequence\tvalue\n" + rows, encoding="utf-8")
    found = open_data(tmp_path / "a.tsv", data_config(test=0.0, validation=0.0))
    assert isinstance(read_vocabulary(found.schema.input.tokenizer), Characters)
    texts = texts_of(found.splits["train"])
    assert texts is not None
    assert sorted(texts) == sorted(chains)
