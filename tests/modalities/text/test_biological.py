import random
import re

import pytest

from sonde.core.errors import DataError
from sonde.modalities.text.biological import NUCLEOTIDES, RESIDUES, chain_kind, check_letters

draw = random.Random(0)
DNA = ["".join(draw.choices("ACGT", k=60)) for _ in range(100)]
PROTEIN = ["".join(draw.choices("ACDEFGHIKLMNPQRSTVWY", k=80)) for _ in range(100)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (DNA, "nucleotides"),
        ([cell.lower() for cell in DNA], "nucleotides"),
        ([f"   {cell}\t" for cell in DNA], "nucleotides"),
        ([cell.replace("T", "U") for cell in DNA], "nucleotides"),
        ([*DNA, "ACGTNNRYACGTACGT", ""], "nucleotides"),
        ([*DNA, "ACGTXACGTACGT"], "nucleotides"),  # one strange letter of 101: a cell to fix
        (PROTEIN, "residues"),
        ([*PROTEIN, "MKXXBZ*" * 2], "residues"),
        ([cell.lower() for cell in PROTEIN], ""),  # any word would be one
        (["A film of rare charm"] * 5, ""),
        (["THIS FILM WAS GREAT"] * 5, ""),
        (["cat", "tag", "gat", "act"], ""),  # too short
        (["banana", "gnat"], ""),
        (DNA[:10] + ["a film of rare charm"] * 10, ""),
        (["", " "], ""),
        ([], ""),
    ],
)
def test_chains_are_told_from_text(cells: list[str], kind: str) -> None:
    assert chain_kind(cells) == kind


def test_alphabets_are_those_of_the_union() -> None:
    """IUPAC-IUB 1984: four bases, U, and a letter for each set of two, three or four of them."""
    assert sorted(NUCLEOTIDES.replace("-", "")) == sorted("ACGTU" + "RYSWKM" + "BDHV" + "N")
    assert len(RESIDUES.replace("*", "").replace("-", "")) == 26


def test_a_letter_that_stands_for_nothing_is_named() -> None:
    said = re.escape(
        "b.csv row 3: 'x' at letter 4 of 6 is none of the IUPAC nucleotides (ACGTURYSWKMBDHVN-); fix the cell"
    )
    with pytest.raises(DataError, match=said):
        check_letters(["acgt", "acgxac"], "nucleotides", ["b.csv row 2", "b.csv row 3"])
    check_letters(["acgtn", "ACRYMK-"], "nucleotides", ["row 1", "row 2"])
