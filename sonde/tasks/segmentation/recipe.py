"""Defaults for images with masks, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, bf16_where_fast, epochs_of_updates

UPDATES = 480  # after which a small U-Net has learned what some dozens of images hold
FEWEST, MOST = 20, 100  # epochs


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any segmentation network."""
    why = "as U-Nets are usually trained: AdamW, a warm-up and a cosine"
    rows = len(dataset.splits["train"])
    batch = min(8, rows)
    epochs, why_epochs = epochs_of_updates(UPDATES, rows=rows, batch=batch, fewest=FEWEST, most=MOST)
    return {
        "optimizer": ("adamw", why),
        "lr": (2e-3, why),
        "weight_decay": (1e-2, why),
        "schedule": ("cosine", why),
        "warmup": (0.05, why),
        "batch_size": (batch, "feature maps at full resolution take much memory"),
        "epochs": (epochs, why_epochs),
        "evaluate_every": (max(1.0, epochs // 12), "an evaluation takes as long as several updates"),
        "augment": (
            "flip,vflip,resized-crop=0.4,rotate=15,colour=0.2",
            "applied to image and mask alike; helps where images are few",
        ),
        "mirrored": (True, "4 flips averaged (test-time augmentation), for four times the evaluation time"),
        "smallest_object": (12, "components of a few pixels are noise"),
        **bf16_where_fast(),
    }
