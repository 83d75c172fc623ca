"""Shares of rows: sizes, strata, groups, and that they come out the same again."""

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import StratifiedShuffleSplit

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.data.rows import ArrayInputs, InputRows
from sonde.data.splits import (
    SubsetRows,
    evenly_spaced,
    for_evaluation,
    in_order,
    labels_of,
    split_rows,
    subset,
    thin,
)


def rows_of(n: int) -> InputRows:
    return InputRows(ArrayInputs(np.arange(n, dtype=np.float32)[:, None], "x"), {"target": np.arange(n) % 3})


def test_splits_come_in_one_order_and_a_single_one_is_the_test_split_of_an_evaluation() -> None:
    assert list(in_order({"test": 1, "train": 2})) == ["train", "test"]
    assert for_evaluation({"train": 1}) == {"test": 1}
    assert for_evaluation({"train": 1, "validation": 2}) == {"train": 1, "validation": 2}


def test_evenly_spaced_places_reach_from_the_first_row_to_the_last() -> None:
    assert evenly_spaced(101, 5).tolist() == [0, 25, 50, 75, 100]
    assert evenly_spaced(3, 5).tolist() == [0, 1, 2]
    assert evenly_spaced(0, 5).tolist() == []


def test_parts_are_disjoint_and_together_everything() -> None:
    parts = split_rows(997, test=0.2, validation=0.1)
    assert list(parts) == ["train", "validation", "test"]
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(997))
    assert len(parts["test"]) == round(997 * 0.2)
    assert len(parts["validation"]) == round((997 - len(parts["test"])) * 0.1)  # a share of what test leaves


def test_no_share_no_part() -> None:
    assert list(split_rows(10, test=0, validation=0)) == ["train"]
    assert list(split_rows(10, test=0.2, validation=0)) == ["train", "test"]


def test_every_class_keeps_its_share_like_scikit_learn() -> None:
    labels = np.repeat([0, 1, 2, 3], [700, 200, 90, 10])
    parts = split_rows(1000, test=0.2, validation=0.0, labels=labels)
    counts = np.bincount(labels[parts["test"]], minlength=4)
    _, reference = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=0).split(labels, labels))
    assert counts.tolist() == np.bincount(labels[reference], minlength=4).tolist() == [140, 40, 18, 2]


def test_rounding_spreads_over_classes() -> None:
    labels = np.repeat(np.arange(10), 25)  # 10 % of 25 is 2.5 a class, 25 in all
    held = split_rows(250, test=0.1, validation=0, labels=labels)["test"]
    counts = np.bincount(labels[held], minlength=10)
    assert counts.sum() == 25
    assert set(counts) == {2, 3}


def test_a_class_never_loses_its_last_training_row() -> None:
    labels = np.array([0] * 50 + [1, 2, 2])
    for seed in range(20):
        parts = split_rows(53, test=0.5, validation=0.3, labels=labels, seed=seed)
        assert set(labels[parts["train"]]) == {0, 1, 2}


def test_same_seed_same_parts_and_other_seed_others() -> None:
    labels = np.arange(300) % 7
    one, again, other = (split_rows(300, test=0.2, validation=0.1, labels=labels, seed=s) for s in (0, 0, 1))
    assert all((one[name] == again[name]).all() for name in one)
    assert (one["test"] != other["test"]).any()


def test_the_draw_is_uniform() -> None:
    """Each row is held back about as often as its share says: 400 draws, binomial standard deviation 0.02."""
    often = np.zeros(100)
    for seed in range(400):
        often[split_rows(100, test=0.2, validation=0, labels=np.arange(100) % 2, seed=seed)["test"]] += 1
    assert abs(often / 400 - 0.2).max() < 5 * 0.02


def test_groups_stay_together() -> None:
    groups = np.arange(400) // 7
    parts = split_rows(400, test=0.25, validation=0.2, groups=groups)
    owners = [set(groups[rows]) for rows in parts.values()]
    assert not owners[0] & owners[1]
    assert not owners[0] & owners[2]
    assert not owners[1] & owners[2]
    assert abs(len(parts["test"]) - 100) <= 7


def test_thin_keeps_a_fraction_of_each_class() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 1])
    kept = thin(labels, 0.1)
    assert np.bincount(labels[kept]).tolist() == [10, 5, 1]
    assert (thin(labels, 1.0) == np.arange(151)).all()
    assert len(thin(40, 0.25)) == 10


def test_a_subset_reads_its_rows_in_the_order_asked() -> None:
    view = subset(rows_of(10), np.array([7, 2, 5]))
    batch = view.read(np.array([2, 0]))
    assert batch["input"].ravel().tolist() == [5, 7]
    assert batch["target"].tolist() == [5 % 3, 7 % 3]
    assert view.describe(1) == "x row 2"
    assert len(view) == 3
    assert view.nbytes() == rows_of(10).nbytes() * 3 // 10
    assert labels_of(view).tolist() == [7 % 3, 2, 5 % 3]


def test_a_subset_of_a_subset_looks_straight_at_the_rows() -> None:
    inner = rows_of(10)
    view = subset(subset(inner, np.array([7, 2, 5])), np.array([1]))
    assert isinstance(view, SubsetRows)
    assert view.rows is inner
    assert view.indices.tolist() == [2]
    assert subset(inner, np.arange(10)) is inner


def test_labels_are_read_where_rows_do_not_keep_them_apart() -> None:
    class Plain:
        def __len__(self) -> int:
            return 9000

        def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
            return {"target": indices % 4}

        def describe(self, index: int) -> str:
            return str(index)

        def nbytes(self) -> int:
            return 0

    assert (labels_of(Plain()) == np.arange(9000) % 4).all()


@pytest.mark.parametrize("fraction", [0.5, 0.1])
def test_label_fraction_reaches_the_dataset(fraction: float) -> None:
    from sonde.modalities.open import open_data

    y = np.arange(200) % 2
    data = open_data((np.random.default_rng(0).normal(size=(200, 3)), y), DataConfig(label_fraction=fraction))
    assert len(data.splits["train"]) == round(144 * fraction)
    assert any(fact.why.startswith("--label-fraction") for fact in data.facts)
    assert len(data.splits["test"]) == 40


def in_folds(n: int, parts: int, **more: Any) -> list[dict[str, np.ndarray]]:
    return [split_rows(n, fold=(k, parts), **{"test": 0.2, "validation": 0.1, **more}) for k in range(1, parts + 1)]


def test_folds_judge_every_row_once_and_never_train_on_it() -> None:
    found = in_folds(103, 10)
    assert sorted(row for parts in found for row in parts["test"]) == list(range(103))
    for parts in found:
        assert sorted(row for part in parts.values() for row in part) == list(range(103))
        assert len(parts["test"]) in (10, 11)
        assert len(parts["validation"]) == round(0.1 * (103 - len(parts["test"])))


def test_folds_hold_each_class_alike() -> None:
    labels = np.array([0] * 60 + [1] * 30 + [2] * 15)
    for parts in in_folds(105, 5, labels=labels):
        assert np.bincount(labels[parts["test"]]).tolist() == [12, 6, 3]


def test_folds_are_validation_where_there_is_a_test_split() -> None:
    found = in_folds(50, 5, test=0.0)
    assert all(set(parts) == {"train", "validation"} for parts in found)
    assert sorted(row for parts in found for row in parts["validation"]) == list(range(50))


@pytest.mark.parametrize("sizes", [(5, 3, 2), (40, 30, 30), (1, 1, 1)])
def test_three_groups_are_enough_for_three_parts(sizes: tuple[int, ...]) -> None:
    groups = np.repeat(np.arange(3), sizes)
    parts = split_rows(len(groups), test=0.2, validation=0.1, groups=groups)
    assert all(len(set(groups[rows])) == 1 for rows in parts.values())
    assert len(parts["test"]) == min(sizes)


def test_folds_keep_groups_whole() -> None:
    groups = np.repeat(np.arange(20), np.arange(1, 21))
    found = in_folds(len(groups), 4, groups=groups, validation=0.0)
    homes = [set(groups[parts["test"]]) for parts in found]
    assert sorted(group for home in homes for group in home) == list(range(20))
    sizes = [len(parts["test"]) for parts in found]
    assert max(sizes) - min(sizes) <= 20  # no more than the largest group


def test_folds_need_rows_enough_and_something_to_cut() -> None:
    with pytest.raises(DataError, match="--folds 9 needs as many rows, and there are 8; use fewer folds"):
        in_folds(8, 9)
    with pytest.raises(DataError, match="--folds has nothing to split: the data has its own validation and test rows"):
        in_folds(50, 5, test=0.0, validation=0.0)
