"""Chains of letters for molecules of life, and how to tell them from text."""

import re
from collections import Counter
from collections.abc import Sequence

from sonde.core.errors import DataError

NUCLEOTIDES = "ACGTURYSWKMBDHVN-"
"""IUPAC-IUB 1984, Nomenclature for incompletely specified bases in nucleic acid sequences; - for a gap."""
RESIDUES = "ACDEFGHIKLMNPQRSTVWYBJOUXZ*-"
"""IUPAC-IUB 1983, Nomenclature and symbolism for amino acids; * where a chain stops."""
ALPHABETS = {"nucleotides": NUCLEOTIDES, "residues": RESIDUES}
PLAIN = {"nucleotides": "ACGTUN", "residues": "ACDEFGHIKLMNPQRSTVWY"}
SHORTEST = 10  # letters of the middle chain of a column; shorter ones may be words
_PIECE = re.compile(r"[A-Z*-]{10,}|[acgtun-]{10,}")  # of a chain that is printed with blanks
MOSTLY = 0.95  # cells that are chains, and letters that are plain


def chain_kind(cells: Sequence[str]) -> str:
    """Nucleotides or residues; "" for a column of something else, over the cells that are there.

    >>> chain_kind(["acgtacgtacgtn"]), chain_kind(["MKTAYIAKQRQISFVKSHFSRQ"]), chain_kind(["Extraordinary"])
    ('nucleotides', 'residues', '')
    """
    found = [cell for cell in without_blanks(cells) if cell]
    if not found or sorted(map(len, found))[len(found) // 2] < SHORTEST:
        return ""
    for kind, alphabet in ALPHABETS.items():
        # residues are written in capitals; in small letters any long word would be a chain of them
        one = re.compile(f"[{re.escape(alphabet)}]+", re.IGNORECASE if kind == "nucleotides" else 0)
        matches = [cell.upper() for cell in found if one.fullmatch(cell)]
        letters = Counter(letter for chain in matches for letter in chain)
        plain = sum(letters[letter] for letter in PLAIN[kind])
        if len(matches) > MOSTLY * len(found) and plain > MOSTLY * letters.total():
            return kind
    return ""


def without_blanks(cells: Sequence[str]) -> list[str]:
    """Cells of one column, in each of which the blanks go that part a chain in long pieces, as databases print them.

    >>> without_blanks([" MKTAYIAKQR QISFVKSHFS RQ", "A LONG WORD"])
    ['MKTAYIAKQRQISFVKSHFSRQ', 'A LONG WORD']
    """
    pieces = [cell.split() for cell in cells]
    return ["".join(one) if all(map(_PIECE.fullmatch, one[:-1])) else " ".join(one) for one in pieces]


def check_letters(cells: Sequence[str], kind: str, places: Sequence[str]) -> None:
    """Raises: DataError naming the first cell with a letter that stands for nothing, by its name in `places`."""
    strange = re.compile(f"[^{re.escape(ALPHABETS[kind])}]", re.IGNORECASE)
    for number, cell in enumerate(cells):
        found = strange.search(cell)
        if found:
            raise DataError(
                f"{places[number]}: {found.group()!r} at letter {found.start() + 1} of {len(cell)} is none of the IUPAC {kind} "
                f"({ALPHABETS[kind]}); fix the cell, or take the column as plain text with --tokenizer characters"
            )
