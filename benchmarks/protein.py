"""Protein structure from residues, and residues from backbones, on domains that were held out: are baselines beaten?

python -m benchmarks.protein [--folds 5]: 40 domains, one of each Pfam family, cut into five parts; each part is judged by a
network that saw the other four (and chose its checkpoint by a tenth of them). Forty domains are far too few to learn folding
from: what is shown is that the mechanism works, not that structures are predicted. The baselines of the same cut:

structure        distances that training pairs as far apart along the chain have, whatever the residues (Sonde's own baseline)
torsions         the mean direction everywhere (Sonde's own baseline); and that of each kind of residue
inverse folding  the most frequent residue; and the frequencies of residues at places as buried (alpha carbons within 10 ångström,
                 in eight bins of equal size), whatever else the backbone does
"""

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.timing import data_folder, sonde_train, write
from sonde.core.config import DataConfig
from sonde.data.listing import Listing
from sonde.modalities.protein.codes import residues
from sonde.modalities.protein.forms.structures import read
from sonde.tasks.torsions.config import ANGLES
from sonde.tasks.torsions.meter import TorsionsMeter

REPORTED = {
    "structure": ("loss", "lddt", "distance_error", "contact_precision", "contact_precision_l"),
    "torsions": ("phi_error", "psi_error", "near", "loss"),
    "inverse-folding": ("recovery", "perplexity", "loss"),
}
BURIED, BINS = 10.0, 8  # ångström; places counted alike


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", choices=list(REPORTED), help="one task, printed and not written")
    asked = parser.parse_args()
    found = {}
    for task in REPORTED:
        if asked.only in (None, task):
            found[task] = summary([fold(task, number, asked.folds) for number in range(1, asked.folds + 1)])
            print(task, json.dumps(found[task], indent=2))
    if asked.only is None:
        write("protein", {"folds": asked.folds, "tasks": found})


def fold(task: str, number: int, folds: int) -> dict[str, dict[str, float]]:
    """Method -> metric -> value on the part `number`."""
    data = data_folder() / "protein"
    seconds, result = sonde_train(data, "--task", task, "--folds", str(folds), "--fold", str(number))
    scores = {name: result["metrics"]["test"][name] for name in REPORTED[task]}
    found = {
        "sonde": {**scores, "seconds": seconds},
        "baseline": {name: result["baseline"][name] for name in REPORTED[task]},
    }
    if task == "inverse-folding":
        return {**found, "by burial": by_burial(data, number, folds)}
    return {**found, "by residue": by_residue(data, number, folds)} if task == "torsions" else found


def by_residue(data: Path, number: int, folds: int) -> dict[str, float]:
    """Angles told by the kind of residue alone: its mean direction in the same training chains."""
    splits = read(Listing(data), DataConfig(folds=folds, fold=number), task="torsions").splits
    sums = np.zeros((residues().size, len(ANGLES), 2))
    for tokens, target in chains(splits["train"]):
        np.add.at(sums, tokens, target)
    meter = TorsionsMeter(ANGLES)
    for place, (tokens, target) in enumerate(chains(splits["test"])):
        said, true = torch.from_numpy(sums[tokens])[None], torch.from_numpy(target).double()[None]
        known = (true.norm(dim=-1) > 0).double()
        found, wanted = (torch.atan2(way[..., 1], way[..., 0]).rad2deg() for way in (said, true))
        loss = (1 - ((found - wanted) * math.pi / 180).cos()) * known
        meter.update({"found": found, "true": wanted, "known": known, "loss": loss}, torch.tensor([place]))
    return meter.compute()


def chains(rows: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tokens (R,) and target (R, …) of each row."""
    for place in range(len(rows)):
        row = rows.read(np.array([place]))
        yield row["input"][0], row["target"][0]


def by_burial(data: Path, number: int, folds: int) -> dict[str, float]:
    """Residues told by how buried a place is, with the frequencies of the same training chains."""
    splits = read(Listing(data), DataConfig(folds=folds, fold=number), task="inverse-folding").splits
    known, judged = (burials(splits[name]) for name in ("train", "test"))
    edges = np.quantile(known[0], np.linspace(0, 1, BINS + 1)[1:-1])
    size = residues().size
    counts = np.ones((BINS, size))
    counts[:, :4] = 0  # no residues
    np.add.at(counts, (np.searchsorted(edges, known[0]), known[1]), 1)
    chances = (counts / counts.sum(1, keepdims=True))[np.searchsorted(edges, judged[0])]
    loss = -np.log(chances[np.arange(len(judged[1])), judged[1]]).mean()
    right = chances.argmax(1) == judged[1]
    return {"recovery": float(right.mean()), "perplexity": math.exp(loss), "loss": float(loss)}


def burials(rows: Any) -> tuple[np.ndarray, np.ndarray]:
    """Of every place whose residue is known, how many alpha carbons are near, and the residue."""
    counts, tokens = [], []
    for place in range(len(rows)):
        row = rows.read(np.array([place]))
        alpha, target = row["input"][0, :, 1], row["target"][0]
        apart = np.linalg.norm(alpha[:, None] - alpha, axis=-1)
        counts.append(((apart < BURIED).sum(1) - 1)[target != 0])
        tokens.append(target[target != 0])
    return np.concatenate(counts), np.concatenate(tokens)


def summary(folds: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Mean and deviation over the folds, each value, and in how many folds the network beat each baseline by its loss."""
    found: dict[str, Any] = {
        method: {
            metric: {
                "mean": float(np.mean(values := [one[method][metric] for one in folds])),
                "std": float(np.std(values, ddof=1)),
                "values": values,
            }
            for metric in folds[0][method]
        }
        for method in folds[0]
    }
    others = [method for method in folds[0] if method != "sonde"]
    found["folds better"] = {m: sum(one["sonde"]["loss"] < one[m]["loss"] for one in folds) for m in others}
    return found


if __name__ == "__main__":
    main()
