"""Tuned defaults for molecules, each with its reason (`benchmarks/molecules.py` measures them as they are)."""

from typing import Any

from sonde.core.dataset import Dataset

Settings = dict[str, tuple[Any, str]]

SMALL = 3_000  # training rows


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "graph-network", "molecules are graphs of atoms and bonds"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for molecules."""
    rows = len(dataset.splits["train"])
    small = rows < SMALL
    found: Settings = {
        "optimizer": ("adamw", "the usual optimizer for graph networks"),
        "lr": (1e-3, "usual for AdamW at this width"),
        "weight_decay": (1e-2, "few molecules are easily overfitted"),
        "schedule": ("cosine", "small steps at the end"),
        "warmup": (0.05, "avoids a jump at the start"),
        "clip": (1.0, "limits the effect of a few large molecules"),
        "batch_size": (32 if small else 64, "several updates per epoch even with few rows"),
        "epochs": (
            40 if small else 15,
            "ESOL, one split: the best of 60 epochs was the 39th, with little change after the 24th; Tox21: not tuned",
        ),
        "evaluate_every": (2.0 if small else 1.0, "ESOL: evaluating every epoch took a fifth of the time"),
        "dropout": (0.1, "few molecules are easily overfitted"),
        "ema": (0.99, "makes the choice of the best epoch on few validation rows less noisy"),
    }
    if dataset.schema.target.kind == "labels":
        found["monitor"] = ("auroc", "positives are rare, and AUROC is the standard metric for such assays")
    return found
