"""Defaults for masked autoencoders, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, bf16_where_fast

COLOUR_CROPS = ("resized-crop=0.2,flip", "random crops work best for masked autoencoders (He et al. 2021, table 1)")
GREY_CROPS = ("resized-crop=0.4", "no flips: a mirrored symbol is a different one")


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a dataset of images, whose labels are not used."""
    why = "usual for self-supervised training: AdamW, a warm-up and a cosine"
    why_decay = "as masked autoencoders are trained (He et al. 2021, appendix A.1)"
    return {
        "optimizer": ("adamw", why),
        "lr": (1e-3, why),
        "schedule": ("cosine", why),
        "warmup": (0.1, why),
        "batch_size": (256, why),
        "epochs": (40, "self-supervised training needs more epochs than supervised training"),
        "evaluate_every": (2.0, "evaluation only tracks progress here"),
        "weight_decay": (0.05, why_decay),
        "beta2": (0.95, why_decay),
        "augment": COLOUR_CROPS if dataset.schema.input.shape[0] == 3 else GREY_CROPS,
        **bf16_where_fast(),
    }
