"""Tuned defaults for protein structures, each with its reason (`benchmarks/protein.py` measures them as they are)."""

from typing import Any

from sonde.core.dataset import Dataset

Settings = dict[str, tuple[Any, str]]


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    if dataset.schema.target.kind == "residues":
        return "inverse-folding-network", "backbones are given and residues asked for"
    if dataset.schema.target.kind == "torsions":
        return "torsion-network", "residues are given and angles asked for"
    return "structure-network", "residues are given and distances asked for"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for structure prediction, torsions and inverse folding."""
    rows = len(dataset.splits["train"])
    if dataset.schema.target.kind == "torsions":
        return _torsions(rows)
    inverse = dataset.schema.target.kind == "residues"
    return {
        "optimizer": ("adamw", "usual for networks of attention and graphs"),
        "lr": (2e-3, "usual for adamw at this width")
        if inverse
        else (
            5e-3,
            "150 updates at this rate beat the distances by separation on a held-out fifth of 40 domains",
        ),
        "weight_decay": (1e-2, "few chains are easily learnt by heart"),
        "schedule": ("cosine", "ends in small steps"),
        "warmup": (0.05, "lets the rate start without a jump"),
        "clip": (1.0, "a long chain must not throw the weights"),
        "batch_size": (
            min(4 if inverse else 2, rows),
            "a chain has hundreds of residues, thousands of pairs, to learn from",
        ),
        "epochs": (
            20,
            "one fifth of 40 domains held out: the validation loss of inverse folding stands still after the twelfth",
        ),
        "evaluate_every": (2.0, "judging is the work of several updates"),
        "dropout": (0.1, "few chains are easily learnt by heart"),
        "monitor": ("loss", "recovery and lDDT of few chains move in coarse steps, the loss does not"),
    }


def _torsions(rows: int) -> Settings:
    """A chain teaches some hundred residues, so few chains are soon known by heart."""
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
