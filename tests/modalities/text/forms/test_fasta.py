import gzip
from pathlib import Path

import numpy as np
import pytest
from sample_settings import data_config

from sonde.core.errors import DataError
from sonde.data.splits import targets_of
from sonde.modalities.open import open_data, open_like

RNG = np.random.default_rng(0)
GENES = ["".join(RNG.choice(list("ACGT"), 40)) for _ in range(40)]
ALL = {"test": 0.0, "validation": 0.0}


def write(path: Path, headers: list[str], letters: list[str] = GENES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    records = (f">{header}\n{text[:25]}\n{text[25:]}\n" for header, text in zip(headers, letters, strict=False))
    content = "".join(records).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.fasta", "a.fa.gz"])
@pytest.mark.parametrize(
    "how", ["seq{n}|{label}", "seq{n} {label}", "seq{n} label={label}", "sp|P{n}|X class:{label} OS=Homo sapiens"]
)
def test_what_headers_say_is_to_be_predicted(tmp_path: Path, name: str, how: str) -> None:
    labels = [("intron", "exon")[n % 2] for n in range(40)]
    headers = [how.format(n=n, label=label) for n, label in enumerate(labels)]
    found = open_data(write(tmp_path / name, headers), data_config(**ALL))
    assert (found.schema.target.kind, found.schema.target.names) == ("class", ("exon", "intron"))
    assert [found.schema.target.names[n] for n in targets_of(found.splits["train"])] == labels
    assert any(fact.what.startswith("letter tokens: A, C, G, T") for fact in found.facts)
    again = open_like(tmp_path / name, found.schema, data_config())
    assert (targets_of(again.splits["test"]) == targets_of(found.splits["train"])).all()


def test_numbers_in_headers_are_values_and_of_several_one_is_chosen(tmp_path: Path) -> None:
    file = write(tmp_path / "a.fasta", [f"P{n} score={n / 7:.3f} OS=Homo sapiens" for n in range(40)])
    found = open_data(file, data_config(**ALL))
    scale = found.schema.target
    assert (scale.kind, scale.names) == ("value", ("score",))
    values = targets_of(found.splits["train"])[:, 0] * scale.std[0] + scale.mean[0]
    assert values.tolist() == pytest.approx([round(n / 7, 3) for n in range(40)], abs=1e-4)
    both = write(tmp_path / "b.fasta", [f"P{n} score={n / 7:.3f} host={'ab'[n % 2]}" for n in range(40)])
    with pytest.raises(DataError, match="headers say score, host; which is the target. Use --target 'score'"):
        open_data(both, data_config())
    assert open_data(both, data_config(target=("host",))).schema.target.names == ("a", "b")


def test_files_are_classes_or_splits(tmp_path: Path) -> None:
    for n, name in enumerate(("positive", "negative")):
        write(tmp_path / "classes" / f"{name}.fa", [f"s{k}" for k in range(20)], GENES[n::2])
    found = open_data(tmp_path / "classes", data_config(**ALL))
    assert found.schema.target.names == ("negative", "positive")
    assert targets_of(found.splits["train"]).tolist() == [0] * 20 + [1] * 20
    for split, part in (("train", slice(30)), ("test", slice(30, 40))):
        for n, name in enumerate(("positive", "negative")):
            write(tmp_path / "both" / split / f"{name}.fa", [f"s{k}" for k in range(20)], GENES[part][n::2])
        write(tmp_path / "splits" / f"{split}.fasta", [f"s{k}|{'ab'[k % 2]}" for k in range(40)], GENES[part])
    for folder in ("both", "splits"):
        found = open_data(tmp_path / folder, data_config())
        assert (found.schema.target.kind, len(found.splits["test"])) == ("class", 10)


def test_sequences_with_nothing_to_predict_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.fasta", [f"s{n}" for n in range(40)])
    with pytest.raises(
        DataError, match="holds sequences and nothing to predict; give a folder with a file for each class"
    ):
        open_data(file, data_config())


def test_small_letters_are_capitals_and_that_is_said(tmp_path: Path) -> None:
    labels = [f"s{n} label={'ab'[n % 2]}" for n in range(40)]
    proteins = ["".join(RNG.choice(list("ACDEFGHIKLMNPQRSTVWY"), 40)) for _ in range(40)]
    masked = [text if n % 4 else text[:20] + text[20:].lower() for n, text in enumerate(proteins)]
    plain = open_data(write(tmp_path / "a.fasta", labels, proteins), data_config(**ALL))
    found = open_data(write(tmp_path / "b.fasta", labels, masked), data_config(**ALL))
    assert (plain.warnings, found.warnings) == (
        [],
        ["10 of 40 sequences have small letters (soft-masked), which are read as capitals"],
    )
    rows = np.arange(40)
    assert (plain.splits["train"].read(rows)["input"] == found.splits["train"].read(rows)["input"]).all()


def test_rna_beside_dna_is_said(tmp_path: Path) -> None:
    labels = [f"s{n} label={'ab'[n % 2]}" for n in range(40)]
    mixed = [text if n % 5 else text.replace("T", "U") for n, text in enumerate(GENES)]
    found = open_data(write(tmp_path / "a.fasta", labels, mixed), data_config(**ALL))
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("8 sequences hold U and 32 hold T: RNA beside DNA")
    rna = [text.replace("T", "U") for text in GENES]
    assert open_data(write(tmp_path / "b.fasta", labels, rna), data_config(**ALL)).warnings == []


def test_gaps_and_stops_do_not_make_sequences_words(tmp_path: Path) -> None:
    labels = [f"s{n} label={'ab'[n % 2]}" for n in range(40)]
    aligned = ["".join(RNG.choice(list("ACDEFGHIKL----"), 40)) + "*" for _ in range(40)]
    found = open_data(write(tmp_path / "a.fasta", labels, aligned), data_config(**ALL))
    letters = next(fact.what for fact in found.facts if fact.what.startswith("letter tokens"))
    assert letters == "letter tokens: *, -, A, C, D, E, F, G, H, I, K, L"
