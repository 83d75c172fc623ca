import gzip
from pathlib import Path

import numpy as np
import pytest
from sample_settings import data_config

from sonde.core.errors import DataError
from sonde.modalities.molecule.files import read_molecules
from sonde.modalities.molecule.inputs import rows_to_predict
from sonde.modalities.open import open_data

Chem = pytest.importorskip("rdkit.Chem")
CHAINS = [f"{'C' * n}{end}" for n in range(1, 16) for end in ("O", "N", "Cl")]


def sdf(smiles: list[str], *, title: str = "") -> str:
    """Records with the properties `value`, the number of characters, and `note`, which some lack."""
    records = []
    for number, text in enumerate(smiles):
        molecule = Chem.MolFromSmiles(text)
        block = Chem.MolToMolBlock(molecule).split("\n", 1)[1]
        note = "> <note> (1)\ntwo\nlines\n\n" if number % 2 else ""
        records.append(f"{title}\n{block}>  <value>\n{len(text) + 0.5}\n\n{note}$$$$\n")
    return "".join(records)


def test_an_sdf_is_a_table_of_its_molecules_and_properties(tmp_path: Path) -> None:
    file = tmp_path / "a.sdf"
    file.write_text(sdf(["CCO", "c1ccccc1", "C[C@H](N)C(=O)O"]), encoding="utf-8")
    table = read_molecules(file)
    cells = {name: column.to_pylist() for name, column in table.columns.items()}
    assert cells == {
        "smiles": ["CCO", "c1ccccc1", "C[C@H](N)C(=O)O"],
        "value": ["3.5", "8.5", "15.5"],
        "note": [None, "two\nlines", None],
    }
    (tmp_path / "b.sdf.gz").write_bytes(gzip.compress(file.read_text(encoding="utf-8").replace("\n", "\r\n").encode()))
    assert read_molecules(tmp_path / "b.sdf.gz").columns == table.columns


def test_an_sdf_is_trained_and_predicted_on(tmp_path: Path) -> None:
    file = tmp_path / "a.sdf"
    file.write_text(sdf(CHAINS, title="a chain"), encoding="utf-8")
    found = open_data(file, data_config(test=0.0, validation=0.0))
    assert (found.schema.input.kind, found.schema.target.names) == ("molecule", ("value",))
    scale, rows = found.schema.target, found.splits["train"]
    values = rows.read(np.arange(45))["target"][:, 0] * scale.std[0] + scale.mean[0]
    assert values.tolist() == pytest.approx([len(text) + 0.5 for text in CHAINS], abs=1e-4)
    assert rows_to_predict(file, found.schema)[1][:2] == ["a.sdf row 1, CO", "a.sdf row 2, CN"]


def test_a_record_that_cannot_be_read_is_named_or_skipped(tmp_path: Path) -> None:
    broken = sdf(["CCO"], title="odd").replace("  3  2", "  9  2", 1)
    file = tmp_path / "a.sdf"
    file.write_text(sdf(CHAINS[:20]) + broken + sdf(CHAINS[20:]), encoding="utf-8")
    with pytest.raises(DataError, match=r"^a.sdf row 21: 'odd \(unreadable\)' is not a SMILES"):
        open_data(file, data_config())
    found = open_data(file, data_config(skip_unreadable=True))
    assert sum(map(len, found.splits.values())) == 45


def test_lines_of_smiles_may_have_names_values_and_a_header(tmp_path: Path) -> None:
    file = tmp_path / "a.smi"
    file.write_text("".join(f"{text} mol{n}\n" for n, text in enumerate(CHAINS)), encoding="utf-8")
    table = read_molecules(file)
    assert (list(table.columns), table.first_row, len(table)) == (["smiles", "name"], 1, 45)
    with pytest.raises(DataError, match="a.smi holds molecules and no property to predict"):
        open_data(file, data_config())
    lines = [f"{text}\tmol {n}\t{len(text) + 0.5}" for n, text in enumerate(CHAINS)]
    (tmp_path / "b.smi").write_text("\n".join(["SMILES\tName\tlogS", *lines]), encoding="utf-8")
    found = open_data(tmp_path / "b.smi", data_config())
    assert (found.schema.target.names, sum(map(len, found.splits.values()))) == (("logS",), 45)
    assert rows_to_predict(file, found.schema)[1][0] == "CO"


def test_a_file_that_is_not_there_is_no_molecule(tmp_path: Path) -> None:
    found = open_data(_table(tmp_path / "a.csv"), data_config()).schema
    for name in ("x.sdf", "x.smi", "x.csv", "x.txt"):
        with pytest.raises(DataError, match=f"{name}: no such file; give SMILES, or a file of molecules"):
            rows_to_predict(str(tmp_path / name), found)
    assert rows_to_predict("InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3", found)[0].describe(0).endswith("CCO")


def _table(path: Path) -> Path:
    path.write_text("smiles,value\n" + "".join(f"{text},{len(text) + 0.5}\n" for text in CHAINS), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["a.sdf", "a.smi"])
def test_a_file_without_a_molecule_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"{name} holds no molecule"):
        read_molecules(tmp_path / name)
