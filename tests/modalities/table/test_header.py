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
        [["How well did you sleep last night, on a scale from one to five? " * 2, "y"], *[["3", "a"], ["4", "b"]] * 3],
        [["W" * 300, "target"], *[["", "a"], ["0.5", "b"]] * 6],
        [["Q" * 300, "v"], *[["cat", "0.5"], ["dog", "1.5"]] * 3],
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
        [["x" * 100, "a"], *[["y" * 90, "b"], ["z", "a"]] * 4],  # an address above addresses
        [
            ["a long review of a film, all in all, about what it is to be alive", "1"],
            *[["fine", "0"], ["dull", "1"]] * 5,
        ],
    ],
)
def test_what_reads_like_the_rows_below_is_none(rows: list[list[str]]) -> None:
    assert not is_header(rows)


def test_rows_that_differ_in_length_are_looked_at_all_the_same() -> None:
    assert not is_header([["acgtacgtacgtac", "1"], ["acgtacgtacgtaa"], ["acgtacgtacgtaa", "1"]])


@pytest.mark.parametrize(
    "rows",
    [
        [["5.1", "3.5", "setosa"], ["4.9", "3.0", "setosa"], ["6.3", "2.5", "virginica"]],
        [["6", "148", "72", "33.6"], ["1", "85", "66", "26.6"], ["8", "183", "64", "23.3"]],
        [["5", "0", "0", "12"], ["3", "0", "9", "12"], ["1", "4", "0", "7"]],  # MNIST
        [["p", "x", "s", "p"], ["e", "x", "s", "p"], ["p", "y", "t", "p"], ["e", "y", "t", "n"]],  # mushrooms
        [["1", "Smith, J", "male", "22"], ["2", "Jones, A", "female", "38"], ["3", "Bell, C", "male", "7"]],
        [["2020-01-01", "5", "9"], ["2020-01-02", "6", "8"], ["2020-01-03", "2", "7"]],
        [["-1.5"], ["0.2"], ["3.5"]],
    ],
)
def test_short_cells_like_those_below_are_a_row(rows: list[list[str]]) -> None:
    assert not is_header(rows)


@pytest.mark.parametrize(
    "rows",
    [
        [["label", "1x1", "1x2"], ["5", "0", "0"], ["3", "0", "7"]],
        [["id", "2020-01-01", "2020-01-02"], ["a", "5", "9"], ["b", "6", "8"]],  # days as columns
        [["400.0", "400.5", "401.0"], ["0.1", "0.2", "0.3"], ["0.4", "0.1", "0.9"]],  # wavelengths
        [["country", "1990", "1991"], ["Chad", "5.5", "9"], ["Peru", "6", "8"]],
        [["1.5", "2.9", "4.2", "8.1", "9.0"], ["3", "1", "1", "5", "2"], ["9", "3", "2", "2", "5"]],
        [["x", "y"], ["a", "b"], ["c", "d"]],
        [["male", "age"], ["1", "22"], ["0", "31"]],
    ],
)
def test_numbers_that_are_names(rows: list[list[str]]) -> None:
    assert is_header(rows)
