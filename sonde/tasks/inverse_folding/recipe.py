"""Tuned defaults for inverse folding, each with its reason (`benchmarks/protein.py` measures them as they are)."""

from typing import Any

from sonde.core.dataset import Dataset

Settings = dict[str, tuple[Any, str]]


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "inverse-folding-network", "predicts the residues of a backbone"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any such network."""
    rows = len(dataset.splits["train"])
    return {
        "optimizer": ("adamw", "usual for graph networks and transformers"),
        "lr": (2e-3, "usual for adamw at this width"),
        "weight_decay": (1e-2, "few chains are easily overfitted"),
        "schedule": ("cosine", "small steps at the end"),
        "warmup": (0.05, "ramps the learning rate up gradually"),
        "clip": (1.0, "limits the update of a long chain"),
        "batch_size": (min(4, rows), "each chain gives hundreds of residues and thousands of pairs"),
        "epochs": (
            20,
            "one fifth of 40 domains held out: the validation loss of inverse folding plateaus after epoch 12",
        ),
        "evaluate_every": (2.0, "an evaluation takes as long as several updates"),
        "dropout": (0.1, "few chains are easily overfitted"),
        "monitor": ("loss", "recovery and lDDT change in coarse steps on few chains, the loss does not"),
    }
