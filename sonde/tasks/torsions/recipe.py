"""Tuned defaults for the torsions of proteins, each with its reason (`benchmarks/protein.py` measures them as they are)."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings: a chain teaches some hundred residues, so few chains are soon overfitted."""
    rows = len(dataset.splits["train"])
    why = "as recurrent networks are usually trained"
    why_long = "40 domains, five folds: validation loss 0.436; 30 epochs with dropout 0.3 0.447"
    return {
        "optimizer": ("adamw", why),
        "lr": (3e-3, why),
        "weight_decay": (1e-2, "few chains are easily overfitted"),
        "schedule": ("cosine", "small steps at the end"),
        "warmup": (0.05, "ramps the learning rate up gradually"),
        "clip": (1.0, "recurrent layers occasionally give very large gradients"),
        "batch_size": (min(4, rows), "each chain gives hundreds of residues"),
        "epochs": (60, why_long),
        "evaluate_every": (2.0, "an evaluation takes as long as several updates"),
        "dropout": (0.5, why_long),
        "monitor": ("loss", "accuracies on few residues change in coarse steps, the loss does not"),
    }
