"""Pairs of sentences of SICK: entailment and relatedness on its 4,927 test pairs, beside gradient boosting on shared words.

Usage: python -m benchmarks.text_pairs [FOLDER] [--seeds 3]

FOLDER: by default sick among the data; it holds SICK_train.txt, SICK_trial.txt and SICK_test_annotated.txt of SemEval-2014
task 1 (Marelli et al. 2014)
Each network trains as `sonde train FOLDER --target COLUMN` does, its settings all the recipe's, and chooses its checkpoint by the
500 trial pairs; nothing but the training pairs is known to it (no word vectors from elsewhere). The baseline is what
scikit-learn's users build first: shares of shared words, lengths and negations of both sentences, and gradient boosting.
"""

import argparse
import csv
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import sonde
from benchmarks.timing import data_folder, spread, write

FILES = {"train": "SICK_train.txt", "validation": "SICK_trial.txt", "test": "SICK_test_annotated.txt"}
TARGETS = {"entailment_judgment": "accuracy", "relatedness_score": "pearson"}
NEGATIONS = frozenset(["no", "not", "nobody", "n't", "without", "none"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=data_folder() / "sick")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    if not (asked.folder / FILES["train"]).exists():
        print(
            f"skipped: {asked.folder} has no {FILES['train']}; SICK's files cannot be handed on and are not downloaded"
        )
        return
    found: dict[str, Any] = {"seeds": asked.seeds, "scikit-learn": sklearn.__version__}
    with tempfile.TemporaryDirectory() as place:
        for split, name in FILES.items():
            shutil.copy(asked.folder / name, Path(place) / f"{split}.tsv")
        for target, metric in TARGETS.items():
            runs = [with_sonde(Path(place), target, metric, seed) for seed in range(asked.seeds)]
            row = {name: spread([run[name] for run in runs]) for name in runs[0]}
            found[target] = {"metric": metric, "baseline": with_boosting(Path(place), target), **row}
            print(target, found[target], flush=True)
    write("text_pairs", found)


def with_sonde(folder: Path, target: str, metric: str, seed: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        begun = time.perf_counter()
        run = sonde.train(folder, target=(target,), seed=seed, out=f"{place}/run", quiet=True)
        seconds = time.perf_counter() - begun
        scores = run.result["metrics"]
    more = {"spearman": scores["test"]["spearman"]} if metric == "pearson" else {}
    return {"test": scores["test"][metric], **more, "validation": scores["validation"][metric], "seconds": seconds}


def with_boosting(folder: Path, target: str) -> float:
    """Its score on the test pairs, all settings scikit-learn's defaults."""
    (train, known), (test, true) = (features(folder / f"{split}.tsv", target) for split in ("train", "test"))
    if target == "relatedness_score":
        fitted = HistGradientBoostingRegressor(random_state=0).fit(train, known.astype(float))
        return float(np.corrcoef(fitted.predict(test), true.astype(float))[0, 1])
    return float((HistGradientBoostingClassifier(random_state=0).fit(train, known).predict(test) == true).mean())


def features(path: Path, target: str) -> tuple[np.ndarray, np.ndarray]:
    """(n, 9) numbers of each pair, and (n,) text of its target."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = []
    for row in rows:
        one, other = (row[name].lower().split() for name in ("sentence_A", "sentence_B"))
        a, b = set(one), set(other)
        pairs = [set(zip(words, words[1:], strict=False)) for words in (one, other)]
        found.append(
            [
                len(a & b) / len(a | b),
                len(a & b) / len(a),
                len(a & b) / len(b),
                len(pairs[0] & pairs[1]) / max(1, len(pairs[0] | pairs[1])),
                len(one),
                len(other),
                len(one) - len(other),
                len(a & NEGATIONS),
                len(b & NEGATIONS),
            ]
        )
    return np.array(found, dtype=float), np.array([row[target] for row in rows])


if __name__ == "__main__":
    main()
