import numpy as np
import pandas as pd
import pytest
from sample_settings import data_config
from sklearn import datasets

from sonde.core.dataset import Column, TargetSpec
from sonde.modalities.open import open_data
from sonde.modalities.table.leaks import leaking_columns, leaks_before_training
from sonde.run.split_checks import checked

RNG = np.random.default_rng(0)


def numbers(*names: str) -> list[Column]:
    return [Column(name=name, kind="number", source=name) for name in names]


def classes(n: int) -> TargetSpec:
    return TargetSpec(kind="class", names=tuple(map(str, range(n))))


VALUE = TargetSpec(kind="value", names=("price",))


def noise(n: int, width: int = 3) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, width)).astype(np.float32)


def test_a_number_that_gives_the_class_away_is_named() -> None:
    target = RNG.integers(0, 3, 400)
    leak = (5.0 - 2 * target + RNG.normal(0, 0.05, 400)).astype(np.float32)
    found = leaking_columns(np.column_stack([noise(400), leak]), numbers("a", "b", "c", "score"), target, classes(3))
    assert [(f.column, f.target, f.measure, f.rows) for f in found] == [
        ("score", "the class", "balanced accuracy", 400)
    ]
    assert found[0].score == 1.0


def test_a_category_that_renames_the_class_is_named() -> None:
    target = RNG.integers(0, 4, 300)
    codes = np.array([3, 1, 4, 2])[target].astype(np.float32)
    columns = [*numbers("a", "b", "c"), Column(name="kind", kind="category", source="kind", categories=tuple("wxyz"))]
    found = leaking_columns(np.column_stack([noise(300), codes]), columns, target, classes(4))
    assert [f.column for f in found] == ["kind"]


def test_a_leak_in_one_of_twenty_thousand_rows_of_a_rare_class_counts_by_class() -> None:
    """Saying 'no' to everything is right 99 % of the time, and no leak."""
    target = (RNG.random(4000) < 0.01).astype(np.int64)
    assert leaking_columns(noise(4000), numbers("a", "b", "c"), target, classes(2)) == []
    leak = np.where(target, 9.0, RNG.normal(size=4000)).astype(np.float32)
    assert [f.column for f in leaking_columns(leak[:, None], numbers("fraud_code"), target, classes(2))] == [
        "fraud_code"
    ]


def test_a_price_in_another_currency_is_named() -> None:
    price = RNG.lognormal(size=2500)
    features = np.column_stack([noise(2500), price * 1.1 + RNG.normal(0, 0.001, 2500)]).astype(np.float32)
    found = leaking_columns(features, numbers("a", "b", "c", "euro"), price[:, None], VALUE)
    assert [(f.column, f.target, f.measure) for f in found] == [("euro", "price", "R2 of ranks")]
    assert found[0].score > 0.99


def test_a_leak_survives_in_a_table_sorted_by_its_target() -> None:
    price = np.sort(RNG.lognormal(size=500))
    found = leaking_columns((2 * price[:, None]).astype(np.float32), numbers("double"), price[:, None], VALUE)
    assert [f.column for f in found] == ["double"]


def test_an_id_in_a_table_sorted_by_class_is_no_leak() -> None:
    target = np.repeat([0, 1, 2], 1500)
    ids = np.cumsum(RNG.integers(1, 4, 4500)).astype(np.float32)
    assert leaking_columns(ids[:, None], numbers("id"), target, classes(3)) == []


def test_what_can_only_be_learned_by_heart_is_no_leak() -> None:
    """A tree has room for most of forty rows, but not for those that it has not seen."""
    features = np.random.default_rng(5).permutation(40)[:, None].astype(np.float32)
    assert leaking_columns(features, numbers("seat"), np.random.default_rng(6).integers(0, 2, 40), classes(2)) == []


def test_a_date_in_a_smooth_series_is_no_leak() -> None:
    time = np.arange(400) + RNG.uniform(0, 0.1, 400)
    order = RNG.permutation(400)
    column = Column(name="day.time", kind="number", source="day", part="time", date_order="ymd")
    value = np.sin(time / 60)[order, None]
    assert leaking_columns(time[order, None].astype(np.float32), [column], value, VALUE) == []


def test_targets_that_are_missing_are_left_aside() -> None:
    spec = TargetSpec(kind="value", names=("x", "y"), masked=True)
    target = RNG.normal(size=(200, 2))
    mask = np.ones((200, 2))
    mask[:190, 1] = 0  # ten known values of y: too few to judge by
    features = target.astype(np.float32)
    found = leaking_columns(features, numbers("copy of x", "copy of y"), target, spec, mask=mask)
    assert [(f.column, f.target) for f in found] == [("copy of x", "x")]


def test_two_encoded_columns_of_one_source_are_one_leak() -> None:
    target = RNG.integers(0, 2, 200)
    columns = [
        Column(name="died", kind="number", source="died"),
        Column(name="died missing", kind="number", source="died", part="missing"),
    ]
    features = np.column_stack([target * 1.0, target * -1.0]).astype(np.float32)
    assert [f.column for f in leaking_columns(features, columns, target, classes(2))] == ["died"]


@pytest.mark.parametrize("name", ["load_iris", "load_wine", "load_breast_cancer", "load_diabetes"])
def test_known_honest_tables_have_no_leak(name: str) -> None:
    x, y = getattr(datasets, name)(return_X_y=True)
    order = RNG.permutation(len(y))
    x, y = x[order].astype(np.float32), y[order]
    spec = VALUE if name == "load_diabetes" else classes(len(np.unique(y)))
    target = y[:, None] if name == "load_diabetes" else y
    assert leaking_columns(x, numbers(*map(str, range(x.shape[1]))), target, spec) == []


def test_the_tree_agrees_with_cross_validation_elsewhere() -> None:
    """scikit-learn's own cross-validated balanced accuracy of the best iris column, 0.96, is what the limit was set by."""
    from sklearn.model_selection import cross_val_score
    from sklearn.tree import DecisionTreeClassifier

    from sonde.modalities.table.leaks import _held_out

    x, y = datasets.load_iris(return_X_y=True)
    order = np.random.default_rng(3).permutation(150)
    theirs = cross_val_score(
        DecisionTreeClassifier(max_leaf_nodes=32, random_state=0),
        x[order, 3:],
        y[order],
        cv=3,
        scoring="balanced_accuracy",
    ).mean()
    assert _held_out(np.asarray(x)[order, 3], np.asarray(y)[order], category=False, classes=True) == pytest.approx(
        theirs, abs=0.02
    )


def frame(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    price = rng.normal(size=n).round(6)
    return pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "price": price, "dear": price > 0.4})


def test_a_column_that_the_class_is_a_threshold_of_is_told_before_training() -> None:
    dataset = open_data(frame(), data_config(target=("dear",)))
    (said,) = leaks_before_training(dataset)
    assert (said.name, said.severity, said.certainty, said.where) == ("target-leak", "warning", "likely", "price")
    assert said.evidence.startswith("column 'price' alone predicts the class with balanced accuracy ")
    assert said.action.endswith("if it is known then, keep it")
    assert said in checked(dataset).findings


def test_columns_that_say_much_and_not_all_are_left_alone_before_training() -> None:
    rows = frame()
    rows["price"] += np.random.default_rng(4).normal(0, 0.15, len(rows))  # right for about 93 of 100 rows
    assert leaks_before_training(open_data(rows, data_config(target=("dear",)))) == []
    assert leaks_before_training(open_data(frame()[["price", "dear"]], data_config(target=("dear",)))) == []


def test_of_many_copies_of_the_target_a_few_are_told_before_training() -> None:
    rows = frame()
    for number in range(9):
        rows[f"copy {number}"] = rows["dear"].astype(int) * (number + 2) + rows["a"] / 100
    assert len(leaks_before_training(open_data(rows, data_config(target=("dear",))))) == 4


def test_no_tree_is_fitted_where_neighbours_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> float:
        raise AssertionError

    monkeypatch.setattr("sonde.modalities.table.leaks._held_out", refuse)
    target = RNG.integers(0, 2, 500)
    assert leaking_columns(noise(500), numbers("a", "b", "c"), target, classes(2)) == []
    assert leaking_columns(noise(500), numbers("a", "b", "c"), RNG.normal(size=(500, 1)), VALUE) == []
