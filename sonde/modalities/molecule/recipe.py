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
        "optimizer": ("adamw", "what graph networks are usually trained with"),
        "lr": (1e-3, "usual for adamw at this width"),
        "weight_decay": (1e-2, "few molecules are easily learnt by heart"),
        "schedule": ("cosine", "ends in small steps"),
        "warmup": (0.05, "lets the rate start without a jump"),
        "clip": (1.0, "a few large molecules must not throw the weights"),
        "batch_size": (32 if small else 64, "several updates an epoch also where rows are few"),
        "epochs": (
            40 if small else 15,
            "ESOL, one cut: of 60 epochs the best was the 39th, and little moved after the 24th; Tox21: not tuned",
        ),
        "evaluate_every": (2.0 if small else 1.0, "ESOL: judging every epoch took a fifth of the time"),
        "dropout": (0.1, "few molecules are easily learnt by heart"),
        "ema": (0.99, "steadies the choice by few validation rows"),
    }
    if dataset.schema.target.kind == "labels":
        found["monitor"] = ("auroc", "labels are rare, and ranking is what such assays are judged by")
    return found
