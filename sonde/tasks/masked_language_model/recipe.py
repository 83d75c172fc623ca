"""Defaults for learning text without labels, each with its reason."""

from typing import Any

import torch

from sonde.core.dataset import Dataset
from sonde.optim.build import product_dtype

Settings = dict[str, tuple[Any, str]]

UPDATES = 4_000
FEWEST, MOST = 4, 100  # epochs


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "bert-tiny", "the smallest bidirectional encoder"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for text."""
    why = "as BERT was trained (Devlin et al. 2018, appendix A.2), with a higher learning rate for fewer updates"
    rows = len(dataset.splits["train"])
    epochs = min(MOST, max(FEWEST, UPDATES // -(-rows // 64)))
    chosen: Settings = {
        "optimizer": ("adamw", why),
        "lr": (1e-3, why),
        "weight_decay": (0.01, why),
        "schedule": ("linear", why),
        "warmup": (0.1, why),
        "clip": (1.0, why),
        "batch_size": (64, "small batches: more updates on short text"),
        "epochs": (epochs, f"about {UPDATES:,} updates, from {FEWEST} to {MOST} epochs"),
        "evaluate_every": (max(1.0, epochs // 10), "evaluation only tracks progress here"),
    }
    if product_dtype("cuda" if torch.cuda.is_available() else "cpu") == torch.bfloat16:
        chosen["precision"] = ("bf16", "bf16 is supported in hardware")
    return chosen
