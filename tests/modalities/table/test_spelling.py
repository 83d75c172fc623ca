"""Spellings of one name."""

import pytest

from sonde.modalities.table.spelling import as_known, one_spelling


def test_the_commonest_spelling_names_all():
    spelled, said = one_spelling({"yes": 5, "Yes": 9, "YES": 1, "no": 4})
    assert spelled == {"yes": "Yes", "Yes": "Yes", "YES": "Yes", "no": "no"}
    assert said == ["'yes', 'Yes', 'YES' are read as one class; write them differently if they are not"]


@pytest.mark.parametrize(("names", "count"), [(["1", "1.0", "a"], 2), (["A", "a", "b"], 3), (["Y", "y", "n"], 2)])
def test_numbers_and_letters(names: list[str], count: int):
    spelled, _ = one_spelling(dict.fromkeys(names, 3))
    assert len(set(spelled.values())) == count


def test_known_names_in_other_spellings():
    assert as_known(["YES", "no", "perhaps", "1.0"], ["Yes", "no", "1"]) == ["Yes", "no", None, "1"]
    assert as_known(["a"], ["A", "ａ"]) == ["A"]
