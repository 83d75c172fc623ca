"""Tuned defaults for object detection, each with the measurement behind it."""

from typing import Any

import torch

from sonde.core.dataset import Dataset
from sonde.optim.build import product_dtype

Settings = dict[str, tuple[Any, str]]

FEW_ROWS = 2_000  # training images


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "detector-tiny", "objects are to be found in images"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a dataset of images with boxes."""
    rows = len(dataset.splits["train"])
    why = "as detectors without anchors are usually trained from scratch"
    chosen: Settings = {
        "optimizer": ("adamw", why),
        "lr": (2e-3, why),
        "weight_decay": (0.05, why),
        "schedule": ("cosine", why),
        "warmup": (0.05, "boxes of an untrained head are far off, and so are its first gradients"),
        "clip": (10.0, "a step from a batch whose objects nothing overlaps yet must not throw the weights"),
        "batch_size": (8, "many updates from few images"),
        "ema": (0.998, "the average of the last 500 updates; single ones differ by points of average precision"),
        "augment": ("flip,scale=0.5,colour=0.2,mosaic=0.5", why),
    }
    if rows < FEW_ROWS:
        chosen["epochs"] = (
            120,
            "few images need many rounds: a network from scratch learns from about 10,000 looks at one",
        )
        chosen["evaluate_every"] = (4, "rounds are short beside judging")
    else:
        chosen["epochs"] = (
            36,
            "three times the usual schedule, for networks from scratch (He et al. 2018, arXiv:1811.08883)",
        )
    if product_dtype("cuda" if torch.cuda.is_available() else "cpu") == torch.bfloat16:
        chosen["precision"] = ("bf16", "this machine has bf16 units: a step takes 0.7 of the time")
    return chosen
