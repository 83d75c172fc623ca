import gzip
from pathlib import Path

import numpy as np
import pytest
from sample_places import form
from sample_proteins import helix, pdb, write_domains
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Schema
from sonde.core.errors import DataError
from sonde.core.vocabulary import read_vocabulary
from sonde.data.splits import targets_of
from sonde.modalities.open import open_data, open_like
from sonde.modalities.protein.codes import bin_names, residues
from sonde.modalities.protein.forms import structures
from sonde.modalities.protein.forms.structures import rows_to_predict
from sonde.modalities.protein.structures import read_chains
from sonde.tasks.torsions.config import ANGLES
from sonde.tasks.torsions.target import backbone_torsions

read, recognise = form(structures)


def test_a_folder_of_structures_is_recognised(tmp_path: Path) -> None:
    assert recognise(tmp_path) is None
    write_domains(tmp_path, 2)
    assert recognise(tmp_path) == "2 files of structures, such as D0_A.pdb"
    assert recognise(tmp_path / "D0_A.pdb") is None
    write_domains(tmp_path / "split" / "train", 2)
    write_domains(tmp_path / "split" / "test", 2)
    assert recognise(tmp_path / "split") == "files of structures in train, test" or "test, train" in str(
        recognise(tmp_path / "split")
    )


def test_residues_go_in_and_distances_come_out(tmp_path: Path) -> None:
    letters = write_domains(tmp_path, 8)
    found = open_data(tmp_path, DataConfig(test=0.25))
    assert (found.schema.input.kind, found.schema.input.shape, found.schema.input.symbols) == ("protein", (19,), 25)
    assert (found.schema.target.kind, found.schema.target.names) == ("distances", bin_names())
    assert found.suggestion == "structure"
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 5, "validation": 1, "test": 2}
    vocabulary = read_vocabulary(found.schema.input.tokenizer)
    for rows in found.splits.values():
        batch = rows.read(np.arange(len(rows)))
        for place in range(len(rows)):
            number = int(rows.describe(place)[1])
            assert vocabulary.decode(batch["input"][place].tolist()) == letters[number]
            alpha, length = helix(12 + number, seed=number)[:, 1], 12 + number
            expected = np.linalg.norm(alpha[:, None] - alpha, axis=-1)
            np.testing.assert_allclose(batch["target"][place, :length, :length], expected, atol=2e-3)
            assert not batch["target"][place, length:].any()
            assert not batch["target"][place, :, length:].any()
    whole = targets_of(found.splits["test"])
    assert whole.shape == (2, 19, 19)


def test_backbones_go_in_and_residues_come_out_where_that_is_asked(tmp_path: Path) -> None:
    letters = write_domains(tmp_path, 5)
    odd = pdb("AX" * 8, helix(16)) + "END\n"
    (tmp_path / "D5_A.pdb").write_text(odd, encoding="utf-8")
    found = open_data(tmp_path, DataConfig(test=0.0, validation=0.0), task="inverse-folding")
    assert (found.schema.input.symbols, found.schema.target.kind, found.schema.target.out_dim) == (0, "residues", 25)
    assert found.suggestion == "inverse-folding"
    batch = found.splits["train"].read(np.array([2, 5]))
    assert batch["lengths"].tolist() == [14, 16]
    np.testing.assert_allclose(batch["input"][0, :14], helix(14, seed=2), atol=1e-3)
    assert not batch["input"][0, 14:].any()
    assert residues().decode(batch["target"][0].tolist()) == letters[2]
    assert (
        batch["target"][1].tolist() == [residues().encode("A")[0], 0] * 8
    )  # a residue of another kind is not asked for


def test_residues_go_in_and_angles_come_out_where_that_is_asked(tmp_path: Path) -> None:
    write_domains(tmp_path, 5)
    found = open_data(tmp_path, DataConfig(test=0.0, validation=0.0), task="torsions")
    assert (found.schema.target.kind, found.schema.target.names, found.schema.target.out_dim) == (
        "torsions",
        ANGLES,
        2,
    )
    assert found.suggestion == "torsions"
    batch = found.splits["train"].read(np.array([1, 4]))
    assert batch["target"].shape == (2, 16, 2, 2)
    np.testing.assert_allclose(batch["target"][0, :13], backbone_torsions(helix(13, seed=1)), atol=5e-3)
    assert not batch["target"][0, 13:].any()
    assert targets_of(found.splits["train"]).shape == (5, 16, 2, 2)
    rows, names = rows_to_predict(["MKTAYIAKQR"], found.schema)
    assert names == ["MKTAYIAKQR"]
    assert rows.read(np.array([0]))["input"].shape == (1, 10)


def test_kin_stay_in_one_split(tmp_path: Path) -> None:
    write_domains(tmp_path, 8)
    table = "domain,family\n" + "".join(f"D{n},{'ab'[n // 4]}\n" for n in range(8))
    (tmp_path / "domains.csv").write_text(table, encoding="utf-8")
    found = open_data(tmp_path, DataConfig(test=0.5, validation=0.0))
    held = [{int(rows.describe(n)[1]) // 4 for n in range(len(rows))} for rows in found.splits.values()]
    assert sorted(map(len, held)) == [1, 1]
    assert held[0] != held[1]
    assert any(fact.what == "2 families, each in one split" for fact in found.facts)


def test_folds_judge_every_domain_once(tmp_path: Path) -> None:
    write_domains(tmp_path, 8)
    seen = []
    for fold in (1, 2, 3, 4):
        rows = open_data(tmp_path, DataConfig(folds=4, fold=fold)).splits["test"]
        seen += [rows.describe(n) for n in range(len(rows))]
    assert sorted(seen) == [f"D{n}_A" for n in range(8)]


def test_folders_named_for_splits_bring_them(tmp_path: Path) -> None:
    write_domains(tmp_path / "train", 6)
    write_domains(tmp_path / "test", 3, seed=1)
    found = open_data(tmp_path, DataConfig(validation=0.2))
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 5, "validation": 1, "test": 3}


def test_what_is_missing_is_counted_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    write_domains(tmp_path, 4)
    (tmp_path / "E_A.pdb").write_text(
        pdb("A" * 14, helix(14), without=[(n, "O") for n in (5, 6, 7)]) + "END\n", encoding="utf-8"
    )
    found = open_data(tmp_path, DataConfig())
    assert found.warnings == [
        "3 residues without a complete backbone dropped, in E_A",
        "1 break, where residues are missing, in E_A",
    ]
    (tmp_path / "F_A.pdb").write_text(pdb("AA", helix(2)) + "END\n", encoding="utf-8")
    with pytest.raises(DataError, match="F_A.pdb holds no protein chain of 10 residues or more"):
        open_data(tmp_path, DataConfig())
    assert (
        "1 unreadable file skipped, such as F_A.pdb" in open_data(tmp_path, DataConfig(skip_unreadable=True)).warnings
    )


def schemas(folder: Path) -> tuple[Schema, Schema]:
    write_domains(folder, 5)
    return read(folder, DataConfig()).schema, read(folder, DataConfig(), task="inverse-folding").schema


def test_other_structures_are_judged_by_the_schema_of_the_first(tmp_path: Path) -> None:
    for schema in schemas(tmp_path / "a"):
        write_domains(tmp_path / "b", 3, seed=1, shortest=30)
        found = open_like(tmp_path / "b", schema, DataConfig(validation=0.0, test=0.0))
        assert found.schema is schema
        assert {split: len(rows) for split, rows in found.splits.items()} == {"test": 3}


def test_what_is_predicted_on(tmp_path: Path) -> None:
    forward, inverse = schemas(tmp_path / "a")
    file = tmp_path / "a" / "D1_A.pdb"
    (chain,) = read_chains(file)
    fasta = tmp_path / "b.fasta"
    fasta.write_text(f">D1_A\n{chain.letters}\n", encoding="utf-8")
    expected = residues().encode(chain.letters)
    for given, name in ((file, "D1_A"), (str(fasta), "D1_A"), (chain.letters.lower(), chain.letters.lower())):
        rows, names = rows_to_predict(given, forward)
        assert names == [name]
        assert rows.read(np.array([0]))["input"][0].tolist() == expected
    rows, names = rows_to_predict(tmp_path / "a", inverse)
    assert names == [f"D{n}_A" for n in range(5)]
    np.testing.assert_array_equal(rows.read(np.array([1]))["input"][0], chain.backbone)
    assert residues().decode(rows_to_predict("MKUO", forward)[0].read(np.array([0]))["input"][0].tolist()) == "MKXX"
    with pytest.raises(DataError, match=r"^M K1: residues are written as letters such as MKTAYIAK, got 'M K1'"):
        rows_to_predict("M K1", forward)
    with pytest.raises(
        DataError, match="^none.pdb is not a PDB, mmCIF or FASTA file, or residues as letters, or is not there"
    ):
        rows_to_predict("none.pdb", forward)
    with pytest.raises(DataError, match="^MKT is not a PDB or mmCIF file, or is not there; give one"):
        rows_to_predict("MKT", inverse)
    with pytest.raises(DataError, match="nothing to predict on"):
        rows_to_predict([], forward)


def test_structures_in_nested_folders_are_read_and_modified_residues_are_said(tmp_path: Path) -> None:
    for number, letters in enumerate(("AXGGGGGGGGGG", "VVVVLLLLVVVVL")):
        folder = tmp_path / "divided" / f"a{number}"
        folder.mkdir(parents=True)
        text = pdb(letters, helix(len(letters))).replace("UNK", "MSE") + "END\n"
        (folder / f"pdb1a{number}x.ent.gz").write_bytes(gzip.compress(text.encode()))
    found = open_data(tmp_path / "divided", DataConfig(test=0.0, validation=0.0))
    vocabulary = read_vocabulary(found.schema.input.tokenizer)
    assert vocabulary.decode(found.splits["train"].read(np.array([0]))["input"][0].tolist()) == "AMGGGGGGGGGG"
    assert found.warnings == ["modified residues read as their parents: 1 MSE as M"]
    rows, names = rows_to_predict(tmp_path / "divided", found.schema)
    assert (len(rows), names) == (2, ["pdb1a0x", "pdb1a1x"])


def test_of_several_models_the_first_is_read_and_that_is_said(tmp_path: Path) -> None:
    letters = "MKTAYIAKQRQISF"
    for n in range(6):
        models = [f"MODEL     {m:4d}\n{pdb(letters, helix(14) + m)}ENDMDL\n" for m in range(1, 4 if n else 2)]
        (tmp_path / f"p{n}.pdb").write_text("".join(models) + "END\n")
    found = open_data(tmp_path, data_config(validation=0.0, test=0.0))
    assert "5 chains occur in several models (NMR), of which the first is read: p1, p2, p3 …" in found.warnings
    coordinates = found.splits["train"].read(np.array([1]))["coordinates"][0]
    np.testing.assert_allclose(coordinates, helix(14)[:, 1] + 1, atol=2e-3)
