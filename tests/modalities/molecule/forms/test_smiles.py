import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sample_places import form
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.data.splits import targets_of
from sonde.modalities.molecule.codes import BONDS, FEATURES, STEREO, SYMBOLS
from sonde.modalities.molecule.forms import smiles
from sonde.modalities.molecule.inputs import rows_to_predict
from sonde.modalities.open import open_data, open_like

read, recognise = form(smiles)

CHAINS = [f"{'C' * n}{end}" for n in range(1, 21) for end in ("O", "N", "Cl")]  # 60 molecules, all different
DRUGS = ["CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"]


def write(path: Path, smiles: Sequence[str] = CHAINS, *, column: str = "smiles", **more: Sequence[Any]) -> Path:
    """A CSV with a column of SMILES and others; by default `value`, the number of characters."""
    columns = {column: smiles, **(more or {"value": [len(text) + 0.5 for text in smiles]})}
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def opened(path: Path, **settings: Any) -> Dataset:
    return read(path, data_config(**{"target": ("value",), **settings}))


@pytest.mark.parametrize("column", ["smiles", "canonical_SMILES", "structure"])
def test_a_column_of_smiles_is_recognised_whatever_it_is_called(tmp_path: Path, column: str) -> None:
    file = write(tmp_path / "a.csv", column=column)
    assert recognise(file) == f"column '{column}' of a.csv holds SMILES"
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert recognise(packed) == f"column '{column}' of b.csv.gz holds SMILES"
    table = pa.table({column: CHAINS, "value": np.arange(60.0)})
    pq.write_table(table, tmp_path / "c.parquet")
    assert recognise(tmp_path / "c.parquet") == f"column '{column}' of c.parquet holds SMILES"


def test_tables_of_other_things_are_not(tmp_path: Path) -> None:
    ports = ["C", "S", "C", "S", "S"] * 12  # methane and sulphur, were they read so
    assert recognise(write(tmp_path / "a.csv", ports, column="embarked")) is None
    words = [f"word{n}" for n in range(60)]
    assert recognise(write(tmp_path / "b.csv", words, column="smiles")) is None
    assert recognise(write(tmp_path / "c.csv", [str(n) for n in range(60)], column="number")) is None
    assert recognise(write(tmp_path / "d.csv", [*CHAINS[:20], *words[:40]])) is None
    (tmp_path / "e.csv").write_bytes(b"\0\0")
    assert recognise(tmp_path / "e.csv") is None
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "none.csv") is None


def test_a_table_of_molecules_is_opened_as_such(tmp_path: Path) -> None:
    found = open_data(write(tmp_path / "a.csv"), data_config(target=("value",), test=0.1))
    spec = found.schema.input
    assert (spec.kind, spec.shape, spec.symbols, spec.column) == ("molecule", (21, len(FEATURES)), SYMBOLS, "smiles")
    assert found.schema.target.kind == "value"
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 49, "validation": 5, "test": 6}
    assert found.form == "CSV table of molecules"
    assert found.facts[0].what == "60 molecules of 2 to 21 atoms"
    everything = np.concatenate([targets_of(rows) for rows in found.splits.values()])[:, 0]
    scale = found.schema.target
    assert sorted(everything * scale.std[0] + scale.mean[0]) == pytest.approx(
        sorted(len(text) + 0.5 for text in CHAINS)
    )
    assert found.splits["train"].describe(0).startswith("a.csv row ")


def test_targets_go_with_their_molecules(tmp_path: Path) -> None:
    found = opened(write(tmp_path / "a.csv"))
    scale = found.schema.target
    for rows in found.splits.values():
        for place in range(len(rows)):
            value = rows.read(np.array([place]))["target"][0, 0] * scale.std[0] + scale.mean[0]
            number, smiles = rows.describe(place).removeprefix("a.csv row ").split(", ")
            assert CHAINS[int(number) - 2] == smiles
            assert value == pytest.approx(len(smiles) + 0.5)


def test_labels_with_gaps_are_masked_and_found_without_being_named(tmp_path: Path) -> None:
    one = [n % 2 for n in range(60)]
    other = ["" if n % 3 else n % 2 for n in range(60)]
    file = write(tmp_path / "a.csv", a=one, b=other, mol_id=[f"M{n}" for n in range(60)])
    found = read(file, DataConfig())
    assert found.schema.target.kind == "labels"
    assert found.schema.target.names == ("a", "b")
    assert found.schema.target.masked
    rows = found.splits["train"].read(np.arange(5))
    assert rows["mask"].tolist() == [[1.0, float(n % 3 == 0)] for n in _numbers(found)[:5]]


def _numbers(found: Dataset) -> list[int]:
    """Which of the file's rows, from 0, the training rows are."""
    train = found.splits["train"]
    return [int(train.describe(n).split(",")[0].removeprefix("a.csv row ")) - 2 for n in range(len(train))]


def test_with_several_columns_of_numbers_the_target_must_be_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", one=np.linspace(0, 1, 60).tolist(), two=np.linspace(1, 3, 60).tolist())
    with pytest.raises(DataError, match="which column is the target"):
        read(file, DataConfig())
    assert read(file, data_config(target=("two",))).schema.target.names == ("two",)
    with pytest.raises(DataError, match="no column 'tow' to predict; did you mean 'two'"):
        read(file, data_config(target=("tow",)))


def test_a_row_that_is_no_molecule_is_named_or_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [*CHAINS[:30], "C1CC", *CHAINS[30:], ""])
    with pytest.raises(
        DataError, match=r"^a.csv row 32: 'C1CC' is not a SMILES string that RDKit can parse; fix the row, or skip"
    ):
        opened(file)
    found = opened(file, skip_unreadable=True)
    assert sum(map(len, found.splits.values())) == 60
    assert found.warnings == [
        "2 rows hold no SMILES string that RDKit can parse and were dropped, such as a.csv row 32"
    ]


@pytest.mark.parametrize(("column", "unread"), [("smiles", 24), ("structure", 6)])
def test_many_bad_rows_do_not_make_molecules_text(tmp_path: Path, column: str, unread: int) -> None:
    rows = [*CHAINS[: 60 - unread], *(f"C1{text}" for text in CHAINS[60 - unread :])]
    file = write(tmp_path / "a.csv", rows, column=column)
    with pytest.raises(
        DataError, match=f"^a.csv row {62 - unread}: 'C1C.*' is not a SMILES string that RDKit can parse"
    ):
        open_data(file, data_config(target=("value",)))
    found = open_data(file, data_config(target=("value",), skip_unreadable=True))
    assert found.schema.input.kind == "molecule"
    assert found.warnings[0].startswith(f"{unread} rows hold no SMILES string")


def test_a_table_without_a_header_keeps_its_first_molecule(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    lines = [f"{text},{len(text) + 0.5}" for text in reversed(CHAINS)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = open_data(file, data_config(target=("c2",), test=0.0, validation=0.0))
    assert len(found.splits["train"]) == 60
    assert found.splits["train"].describe(0) == f"a.csv row 1, {CHAINS[-1]}"
    assert any(fact.what == "no header, so the columns are called c1, c2" for fact in found.facts)
    assert len(rows_to_predict(file, found.schema)[0]) == 60


def test_extensions_behind_smiles_and_inchi_are_read(tmp_path: Path) -> None:
    extended = [f"{text} |c:1|" if n % 3 else text for n, text in enumerate(CHAINS)]
    found = open_data(write(tmp_path / "a.csv", extended), data_config(target=("value",)))
    assert found.schema.input.kind == "molecule"
    inchi = ["InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3", "InChI=1S/C6H6/c1-2-4-6-5-3-1/h1-6H"] * 15
    (tmp_path / "b.csv").write_text(
        "InChI,value\n" + "".join(f'"{text}",{n % 7 + 0.5}\n' for n, text in enumerate(inchi)), encoding="utf-8"
    )
    found = open_data(tmp_path / "b.csv", data_config(target=("value",), test=0.0, validation=0.0))
    assert found.schema.input.column == "InChI"
    assert found.splits["train"].describe(1) == "b.csv row 3, c1ccccc1"
    assert "holds InChI" in found.facts[0].why


def test_further_columns_are_named_as_left_out(tmp_path: Path) -> None:
    more = {"value": [len(text) + 0.5 for text in CHAINS], "solvent": ["water", "ethanol"] * 30, "id": list(range(60))}
    found = opened(write(tmp_path / "a.csv", **more))
    assert any(fact.what == "left out solvent" for fact in found.facts)


def test_cis_and_trans_are_told_apart_and_networks_for_other_data_stay_as_they_were(tmp_path: Path) -> None:
    pairs = [f"{'C' * n}{turn}" for n in range(1, 31) for turn in ("/C=C/O", "/C=C\\O")]
    found = opened(write(tmp_path / "a.csv", pairs))
    assert found.schema.input.extra == STEREO
    rows = rows_to_predict(pairs[:2], found.schema)[0].read(np.arange(2))
    assert (rows["input"][0] == rows["input"][1]).all()
    assert sorted(rows["bonds"].max(axis=(1, 2))) == [len(BONDS) + 1, len(BONDS) + 2]
    plain = opened(write(tmp_path / "b.csv")).schema
    assert plain.input.extra == ""
    rows = rows_to_predict(pairs[:2], plain)[0].read(np.arange(2))
    assert (rows["bonds"][0] == rows["bonds"][1]).all()
    assert rows["bonds"].max() == BONDS.index("double") + 1


def test_rows_of_one_molecule_stay_in_one_split(tmp_path: Path) -> None:
    turned = [
        text[::-1] if "l" not in text else f"Cl{text[:-2]}" for text in CHAINS
    ]  # the same chains from their other end
    found = opened(write(tmp_path / "a.csv", [*CHAINS, *turned]), test=0.3)
    held = [{rows.describe(n).split(", ")[1] for n in range(len(rows))} for rows in found.splits.values()]
    assert sum(map(len, held)) == len(set().union(*held)) == 60
    assert any(fact.what.startswith("60 of 60 molecules have several rows") for fact in found.facts)


def test_a_folder_of_tables_brings_its_splits(tmp_path: Path) -> None:
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv", DRUGS)
    found = open_data(tmp_path, data_config(target=("value",), validation=0.1))
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 54, "validation": 6, "test": 3}


def test_fewer_labels_leave_a_share_of_the_training_rows(tmp_path: Path) -> None:
    assert len(opened(write(tmp_path / "a.csv"), label_fraction=0.5).splits["train"]) == 21


def test_other_molecules_are_judged_by_the_schema_of_the_first(tmp_path: Path) -> None:
    schema = opened(write(tmp_path / "a.csv")).schema
    other = write(tmp_path / "b.csv", DRUGS)
    found = open_like(other, schema, data_config(target=("value",)))
    assert found.schema is schema
    assert list(found.splits) == ["test"]
    values = found.splits["test"].read(np.arange(3))["target"][:, 0] * schema.target.std[0] + schema.target.mean[0]
    assert values.tolist() == pytest.approx([len(text) + 0.5 for text in DRUGS], abs=1e-4)
    (tmp_path / "c.csv").write_text("name,value\nx,1\ny,2\n", encoding="utf-8")
    with pytest.raises(
        DataError, match="has no column whose cells are SMILES, which the model was trained on; it has 'name'"
    ):
        read(tmp_path / "c.csv", DataConfig(), like=schema)


def test_what_is_predicted_on(tmp_path: Path) -> None:
    schema = opened(write(tmp_path / "a.csv")).schema
    table = write(tmp_path / "b.csv", DRUGS)
    lines = tmp_path / "c.smi"
    lines.write_text("\n".join(f"{text} name" for text in DRUGS), encoding="utf-8")
    expected = rows_to_predict(DRUGS, schema)[0].read(np.arange(3))
    for given, names in (
        (list(DRUGS), list(DRUGS)),
        (str(table), [f"b.csv row {n}, {text}" for n, text in enumerate(DRUGS, start=2)]),
        (lines, list(DRUGS)),
        ({"smiles": DRUGS}, [f"the input row {n}, {text}" for n, text in enumerate(DRUGS)]),
    ):
        rows, found = rows_to_predict(given, schema)
        assert found == names
        assert all((rows.read(np.arange(3))[name] == expected[name]).all() for name in ("input", "bonds"))
    assert rows_to_predict("CCO", schema)[1] == ["CCO"]
    with pytest.raises(DataError, match=r"^input 0: 'C1CC' is not a SMILES string that RDKit can parse"):
        rows_to_predict("C1CC", schema)
    with pytest.raises(DataError, match="nothing to predict on"):
        rows_to_predict([], schema)


def test_one_molecule_with_different_targets_is_said(tmp_path: Path) -> None:
    again = [*CHAINS, "OC", CHAINS[5]]  # CO written the other way round, and one of the same value
    values = [len(text) + 0.5 for text in CHAINS]
    file = write(tmp_path / "a.csv", again, value=[*values, 9.5, values[5]])
    found = opened(file)
    assert [w for w in found.warnings if "different targets" in w] == [
        "1 molecule occurs in several rows with different targets, such as CO in a.csv row 2 and a.csv row 62; all "
        "rows are learned, so remove those that are wrong, or take their mean"
    ]


def test_censored_values_are_counted_and_emptied_they_are_left_out(tmp_path: Path) -> None:
    values = [f">{n}.5" if n % 10 == 3 else f"{n}.5" for n in range(60)]
    file = write(tmp_path / "a.csv", value=values)
    with pytest.raises(
        DataError, match=r"a.csv row 5: 6 of the cells of target 'value' are limits such as '>3.5' .*empty them"
    ):
        read(file, data_config())  # and no other error first
    emptied = write(tmp_path / "b.csv", value=["" if text.startswith(">") else text for text in values])
    assert sum(map(len, opened(emptied).splits.values())) == 54


def test_the_property_that_was_taken_is_said_with_the_way_to_another(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", value=[n + 0.5 for n in range(60)], active=["yes", "no"] * 30)
    said = "a.csv: 'value' is to be predicted; --target 'active' takes another of its properties"
    assert said in open_data(path, DataConfig()).warnings
    other = open_data(path, data_config(target=["active"]))
    assert other.schema.target.names == ("no", "yes")
    assert said not in other.warnings
