"""Tables: what samples are worth for a classical model, and how near they are to training rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import sonde
from sonde.core.run_folder import RunFolder
from sonde.modalities.table.made import MADE
from sonde.run.judge import check_judge, seen_by
from sonde.run.judged_rows import parts_of
from sonde.run.run import Run
from sonde.run.trained_on_samples import trained_on_samples


def table(rows: int, seed: int) -> pa.Table:
    """Two classes that a number and a colour tell apart."""
    draw = np.random.default_rng(seed)
    kind = draw.integers(0, 2, rows)
    number = draw.normal(size=rows) + 3 * kind
    colour = np.where(draw.random(rows) < 0.8, kind, 1 - kind)
    return pa.table(
        {
            "number": number,
            "colour": [("red", "blue")[each] for each in colour],
            "kind": [("cat", "dog")[each] for each in kind],
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pyarrow import csv

    found = tmp_path_factory.mktemp("tables")
    csv.write_csv(table(400, 0), found / "pets.csv")
    sonde.train(found / "pets.csv", target="kind", epochs=2, model="mlp", out=found / "judge", threads=1, quiet=True)
    return found


@pytest.fixture
def judge(place: Path) -> Run:
    return sonde.load(place / "judge")


def test_new_rows_are_worth_as_much_as_real_ones_and_wrong_classes_nothing(place: Path, judge: Run) -> None:
    found = trained_on_samples(judge, place / "pets.csv", table(300, 1), MADE)[0]
    assert found["value"] == pytest.approx(found["real"], abs=0.08)
    assert found["real"] > 0.85
    wrong = table(300, 1)
    flipped = pa.array([{"cat": "dog", "dog": "cat"}[each] for each in wrong["kind"].to_pylist()])
    against = trained_on_samples(judge, place / "pets.csv", wrong.set_column(2, "kind", flipped), MADE)[0]
    assert against["value"] < 0.2


def test_the_accuracy_is_scikit_learns(place: Path, judge: Run) -> None:
    samples = table(200, 1)
    parts = parts_of(RunFolder(judge.folder), place / "pets.csv", judge.schema)
    test = parts.splits["test"].read(np.arange(len(parts.splits["test"])))
    known = np.asarray(judge.preprocess(samples))
    target = [judge.classes.index(each) for each in samples["kind"].to_pylist()]
    kind: Any = HistGradientBoostingClassifier  # which has no annotations
    model = kind(early_stopping=False, random_state=0, categorical_features=[False, True])
    wanted = model.fit(known, target).score(test["input"], test["target"])
    assert trained_on_samples(judge, place / "pets.csv", samples, MADE)[0]["value"] == pytest.approx(wanted)


def test_what_cannot_be_trained_on_says_why(place: Path, judge: Run) -> None:
    alone = table(50, 1).drop_columns(["kind"])
    said = trained_on_samples(judge, place / "pets.csv", alone, MADE)[0]["reason"]
    assert said == "samples have no column that the judge answers for"
    cats = table(50, 1).set_column(2, "kind", pa.array(["cat"] * 50))
    assert (
        trained_on_samples(judge, place / "pets.csv", cats, MADE)[0]["reason"] == "there are no samples of class 'dog'"
    )


def test_rows_are_near_by_their_numbers_and_categories(judge: Run) -> None:
    rows = pa.table({"number": [0.0, 0.0, None], "colour": ["red", "blue", "red"]})
    assert MADE.vectors is not None
    found = MADE.vectors(rows, judge.schema)
    assert torch.dist(found[0], found[1]) == pytest.approx(1.0)
    assert torch.isfinite(found).all()
    seen = seen_by(judge, table(30, 2), MADE)
    assert seen.features.shape[0] == 30
    assert seen.classes.tolist() == judge.predict_proba(table(30, 2)).argmax(1).tolist()


def of_numbers(rows: int, seed: int, slope: float = 2.0) -> pa.Table:
    """A price that a size decides, but for noise of deviation 3."""
    draw = np.random.default_rng(seed)
    size = draw.normal(50, 10, rows)
    return pa.table({"size": size, "price": slope * size + draw.normal(0, 3, rows)})


@pytest.fixture(scope="module")
def regressor(tmp_path_factory: pytest.TempPathFactory) -> Run:
    from pyarrow import csv

    found = tmp_path_factory.mktemp("prices")
    csv.write_csv(of_numbers(400, 0), found / "prices.csv")
    given: dict[str, Any] = {"target": "price", "epochs": 2, "model": "mlp", "threads": 1, "quiet": True}
    return sonde.train(found / "prices.csv", out=found / "judge", **given)


def test_of_a_column_of_numbers_trees_are_told_by_their_error_on_real_rows(regressor: Run) -> None:
    data = regressor.folder.parent / "prices.csv"
    samples = of_numbers(200, 1)
    r2, mae = trained_on_samples(regressor, data, samples, MADE)
    assert [(each["name"], each["better"]) for each in (r2, mae)] == [
        ("trained_on_samples_r2", "higher"),
        ("trained_on_samples_mae", "lower"),
    ]
    assert r2["value"] == pytest.approx(r2["real"], abs=0.05)
    assert r2["real"] > 0.9
    parts = parts_of(RunFolder(regressor.folder), data, regressor.schema)
    test = parts.splits["test"].read(np.arange(len(parts.splits["test"])))
    kind: Any = HistGradientBoostingRegressor
    known = np.asarray(regressor.preprocess(samples))
    model = kind(early_stopping=False, random_state=0).fit(known, samples["price"].to_numpy())
    spec = regressor.schema.target
    truth = spec.mean[0] + spec.std[0] * test["target"].reshape(-1).astype(np.float64)
    guessed = model.predict(test["input"])
    assert mae["value"] == pytest.approx(np.abs(guessed - truth).mean(), rel=0.02)  # in the column's own units
    assert 2 < mae["real"] < 6
    against = trained_on_samples(regressor, data, of_numbers(300, 1, slope=-2.0), MADE)[0]
    assert against["value"] < 0


def test_a_regressor_judges_samples_of_tables_without_classes(regressor: Run) -> None:
    check_judge(regressor, regressor)
    seen = seen_by(regressor, of_numbers(30, 2), MADE)
    assert seen.features.shape[0] == 30
    assert len(seen.classes) == 0
    few = trained_on_samples(regressor, regressor.folder.parent / "prices.csv", of_numbers(5, 1), MADE)
    assert {each["reason"] for each in few} == {"there are only 5 samples with a number to learn"}
