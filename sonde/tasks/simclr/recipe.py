"""Defaults for contrastive learning without labels, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, bf16_where_fast

COLOUR_VIEWS = (
    "resized-crop=0.2,flip,colour=0.5,grey=0.2",
    "without colour jitter two crops could be matched by their colours alone (Chen et al. 2020)",
)
GREY_VIEWS = ("resized-crop=0.4,rotate=15,colour=0.5", "no flips: a mirrored symbol is a different one")


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a dataset of images, whose labels are not used."""
    why = "usual for self-supervised training: AdamW, a warm-up and a cosine"
    return {
        "optimizer": ("adamw", why),
        "lr": (1e-3, why),
        "schedule": ("cosine", why),
        "warmup": (0.1, why),
        "batch_size": (256, "large batches give more negatives"),
        "epochs": (40, "self-supervised training needs more epochs than supervised training"),
        "evaluate_every": (2.0, "evaluation only tracks progress here"),
        "weight_decay": (1e-4, why),
        "augment": COLOUR_VIEWS if dataset.schema.input.shape[0] == 3 else GREY_VIEWS,
        **bf16_where_fast(),
    }
