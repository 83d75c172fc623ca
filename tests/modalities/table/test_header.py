import pytest

from sonde.modalities.table.header import is_header


@pytest.mark.parametrize(
    "rows",
    [
        [["text", "label"], ["a stirring , funny and finally transporting film about what it is to be alive", "1"]],
        [["age", "sex"], ["31", "f"]],
        [["0", "1", "2"], ["0", "255", "3"], ["7", "1", "2"]],  # pixels by number
        [["2001", "2002"], ["3.5", "4.5"]],
        [["the whole of the review", "1"], ["fine", "0"], ["dull", "0"]],  # a number that is never a value below
        [["sequence", "class"], ["ACGTACGTACGT", "EI"]],
        [["ACTGAT", "class"], ["ACGTAC", "EI"]],
        [["name"]],
    ],
)
def test_names_are_a_header(rows: list[list[str]]) -> None:
    assert is_header(rows)


@pytest.mark.parametrize(
    "rows",
    [
        [["a stirring , funny and finally transporting re imagining of beauty", "1"], ["dull", "0"]],
        [["one long string of cliches", "0"], ["a film of rare charm", "1"], ["no charm", " 0 "]],
        [["EI", "ATRINS-DONOR-521", "  CCAGCTGCATCACAGGAGGCC"], ["IE", "X", "ACGTACGTACGTACGTACGTN"]],
        [["+", "S10", "\ttactagcaatacgcttgcgt"], ["-", "A1", "\t\ttgctatcctgacagttgtc"]],
        [["x" * 61, "a"]],
    ],
)
def test_what_reads_like_the_rows_below_is_none(rows: list[list[str]]) -> None:
    assert not is_header(rows)


def test_rows_that_differ_in_length_are_looked_at_all_the_same() -> None:
    assert not is_header([["acgtacgtacgtac", "1"], ["acgtacgtacgtaa"], ["acgtacgtacgtaa", "1"]])
