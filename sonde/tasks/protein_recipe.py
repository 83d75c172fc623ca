"""What structure prediction and inverse folding share of their tuned defaults (`benchmarks/protein.py` measures them)."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings


def protein_settings(dataset: Dataset, *, lr: tuple[float, str], batch_size: int) -> Settings:
    """Leaf settings for attention or graph networks over residues.

    lr: (rate, why);  batch_size: where there are rows enough
    """
    rows = len(dataset.splits["train"])
    return {
        "optimizer": ("adamw", "usual for graph networks and transformers"),
        "lr": lr,
        "weight_decay": (1e-2, "few chains are easily overfitted"),
        "schedule": ("cosine", "small steps at the end"),
        "warmup": (0.05, "ramps the learning rate up gradually"),
        "clip": (1.0, "limits the update of a long chain"),
        "batch_size": (min(batch_size, rows), "each chain gives hundreds of residues and thousands of pairs"),
        "epochs": (
            20,
            "one fifth of 40 domains held out: the validation loss of inverse folding plateaus after epoch 12",
        ),
        "evaluate_every": (2.0, "an evaluation takes as long as several updates"),
        "dropout": (0.1, "few chains are easily overfitted"),
        "monitor": ("loss", "recovery and lDDT change in coarse steps on few chains, the loss does not"),
    }
