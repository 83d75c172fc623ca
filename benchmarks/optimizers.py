"""Every optimiser by its name alone, on four kinds of network: what its shipped defaults reach.

Usage: python -m benchmarks.optimizers [--seeds 3] [--only mlp] [--optimizers adam rprop]
A network's column is written as soon as it is measured, beside the columns of networks that were measured before.

Nothing is given but `--optimizer NAME`: rate, momentum and decay rates are what Sonde takes for that name, all else is the
recipe's, and within a column all runs have the same rows and as many steps. Scores are of validation rows, at the best
checkpoint. The rule: an optimiser misses where it is more than 2 points of accuracy below the best of its column, or for text
that is continued where its perplexity is more than a tenth above the best's. `sparseadam` takes sparse gradients only, which
none of these networks has, and must refuse them in a line; `lbfgs`, which is of whole data, takes some 20 times as long a step
and is measured where it is named.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import sonde
from benchmarks.timing import RESULTS, data_folder, write
from sonde.core.config import OptimizerName
from sonde.core.config_file import read_config

POINTS, PERPLEXITY = 0.02, 1.1
CHARACTERS = 120_000  # of Shakespeare, the last tenth of them for validation
SPARSE_ONLY, SLOW = "sparseadam", "lbfgs"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One network on one set: what is trained, by how many seeds at most, and the score it is judged by."""

    data: str
    score: str
    settings: dict[str, Any] = field(default_factory=dict)
    seeds: int = 1


COLUMNS = {
    "mlp": Column(data="digits", score="accuracy", settings={"validation": 0.3, "test": 0.0}, seeds=3),
    "compact-cnn": Column(data="digits", score="accuracy", settings={"validation": 0.3, "test": 0.0}, seeds=3),
    "lstm": Column(data="sst2", score="accuracy"),
    "gpt-small": Column(
        data="shakespeare", score="perplexity", settings={"steps": 200, "max_tokens": 64, "batch_size": 16}
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="at most: the larger networks are trained once")
    parser.add_argument("--only", choices=COLUMNS, help="one network")
    parser.add_argument(
        "--optimizers", nargs="+", choices=get_args(OptimizerName), help="some, printed and not written"
    )
    asked = parser.parse_args()
    names = [name for name in asked.optimizers or get_args(OptimizerName) if name != SPARSE_ONLY]
    columns = {name: column for name, column in COLUMNS.items() if asked.only in (None, name)}
    found = measured()
    with tempfile.TemporaryDirectory() as folder:
        for model, column in columns.items():
            seeds = min(asked.seeds, column.seeds)
            used = names if asked.optimizers else [name for name in names if name != SLOW]
            rows = {name: trained(model, column, name, seeds, Path(folder)) for name in used}
            found[model] = {"data": column.data, "score": column.score, "seeds": seeds, **judged(rows, column.score)}
            if asked.optimizers is None:
                rule = {"points": POINTS * 100, "perplexity": PERPLEXITY}
                write("optimizers", {"rule": rule, "columns": found, SPARSE_ONLY: refused(Path(folder))})


def measured() -> dict[str, Any]:
    """The columns that were written before."""
    file = RESULTS / "optimizers.json"
    return json.loads(file.read_text(encoding="utf-8"))["columns"] if file.exists() else {}


def trained(model: str, column: Column, optimizer: str, seeds: int, folder: Path) -> dict[str, Any]:
    """Mean validation score over seeds, the settings that the name alone led to, and seconds of a run."""
    begun, scores, row = time.perf_counter(), [], {}
    for seed in range(seeds):
        out = str(folder / f"{model}-{optimizer}-{seed}")
        settings = {"model": model, "optimizer": optimizer, "seed": seed, "threads": 1, "out": out, "quiet": True}
        run = sonde.train(place(column.data, folder), **settings, **column.settings)
        scores.append(run.result["metrics"]["validation"][column.score])
        used, steps = read_config(Path(out)).settings, run.result["steps"]
        row = {"lr": used["lr"], "momentum": used["momentum"], "steps": steps, "warned": warned(Path(out))}
    row |= {"score": sum(scores) / seeds, "seconds": round((time.perf_counter() - begun) / seeds, 1)}
    print(f"{model:12s} {optimizer:10s} {row['score']:.4f}  lr {row['lr']:g}  {row['seconds']} s", flush=True)
    return row


def warned(run: Path) -> bool:
    """Whether the run said itself that the optimiser does not suit it."""
    file = run / "findings.jsonl"
    findings = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return any(json.loads(line)["check"] == "unsuited optimizer" for line in findings)


def place(data: str, folder: Path) -> str:
    """Where a set is: shakespeare is the beginning of a longer text."""
    if data == "digits":
        return data
    if data == "sst2":
        return str(data_folder() / data)
    piece = folder / "shakespeare.txt"
    if not piece.exists():
        text = (data_folder() / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
        piece.write_text(text[:CHARACTERS], encoding="utf-8")
    return str(piece)


def judged(rows: dict[str, dict[str, Any]], score: str) -> dict[str, Any]:
    """The best of a column, and which optimisers miss it by more than the rule allows."""
    scores = {name: row["score"] for name, row in rows.items()}
    if score == "perplexity":
        best = min(scores, key=scores.__getitem__)
        missed = [name for name, value in scores.items() if value > PERPLEXITY * scores[best]]
    else:
        best = max(scores, key=scores.__getitem__)
        missed = [name for name, value in scores.items() if value < scores[best] - POINTS]
    print(f"best: {best}, missed by: {', '.join(missed) or 'none'}", flush=True)
    return {"best": best, "missed by": missed, "optimizers": rows}


def refused(folder: Path) -> str:
    """What is said where `sparseadam` is named for a network without sparse gradients."""
    try:
        sonde.train("digits", model="mlp", optimizer=SPARSE_ONLY, out=tempfile.mkdtemp(dir=folder), quiet=True)
    except sonde.SondeError as error:
        return str(error)
    raise SystemExit(f"{SPARSE_ONLY} trained on dense gradients")


if __name__ == "__main__":
    main()
