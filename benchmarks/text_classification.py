"""Sentences of SST-2 (6,920 to train on) beside tf-idf with logistic regression: accuracy on the 1,821 test sentences.

Usage: python -m benchmarks.text_classification [--seeds 3] [--only text-cnn]

Each network trains as `sonde train sst2 --model NAME` does, its settings all the recipe's, and chooses its checkpoint by the
872 validation sentences; nothing but the training sentences is known to it (no word vectors from elsewhere, no phrases).
The baseline is what scikit-learn's users build first: tf-idf of words and pairs of words and logistic regression, how words are
cut and C chosen by the validation sentences, and beside it all defaults.
"""

import argparse
import csv
import tempfile
import time
from pathlib import Path
from typing import Any

import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import sonde
from benchmarks.timing import data_folder, spread, write

MODELS = ("text-cnn", "bilstm", "lstm", "text-transformer")
PATTERNS = (r"(?u)\b\w\w+\b", r"\S+")
STRENGTHS = (1.0, 3.0, 10.0, 30.0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=MODELS, help="one network, printed and not written")
    asked = parser.parse_args()
    folder = data_folder() / "sst2"
    baseline = with_logistic_regression(folder)
    print("tf-idf + logistic regression", baseline, flush=True)
    networks = {}
    for model in MODELS if asked.only is None else (asked.only,):
        runs = [with_sonde(folder, model, seed) for seed in range(asked.seeds)]
        networks[model] = summary(runs, baseline["accuracy"])
        print(model, networks[model], flush=True)
    if asked.only is None:
        content = {
            "seeds": asked.seeds,
            "scikit-learn": sklearn.__version__,
            "baseline": baseline,
            "networks": networks,
        }
        write("text_classification", content)


def with_sonde(folder: Path, model: str, seed: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        begun = time.perf_counter()
        run = sonde.train(folder, model=model, seed=seed, out=f"{place}/run", quiet=True)
        seconds = time.perf_counter() - begun
        found = run.result["metrics"]
    return {
        "accuracy": found["test"]["accuracy"],
        "validation": found["validation"]["accuracy"],
        "log_loss": found["test"]["log_loss"],
        "seconds": seconds,
    }


def summary(runs: list[dict[str, float]], baseline: float) -> dict[str, Any]:
    found: dict[str, Any] = {name: spread([run[name] for run in runs]) for name in runs[0]}
    found["gap to baseline"] = round(found["accuracy"]["mean"] - baseline, 5)
    return found


def with_logistic_regression(folder: Path) -> dict[str, Any]:
    """Accuracy on test of what does best on validation, of two ways to cut words and several C; and of all defaults."""
    (train, labels), dev, test = (sentences(folder / f"{split}.tsv") for split in ("train", "dev", "test"))
    begun = time.perf_counter()
    best: dict[str, Any] = {"validation": 0.0}
    for pattern in PATTERNS:
        features = TfidfVectorizer(ngram_range=(1, 2), token_pattern=pattern, sublinear_tf=True)
        inputs = features.fit_transform(train)
        for c in STRENGTHS:
            model = LogisticRegression(C=c, max_iter=2000).fit(inputs, labels)
            judged = float(model.score(features.transform(dev[0]), dev[1]))
            if judged > best["validation"]:
                accuracy = float(model.score(features.transform(test[0]), test[1]))
                best = {"accuracy": accuracy, "validation": judged, "C": c, "token_pattern": pattern}
    plain = TfidfVectorizer(ngram_range=(1, 2))
    model = LogisticRegression(max_iter=2000).fit(plain.fit_transform(train), labels)
    defaults = float(model.score(plain.transform(test[0]), test[1]))
    return {**best, "accuracy of all defaults": defaults, "seconds": time.perf_counter() - begun}


def sentences(file: Path) -> tuple[list[str], list[str]]:
    with file.open(newline="", encoding="utf-8") as content:
        rows = list(csv.reader(content, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [text for text, _ in rows], [label for _, label in rows]


if __name__ == "__main__":
    main()
