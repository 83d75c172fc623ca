"""Molecules from their SMILES alone: solubility (ESOL) and toxicity in twelve assays (Tox21), as `sonde train` comes.

python -m benchmarks.molecules [--seeds 3] [--only esol]

Rows are cut at random into 80 % to learn from, 10 % that choose the checkpoint and 10 % that judge it in the end, anew for
each seed; rows of one molecule stay together. Beside it stand the trivial answer (the mean; no order at all), and scikit-learn's
random forest of 500 trees on Morgan fingerprints (radius 2, 2,048 bits) of the same rows, validation rows included, an assay at a
time over the molecules that are labelled in it.
"""

import argparse
import csv
import gzip
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import roc_auc_score, root_mean_squared_error

from benchmarks.timing import data_folder, sonde_train, write
from sonde.data.splits import split_rows

TREES = 500
Rows = list[list[str]]


@dataclass(frozen=True)
class Table:
    """metric: of sonde's and of the forest; targets: columns, all but the SMILES and the ids where empty"""

    file: str
    metric: str
    targets: tuple[str, ...]


TABLES = {
    "esol": Table("delaney-processed.csv", "rmse", ("measured log solubility in mols per litre",)),
    "tox21": Table("tox21.csv.gz", "auroc", ()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=list(TABLES), help="one table, printed and not written")
    asked = parser.parse_args()
    results = {}
    for name, table in TABLES.items():
        if asked.only in (None, name):
            results[name] = summary([compare(table, seed) for seed in range(asked.seeds)])
            print(name, json.dumps(results[name], indent=2))
    if asked.only is None:
        write("molecules", {"seeds": asked.seeds, "scikit-learn": sklearn.__version__, "tables": results})


def compare(table: Table, seed: int) -> dict[str, dict[str, float]]:
    """Method -> metric -> value, for one cut of the rows."""
    header, rows = read(data_folder() / "molecules" / table.file)
    rows = [row for row in rows if Chem.MolFromSmiles(row[header.index("smiles")])]  # of Tox21 eight cannot be read
    targets = table.targets or tuple(name for name in header if name not in ("mol_id", "smiles"))
    parts = cut(rows, header.index("smiles"), seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "molecules"
        folder.mkdir()
        for split, held in parts.items():
            with (folder / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *held])
        seconds, result = sonde_train(folder, "--target", *targets, "--seed", str(seed))
    metrics = result["metrics"]
    ours = {
        "test": metrics["test"][table.metric],
        "validation": metrics["validation"][table.metric],
        "seconds": seconds,
    }
    return {
        "sonde": ours,
        "random forest": forest(table, header, targets, parts, seed),
        "trivial": trivial(table, header, targets, parts),
    }


def read(path: Path) -> tuple[list[str], Rows]:
    """Header and rows of a CSV, packed or not."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    return header, rows


def cut(rows: Rows, column: int, seed: int) -> dict[str, Rows]:
    """80 / 10 / 10, rows of one molecule together."""
    names = [Chem.CanonSmiles(row[column]) for row in rows]
    groups = np.unique(names, return_inverse=True)[1]
    index = split_rows(len(rows), test=0.1, validation=1 / 9, groups=groups, seed=seed)
    return {split: [rows[place] for place in places] for split, places in index.items()}


def forest(
    table: Table, header: list[str], targets: tuple[str, ...], parts: dict[str, Rows], seed: int
) -> dict[str, float]:
    """A forest for each target on fingerprints."""
    start = time.perf_counter()
    column = header.index("smiles")
    known, judged = [*parts["train"], *parts["validation"]], parts["test"]
    prints = {id(held): fingerprints([row[column] for row in held]) for held in (known, judged)}
    scores = []
    for target in targets:
        place = header.index(target)
        (x, y), (u, v) = (labelled(prints[id(held)], [row[place] for row in held]) for held in (known, judged))
        if table.metric == "rmse":
            trees = RandomForestRegressor(TREES, random_state=seed, n_jobs=-1).fit(x, y)
            scores.append(root_mean_squared_error(v, trees.predict(u)))
        else:
            trees = RandomForestClassifier(TREES, random_state=seed, n_jobs=-1).fit(x, y)
            scores.append(roc_auc_score(v, trees.predict_proba(u)[:, 1]))
    return {"test": float(np.mean(scores)), "seconds": time.perf_counter() - start}


def trivial(table: Table, header: list[str], targets: tuple[str, ...], parts: dict[str, Rows]) -> dict[str, float]:
    """The mean of the training rows; without an order, half of all pairs are ordered right."""
    if table.metric == "auroc":
        return {"test": 0.5}
    place = header.index(targets[0])
    known, judged = (np.array([float(row[place]) for row in parts[split]]) for split in ("train", "test"))
    return {"test": float(np.sqrt(np.mean((judged - known.mean()) ** 2)))}


def fingerprints(smiles: list[str]) -> np.ndarray:
    """(n, 2048) uint8."""
    generator = GetMorganGenerator(radius=2, fpSize=2048)
    return np.stack([generator.GetFingerprintAsNumPy(Chem.MolFromSmiles(text)) for text in smiles])


def labelled(prints: np.ndarray, cells: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The rows that have a target."""
    there = np.array([cell != "" for cell in cells])
    return prints[there], np.array([float(cell) for cell in cells if cell != ""])


def summary(runs: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Mean and standard deviation over the seeds, and each value."""
    return {
        method: {
            metric: {
                "mean": float(np.mean(values := [run[method][metric] for run in runs])),
                "std": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
                "n": len(values),
                "values": values,
            }
            for metric in runs[0][method]
        }
        for method in runs[0]
    }


if __name__ == "__main__":
    main()
