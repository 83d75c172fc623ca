"""Facts about rows in memory: what makes each be said, with the right numbers, and what must not."""

import numpy as np
import pytest

from sonde.core.findings import Finding
from sonde.data.facts import (
    classes_apart,
    constant_columns,
    contradictions,
    judged_and_trained,
    lacking_classes,
    not_finite,
    stand_ins,
)


def fine(rows: int = 400, columns: int = 6) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(rows, columns)).astype(np.float32)


def row(number: int) -> str:
    return f"row {number}"


def test_a_hole_is_named_by_row_and_column() -> None:
    x = fine()
    x[7, 3], x[90, 3] = np.nan, np.inf
    words, places = not_finite("input", x, row)
    assert words == "2 of 400 rows of input hold NaN or infinity: nan in row 7, column 3"
    assert places.tolist() == [7, 90]


def test_holes_in_several_columns_and_in_pictures() -> None:
    x = fine()
    x[7, 3] = x[8, 1] = np.nan
    assert "in 2 columns: nan in row 7, column 3" in not_finite("input", x, row)[0]
    pictures = np.zeros((5, 2, 3, 4), np.float32)
    pictures[2, 1, 0, 3] = -np.inf
    assert not_finite("input", pictures, row)[0].endswith("-inf in row 2, entry [1, 0, 3]")


@pytest.mark.parametrize(
    "x", [fine(), np.full((4, 3), 3e38, np.float32), np.full((4, 3), 1e308), np.arange(6).reshape(3, 2)]
)
def test_numbers_whose_sum_alone_is_large_are_finite(x: np.ndarray) -> None:
    assert not_finite("input", x, row)[0] == ""


def test_minus_999_stands_for_missing() -> None:
    x = fine()
    x[:40, 2] = -999
    (found,) = stand_ins("input", x)
    assert (found.name, found.where, found.severity) == ("stand-in-values", "column 2", "warning")
    assert "column 2 is -999 in 10 % of the rows" in found.evidence


def test_rare_or_near_numbers_stand_for_themselves() -> None:
    x = fine()
    x[:20, 2] = -999  # 5 %, not more
    assert stand_ins("input", x) == []
    depths = -np.random.default_rng(2).uniform(500, 1500, (400, 2)).astype(np.float32)
    depths[:40, 0] = -999
    assert stand_ins("input", depths) == []
    assert stand_ins("input", np.full((50, 1), -999.0)) == []


def test_copies_of_training_rows_are_counted() -> None:
    x = fine()
    judged = np.concatenate([x[:30], fine(100)[::-1][:70] + 1])
    (found,) = judged_and_trained(x, judged, "validation", batch=64, all_rows=(400, 100))
    assert found.name == "validation-rows-in-training"
    assert found.severity == "warning"
    assert "30 of 100 validation rows (30 %)" in found.evidence


def test_rows_of_which_none_is_trained_on() -> None:
    assert judged_and_trained(fine(), fine(100) + 1, "validation", batch=64, all_rows=(400, 100)) == []


def test_one_batch_learnt_by_heart_and_judged_is_a_note() -> None:
    x = fine(32)
    (found,) = judged_and_trained(x, x, "validation", batch=32, all_rows=(32, 32))
    assert found.severity == "note"


@pytest.mark.parametrize("values", [2, 3])
def test_coarse_rows_meet_by_chance(values: int) -> None:
    drawn = np.random.default_rng(3)
    train, judged = (drawn.integers(0, values, (n, 5)).astype(np.float32) for n in (500, 100))
    assert judged_and_trained(train, judged, "validation", batch=32, all_rows=(500, 100)) == []
    assert contradictions(train, drawn.integers(0, 2, 500)) == []


def test_rows_that_repeat_within_training_as_often_are_no_leak() -> None:
    """Short texts: a third of all rows is one of ten sentences."""
    drawn = np.random.default_rng(4)

    def texts(n: int) -> np.ndarray:
        rows = drawn.integers(0, 3000, (n, 24))
        usual = np.random.default_rng(5).integers(0, 3000, (10, 24))
        often = drawn.random(n) < 1 / 3
        rows[often] = usual[drawn.integers(0, 10, often.sum())]
        return rows

    assert judged_and_trained(texts(900), texts(100), "validation", batch=32, all_rows=(900, 100)) == []


def oversampled(rows: np.ndarray) -> list[Finding]:
    drawn = rows[np.random.default_rng(6).integers(0, len(rows), 4 * len(rows))]
    cut = len(drawn) * 4 // 5
    sizes = (cut, len(drawn) - cut)
    return judged_and_trained(drawn[:cut], drawn[cut:], "validation", batch=32, all_rows=sizes)


def pixels(rows: int = 300) -> np.ndarray:
    """(rows, 64) blots of 17 grey levels on black ground."""
    places = np.random.default_rng(7).uniform(2, 5, (rows, 2, 1, 1))
    down, across = np.mgrid[:8, :8]
    blots = np.exp(-((down - places[:, 0]) ** 2 + (across - places[:, 1]) ** 2) / 4)
    noisy = blots + np.random.default_rng(8).normal(0, 0.1, blots.shape)
    return (np.clip(np.rint(16 * noisy), 0, 16) / 16).reshape(rows, 64).astype(np.float32)


@pytest.mark.parametrize("rows", [fine(), fine()[:, :2], pixels(), pixels().reshape(-1, 1, 8, 8)])
def test_rows_oversampled_before_they_are_split_are_a_leak(rows: np.ndarray) -> None:
    (found,) = oversampled(rows)
    assert (found.name, found.severity) == ("validation-rows-in-training", "warning")
    assert found.action == "split first, and repeat (oversample) training rows alone"


def test_coarse_rows_that_repeat_are_no_leak() -> None:
    """Ages and what is computed of them, one-hot columns, words of a text."""
    drawn = np.random.default_rng(9)
    age = drawn.integers(18, 90, 400).astype(np.float32)
    assert oversampled(np.stack([age, age**2, age**3, drawn.integers(0, 2, 400)], 1) / 7) == []
    assert oversampled(np.eye(40, dtype=np.float32)[drawn.integers(0, 40, 400)] / 3) == []
    assert oversampled(drawn.integers(0, 3000, (400, 24))) == []
    assert oversampled(drawn.integers(0, 3000, (400, 24)).astype(np.float32)) == []


def test_one_copy_is_not_worth_a_word() -> None:
    x = fine()
    judged = fine(100) + 1
    judged[0] = x[0]
    assert judged_and_trained(x, judged, "validation", batch=64, all_rows=(400, 100)) == []


def test_equal_rows_with_other_labels() -> None:
    x = np.concatenate([fine(100), fine(100)[:20]])
    y = np.concatenate([np.zeros(100), np.ones(20)]).astype(np.int64)
    (found,) = contradictions(x, y)
    assert (found.name, found.severity) == ("labels-disagree", "warning")
    assert "40 of 120 training rows (33 %)" in found.evidence
    assert "row 0 is 0, row 100 is 1" in found.evidence
    assert contradictions(x, np.zeros(120, np.int64)) == []


def test_constant_columns_are_a_note() -> None:
    x = fine()
    x[:, [1, 4]] = 2.0
    (found,) = constant_columns("input", x)
    assert (found.name, found.severity) == ("constant-columns", "note")
    assert "2 of 6 columns are the same in every training row (1, 4)" in found.evidence
    assert constant_columns("input", fine()) == []
    assert constant_columns("input", np.zeros((40, 784), np.float32)) == []


def test_constant_columns_of_pixels_are_their_border() -> None:
    x = pixels()
    x[:, [0, 32, 39]] = 0.0
    assert constant_columns("input", x) == []
    table = np.random.default_rng(10).normal(0, 10.0 ** np.arange(-2, 18), (40, 20))
    table[:, 3] = 1.0
    assert len(constant_columns("input", table)) == 1


def test_classes_of_one_part_alone() -> None:
    train, judged = np.array([0] * 200 + [1] * 200), np.array([0] * 50 + [2] * 5)
    found = {each.name: each for each in lacking_classes(train, judged, "validation")}
    assert set(found) == {"class-without-training-rows", "class-without-validation-rows"}
    assert "5 of 55 validation rows are of class 2, which no" in found["class-without-training-rows"].evidence
    assert "validation has no row of class 1 (200 of 400" in found["class-without-validation-rows"].evidence


def test_a_rare_class_may_lack_judged_rows_by_chance() -> None:
    assert classes_apart({0: 980, 1: 20}, {0: 100}, "validation") == []
    assert lacking_classes(np.array([0, 1, -100]), np.array([0, 1, 1]), "validation") == []
    assert lacking_classes(np.array([0.5, 1.0]), np.array([2.0, 1.0]), "validation") == []
