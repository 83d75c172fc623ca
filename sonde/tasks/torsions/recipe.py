"""Tuned defaults for the torsions of proteins, each with its reason (`benchmarks/protein.py` measures them as they are)."""

from typing import Any

from sonde.core.dataset import Dataset

Settings = dict[str, tuple[Any, str]]


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "torsion-network", "residues are given and angles asked for"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings: a chain teaches some hundred residues, so few chains are soon known by heart."""
    rows = len(dataset.splits["train"])
    why = "as recurrent networks are usually trained"
    why_long = "40 domains, five folds: validation loss 0.436; 30 epochs with dropout 0.3 0.447"
    return {
        "optimizer": ("adamw", why),
        "lr": (3e-3, why),
        "weight_decay": (1e-2, "few chains are easily learnt by heart"),
        "schedule": ("cosine", "ends in small steps"),
        "warmup": (0.05, "lets the rate start without a jump"),
        "clip": (1.0, "recurrent layers now and then give a very large gradient"),
        "batch_size": (min(4, rows), "a chain has hundreds of residues to learn from"),
        "epochs": (60, why_long),
        "evaluate_every": (2.0, "judging is the work of several updates"),
        "dropout": (0.5, why_long),
        "monitor": ("loss", "shares of few residues move in coarse steps, the loss does not"),
    }
