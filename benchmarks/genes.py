"""DNA by letters: splice junctions on rows held out, and promoters by cross-validation, all settings the recipe's.

Usage: python -m benchmarks.genes [--seeds 3] [--only promoters]

Splice: the UCI set of 3,190 windows of 60 nucleotides, three classes; each seed draws its own 20 % of test rows, and 10 % of
the rest choose the checkpoint. 185 windows of the file stand there twice or more often; a test row that is also a training
row would be remembered, so accuracy on the test rows that are in neither training nor validation is given beside. Promoters:
106 stretches of 57 nucleotides, two classes, `--folds 10`. Beside both, logistic regression on the letters of each place.
"""

import argparse
import csv
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score

import sonde
from benchmarks.timing import data_folder, spread, write
from sonde.data.splits import split_rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=("splice", "promoters"), help="one set, printed and not written")
    asked = parser.parse_args()
    results = {}
    if asked.only in (None, "splice"):
        runs = [splice(data_folder() / "genomics" / "splice.data", seed) for seed in range(asked.seeds)]
        results["splice"] = {name: spread([run[name] for run in runs]) for name in runs[0]}
        print("splice", results["splice"], flush=True)
    if asked.only in (None, "promoters"):
        runs = [promoters(data_folder() / "genomics" / "promoters.data", seed) for seed in range(asked.seeds)]
        results["promoters"] = {name: spread([run[name] for run in runs]) for name in runs[0]}
        print("promoters", results["promoters"], flush=True)
    if asked.only is None:
        write("genes", {"seeds": asked.seeds, "scikit-learn": sklearn.__version__, "sets": results})


def splice(file: Path, seed: int) -> dict[str, float]:
    rows = read(file)
    labels = np.array([label for label, _ in rows])
    parts = split_rows(len(rows), test=0.2, validation=0.1, labels=labels, seed=seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "splice"
        folder.mkdir()
        for split, chosen in parts.items():
            body = "".join(f"{rows[i][0]},{rows[i][1]}\n" for i in chosen)
            (folder / f"{split}.csv").write_text("class,sequence\n" + body)
        begun = time.perf_counter()
        run = sonde.train(folder, seed=seed, out=f"{place}/run", quiet=True)
        seconds = time.perf_counter() - begun
        said = [entry["prediction"] for entry in run.predict(str(folder / "test.csv"))]
    right = np.array([answer == rows[i][0] for answer, i in zip(said, parts["test"], strict=True)])
    seen = {rows[i][1] for split in ("train", "validation") for i in parts[split]}
    new = np.array([rows[i][1] not in seen for i in parts["test"]])
    model = LogisticRegression(max_iter=2000).fit(letters(rows, parts["train"]), labels[parts["train"]])
    return {
        "accuracy": float(right.mean()),
        "accuracy, rows that train does not hold": float(right[new].mean()),
        "logistic regression": float(model.score(letters(rows, parts["test"]), labels[parts["test"]])),
        "seconds": seconds,
    }


def promoters(file: Path, seed: int) -> dict[str, float]:
    rows = read(file)
    labels = np.array([label for label, _ in rows])
    with tempfile.TemporaryDirectory() as place:
        begun = time.perf_counter()
        run = sonde.train(file, folds=10, seed=seed, out=f"{place}/run", quiet=True)
        seconds = time.perf_counter() - begun
        found: dict[str, Any] = run.result
    folds = StratifiedKFold(10, shuffle=True, random_state=seed)
    everything = letters(rows, np.arange(len(rows)))
    scores = cross_val_score(LogisticRegression(max_iter=2000), everything, labels, cv=folds)
    return {
        "accuracy": found["metrics"]["test"]["accuracy"],
        "deviation over folds": found["spread"]["test"]["accuracy"]["deviation"],
        "logistic regression": float(scores.mean()),
        "seconds": seconds,
    }


def read(file: Path) -> list[tuple[str, str]]:
    """(class, sequence) of each row."""
    with file.open(newline="", encoding="utf-8") as content:
        return [(row[0].strip(), row[-1].strip().upper()) for row in csv.reader(content) if row]


def letters(rows: list[tuple[str, str]], chosen: np.ndarray) -> np.ndarray:
    """(n, places x 4) one for the nucleotide of each place, zeros where it is ambiguous."""
    return np.array([[float(letter == base) for letter in rows[i][1] for base in "ACGT"] for i in chosen])


if __name__ == "__main__":
    main()
