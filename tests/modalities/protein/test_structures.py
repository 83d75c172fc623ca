import gzip
from pathlib import Path

import numpy as np
import pytest
from sample_proteins import helix, pdb

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.modalities.protein.structures import (
    families,
    family_of,
    modified_in_words,
    read_chains,
    structures_below,
)

LETTERS = "MKTAYIAKQRQISF"
MMCIF = (
    "data_TINY\nloop_\n_atom_site.group_PDB\n_atom_site.id\n_atom_site.type_symbol\n_atom_site.label_atom_id\n"
    "_atom_site.label_alt_id\n_atom_site.label_comp_id\n_atom_site.label_asym_id\n_atom_site.label_entity_id\n"
    "_atom_site.label_seq_id\n_atom_site.pdbx_PDB_ins_code\n_atom_site.Cartn_x\n_atom_site.Cartn_y\n_atom_site.Cartn_z\n"
    "_atom_site.auth_seq_id\n_atom_site.auth_comp_id\n_atom_site.auth_asym_id\n_atom_site.auth_atom_id\n"
    "_atom_site.pdbx_PDB_model_num\n"
)


def write(path: Path, *parts: str) -> Path:
    path.write_text("".join(parts) + "END\n", encoding="utf-8")
    return path


def test_a_chain_is_read_with_its_letters_and_its_backbone(tmp_path: Path) -> None:
    backbone = helix(len(LETTERS))
    (found,) = read_chains(write(tmp_path / "1ABC_A.pdb", pdb(LETTERS, backbone)))
    assert (found.name, found.letters, found.bare, found.breaks) == ("1ABC_A", LETTERS, 0, 0)
    np.testing.assert_allclose(found.backbone, backbone, atol=1e-3)
    assert found.backbone.dtype == np.float32


def test_residues_without_a_whole_backbone_are_left_out_and_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "a.pdb", pdb(LETTERS, helix(14), without=[(0, "CA"), (13, "O"), (13, "N")]))
    (found,) = read_chains(file)
    assert (found.letters, found.bare, found.breaks) == (LETTERS[1:-1], 2, 0)
    (broken,) = read_chains(write(tmp_path / "b.pdb", pdb(LETTERS, helix(14), without=[(n, "C") for n in (5, 6, 7)])))
    assert (broken.letters, broken.bare, broken.breaks) == (LETTERS[:5] + LETTERS[8:], 3, 1)


def test_each_chain_of_a_file_is_one_and_short_ones_are_none(tmp_path: Path) -> None:
    other = "GGSAWWPLKKE"
    file = write(
        tmp_path / "2XYZ.pdb",
        pdb(LETTERS, helix(14)),
        pdb(other, helix(11) + 30, chain="B"),
        pdb("GG", helix(2) - 30, chain="C"),
    )
    found = read_chains(file)
    assert [(chain.name, chain.letters) for chain in found] == [("2XYZ chain A", LETTERS), ("2XYZ chain B", other)]


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    text = pdb(LETTERS, helix(14))
    lines = []
    for line in text.splitlines()[:-1]:
        serial, atom, residue, chain, number = (
            line[6:11].strip(),
            line[12:16].strip(),
            line[17:20],
            line[21],
            line[22:26].strip(),
        )
        x, y, z = line[30:38].strip(), line[38:46].strip(), line[46:54].strip()
        lines.append(
            f"ATOM {serial} {atom[0]} {atom} . {residue} {chain} 1 {number} ? {x} {y} {z} {number} {residue} {chain} {atom} 1"
        )
    (tmp_path / "t.cif").write_text(MMCIF + "\n".join(lines) + "\n#\n", encoding="utf-8")
    (one,), (other,) = read_chains(write(tmp_path / "t.pdb", text)), read_chains(tmp_path / "t.cif")
    assert one.letters == other.letters == LETTERS
    assert (one.backbone == other.backbone).all()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdb", "no structure\n", "cannot be read as a structure|holds no protein chain"),
        (
            "b.pdb",
            pdb("GGG", helix(3)),
            r"holds no protein chain of 10 residues or more with a backbone \(3 at most\); remove it",
        ),
        ("c.cif", "data_x\n_entry.id x\n", "cannot be read as a structure"),
    ],
)
def test_what_is_no_structure_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(DataError, match=f"{name} ({message})"):
        read_chains(write(tmp_path / name, content))


def test_the_real_files_are_read(shared_data: Path) -> None:
    (tenascin,) = read_chains(shared_data / "protein" / "1TEN_A.pdb")
    assert tenascin.bare == 1
    assert len(tenascin.letters) == len(tenascin.backbone) > 80
    (lysozyme,) = read_chains(shared_data / "protein" / "mmcif" / "1aki.cif")
    assert lysozyme.letters == (
        "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDGNGMNAWVAWRNRCKGTDVQAWIRGCRL"
    )
    known = families(shared_data / "protein")
    assert len(known) == len(set(known.values())) == 40
    assert family_of(tenascin, known) == "PF00041"


def test_families_come_from_a_table_else_equal_chains_are_kin(tmp_path: Path) -> None:
    (chain,) = read_chains(write(tmp_path / "1ABC_A.pdb", pdb(LETTERS, helix(14))))
    assert families(tmp_path) == {}
    assert family_of(chain, {}) == LETTERS
    (tmp_path / "domains.csv").write_text("domain,family\n1abc,kinases\n2xyz,lipases\n", encoding="utf-8")
    assert families(tmp_path) == {"1ABC": "kinases", "2XYZ": "lipases"}
    assert family_of(chain, families(tmp_path)) == "kinases"
    (tmp_path / "domains.csv").write_text("name,length\n1abc,3\n", encoding="utf-8")
    assert families(tmp_path) == {}


@pytest.mark.parametrize(
    ("written", "letter"),
    [
        ("MSE", "M"), ("SEP", "S"), ("TPO", "T"), ("PTR", "Y"), ("HYP", "P"), ("SEC", "C"), ("KCX", "K"), ("HIE", "H"),
        ("HSD", "H"), ("CYX", "C"), ("GLH", "E"), ("ASH", "D"), ("LYN", "K"), ("UNK", "X"),
    ],
)  # fmt: skip
def test_modified_residues_are_read_as_their_parents_and_counted(tmp_path: Path, written: str, letter: str) -> None:
    text = pdb("AAAAAXAAAAAAXA", helix(14)).replace("UNK", written).replace("ATOM  ", "HETATM")
    (found,) = read_chains(write(tmp_path / "a.pdb", text))
    assert found.letters == f"AAAAA{letter}AAAAAA{letter}A"
    assert found.modified == {written: 2}
    known = "" if letter == "X" else f"2 {written} as {letter}"
    assert modified_in_words([found]) == (known, f"2 {written}" if letter == "X" else "")


def test_gzipped_structures_and_assemblies_are_read_as_such(tmp_path: Path) -> None:
    text = pdb(LETTERS, helix(14)) + "END\n"
    (tmp_path / "pdb1abc.ent.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "1abc.pdb1").write_text(text, encoding="utf-8")
    packed, assembly = read_chains(tmp_path / "pdb1abc.ent.gz"), read_chains(tmp_path / "1abc.pdb1")
    assert [(one.name, one.letters) for one in (*packed, *assembly)] == [("pdb1abc", LETTERS), ("1abc", LETTERS)]
    (tmp_path / "2abc.pdb.gz").write_bytes(gzip.compress(text.encode())[:60])
    with pytest.raises(DataError, match="2abc.pdb.gz cannot be unpacked"):
        read_chains(tmp_path / "2abc.pdb.gz")


def test_structures_below_a_folder_are_found_unless_most_files_are_others(tmp_path: Path) -> None:
    for name in ("ab/1abc.pdb.gz", "cd/2cde.cif"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert [file.name for file in structures_below(Listing(tmp_path))] == ["1abc.pdb.gz", "2cde.cif"]
    for number in range(3):
        (tmp_path / f"{number}.csv").touch()
    assert structures_below(Listing(tmp_path)) == []
