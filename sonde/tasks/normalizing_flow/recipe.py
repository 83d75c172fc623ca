"""Defaults for normalizing flows, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, epochs_of_updates

UPDATES = 8_000
BATCH = 256
MANY = 2_000  # training rows


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    if dataset.schema.input.has_planes:
        return "glow", "couplings at several resolutions for images"
    return "realnvp-mlp", "couplings for rows of numbers"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a dataset whose likelihood is learned."""
    rows = len(dataset.splits["train"])
    batch = min(BATCH if rows >= 4 * BATCH else 64, rows)
    why = "usual for flows: Adam with little decay"
    return {
        "optimizer": ("adamw", why),
        "lr": _rate(rows, model),
        "weight_decay": (1e-4, why),
        "schedule": ("cosine", "the rate falls to 0, so that the last weights are no noisier than their average"),
        "warmup": (0.02, why),
        "clip": (25.0, "rare rows have large gradients; housing: the usual norm is about 10"),
        "ema": (0.99, "averaged weights give likelier held-out rows"),
        "batch_size": (batch, why),
        "epochs": epochs_of_updates(UPDATES, rows=rows, batch=batch, fewest=5, most=200),
        "augment": ("none", "changed inputs would be learned to be likely too"),
        "precision": ("fp32", "a flow is undone step by step, and determinants are sums of many small terms"),
    }


def _rate(rows: int, model: str) -> tuple[float, str]:
    if model == "realnvp-mlp" and rows >= MANY:
        return 3e-3, "housing, 1,200 updates: 3e-3 gives 2.71 nats a row with affine couplings, 1e-3 gives 3.35"
    return 1e-3, "usual for flows"
