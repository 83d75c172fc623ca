"""Defaults for images with masks, each with its reason."""

from typing import Any

import torch

from sonde.core.dataset import Dataset
from sonde.optim.build import product_dtype

Settings = dict[str, tuple[Any, str]]

UPDATES = 480  # after which a small U-Net has learnt what some dozens of images hold
FEWEST, MOST = 20, 100  # epochs


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "unet-small", "a class for every pixel, and few enough channels for a CPU"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any network that answers for every pixel."""
    why = "as U-Nets are usually trained: AdamW, a warm-up and a cosine"
    rows = len(dataset.splits["train"])
    batch = min(8, rows)
    epochs = min(MOST, max(FEWEST, UPDATES // -(-rows // batch)))
    chosen: Settings = {
        "optimizer": ("adamw", why),
        "lr": (2e-3, why),
        "weight_decay": (1e-2, why),
        "schedule": ("cosine", why),
        "warmup": (0.05, why),
        "batch_size": (batch, "maps of the whole size are kept for every image of a batch"),
        "epochs": (epochs, f"about {UPDATES} updates, from {FEWEST} to {MOST} epochs"),
        "evaluate_every": (max(1.0, epochs // 12), "judging is the work of several updates"),
        "augment": (
            "flip,vflip,resized-crop=0.4,rotate=15,colour=0.2",
            "masks move along, so few images serve for many",
        ),
        "mirrored": (True, "the mean over mirror images is surer than one view, for four times the time of judging"),
        "smallest_object": (12, "specks of a few pixels are no objects"),
    }
    if product_dtype("cuda" if torch.cuda.is_available() else "cpu") == torch.bfloat16:
        chosen["precision"] = ("bf16", "this machine has bf16 units")
    return chosen
