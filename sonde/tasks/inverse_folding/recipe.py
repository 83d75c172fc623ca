"""Tuned defaults for inverse folding, each with its reason (`benchmarks/protein.py` measures them as they are)."""

from typing import Any

from sonde.core.dataset import Dataset

Settings = dict[str, tuple[Any, str]]


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "inverse-folding-network", "backbones are given and residues asked for"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any network that answers so."""
    rows = len(dataset.splits["train"])
    return {
        "optimizer": ("adamw", "usual for networks of attention and graphs"),
        "lr": (2e-3, "usual for adamw at this width"),
        "weight_decay": (1e-2, "few chains are easily learnt by heart"),
        "schedule": ("cosine", "ends in small steps"),
        "warmup": (0.05, "lets the rate start without a jump"),
        "clip": (1.0, "a long chain must not throw the weights"),
        "batch_size": (min(4, rows), "a chain has hundreds of residues, thousands of pairs, to learn from"),
        "epochs": (
            20,
            "one fifth of 40 domains held out: the validation loss of inverse folding stands still after the twelfth",
        ),
        "evaluate_every": (2.0, "judging is the work of several updates"),
        "dropout": (0.1, "few chains are easily learnt by heart"),
        "monitor": ("loss", "recovery and lDDT of few chains move in coarse steps, the loss does not"),
    }
