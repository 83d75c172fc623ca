"""Tables beside gradient boosting: five splits of housing, titanic and penguins, the same rows for both.

Usage: python -m benchmarks.tables [--seeds 5] [--only titanic]

Each seed draws its own 20 % of test rows, and 10 % of the rest as validation rows. Sonde trains on the rest and chooses its
checkpoint by the validation rows; scikit-learn's HistGradientBoosting gets training and validation rows together, as its
defaults ask for (it holds rows back itself where it stops early). Both see the same columns, both are judged by the same
functions on their predictions for the same test rows.
"""

import argparse
import csv
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error

import sonde
from benchmarks.timing import data_folder, write
from sonde.data.listing import Listing
from sonde.data.splits import split_rows
from sonde.modalities.settings import data_config
from sonde.modalities.table.forms.tables import read


@dataclass(frozen=True)
class Table:
    name: str
    target: str
    classes: bool


TABLES = (
    Table("housing", "median_house_value", False),
    Table("titanic", "Survived", True),
    Table("penguins", "species", True),
)
BOOSTING = {"boosting": "auto", "boosting, stops early": True, "boosting, never stops early": False}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=[table.name for table in TABLES], help="one table, printed and not written")
    asked = parser.parse_args()
    results = {}
    for table in TABLES:
        if asked.only in (None, table.name):
            file = data_folder() / "tabular" / f"{table.name}.csv"
            results[table.name] = summary([compare(file, table, seed) for seed in range(asked.seeds)])
            show(table, results[table.name])
    if asked.only is None:
        write("tables", {"seeds": asked.seeds, "scikit-learn": sklearn.__version__, "tables": results})


def compare(file: Path, table: Table, seed: int) -> dict[str, dict[str, float]]:
    """Method -> metric -> value, for one split."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / table.name
        write_splits(file, table, folder, seed)
        found = {"sonde": with_sonde(folder, table, seed)}
        return found | {name: with_boosting(folder, table, seed, stop) for name, stop in BOOSTING.items()}


def write_splits(file: Path, table: Table, folder: Path, seed: int) -> None:
    """train.csv, validation.csv and test.csv with the file's own rows, stratified for classes."""
    with file.open(newline="", encoding="utf-8") as source:
        header, *rows = list(csv.reader(source))
    labels = np.array([row[header.index(table.target)] for row in rows]) if table.classes else None
    folder.mkdir()
    for split, index in split_rows(len(rows), test=0.2, validation=0.1, labels=labels, seed=seed).items():
        with (folder / f"{split}.csv").open("w", newline="", encoding="utf-8") as part:
            csv.writer(part).writerows([header, *(rows[i] for i in index)])


def with_sonde(folder: Path, table: Table, seed: int) -> dict[str, float]:
    started = time.perf_counter()
    run = sonde.train(folder, target=table.target, seed=seed, out=str(folder / "run"), quiet=True)
    seconds = time.perf_counter() - started
    test = pd.read_csv(folder / "test.csv")
    said = run.predict(test.drop(columns=table.target))
    if not table.classes:
        return {
            **judge(np.asarray(test[table.target]), np.array([row[table.target] for row in said])),
            "seconds": seconds,
        }
    names = sorted(said[0]["probabilities"])
    probabilities = np.array([[row["probabilities"][name] for name in names] for row in said])
    return {**judge(np.asarray(test[table.target].astype(str)), probabilities, names), "seconds": seconds}


def with_boosting(folder: Path, table: Table, seed: int, stop: Any) -> dict[str, float]:
    train = pd.concat([pd.read_csv(folder / f"{split}.csv") for split in ("train", "validation")])
    test = pd.read_csv(folder / "test.csv")
    inputs = [same_columns(folder, table, frame, train) for frame in (train, test)]
    kind = HistGradientBoostingClassifier if table.classes else HistGradientBoostingRegressor
    model = kind(categorical_features="from_dtype", early_stopping=stop, random_state=seed)
    target = train[table.target].astype(str) if table.classes else train[table.target]
    started = time.perf_counter()
    model.fit(inputs[0], target)
    seconds = time.perf_counter() - started
    if not table.classes:
        return {**judge(np.asarray(test[table.target]), model.predict(inputs[1])), "seconds": seconds}
    classifier: Any = model
    names = [str(name) for name in classifier.classes_]
    return {
        **judge(np.asarray(test[table.target].astype(str)), classifier.predict_proba(inputs[1]), names),
        "seconds": seconds,
    }


def same_columns(folder: Path, table: Table, frame: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """The columns that Sonde uses, as gradient boosting wants them: text as categories, gaps as NaN."""
    columns = read(Listing(folder), data_config({"target": table.target})).schema.input.columns
    out = {}
    for source in dict.fromkeys(column.source for column in columns):
        kinds = [column for column in columns if column.source == source]
        if all(column.part == "missing" for column in kinds):
            out[source] = frame[source].isna().astype(float)
        elif any(column.kind == "category" for column in kinds):
            out[source] = pd.Categorical(frame[source], categories=sorted(train[source].dropna().unique()))
        else:
            out[source] = frame[source]
    return pd.DataFrame(out, index=frame.index)


def judge(truth: np.ndarray, predicted: np.ndarray, names: list[str] | None = None) -> dict[str, float]:
    if names is None:
        return {"rmse": float(root_mean_squared_error(truth, predicted)), "r2": float(r2_score(truth, predicted))}
    chosen = np.array(names)[predicted.argmax(axis=1)]
    loss = log_loss(truth, predicted / predicted.sum(axis=1, keepdims=True), labels=names)
    return {"accuracy": float(accuracy_score(truth, chosen)), "log_loss": float(loss)}


def summary(runs: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Method -> metric -> mean, standard deviation over splits, and the values themselves."""
    return {
        method: {
            metric: {
                "mean": float(np.mean(values)),
                "std": float(np.std(values)),
                "values": [round(value, 6) for value in values],
            }
            for metric in runs[0][method]
            for values in [[run[method][metric] for run in runs]]
        }
        for method in runs[0]
    }


def show(table: Table, results: dict[str, Any]) -> None:
    print(table.name)
    for method, metrics in results.items():
        print(
            f"  {method:28s}" + "   ".join(f"{m} {v['mean']:.4g} ± {v['std']:.2g}" for m, v in metrics.items()),
            flush=True,
        )


if __name__ == "__main__":
    main()
