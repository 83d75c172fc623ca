"""Defaults for normalizing flows, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, epochs_of_updates

UPDATES = 8_000
BATCH = 256
MANY = 2_000  # training rows
GAUSSIANS = 32
BESIDE = 64
WHY_BESIDE = "of few rows, or in narrow groups, a mixture is likelier: penguins 3.43 nats a row, a flow alone 3.8"
MOST_COLUMNS = 32  # whose covariances are learned: their number grows with the square


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
        **_clusters(dataset, rows),
        **_mixture(dataset),
    }


def _clusters(dataset: Dataset, rows: int) -> Settings:
    """Of tables of numbers that have the rows for it."""
    columns = dataset.schema.input.columns
    if rows < MANY or not 0 < len(columns) <= MOST_COLUMNS or any(c.kind != "number" or c.part for c in columns):
        return {}
    return {
        "marginals": ("straight", "housing, 1,200 updates: 1.68 nats a row, and 1.89 where columns are bent"),
        "components": (
            GAUSSIANS,
            "ETTh1, 1,500 updates: 2.50 nats a row with 64, 2.73 with one, 3.07 with one and bent",
        ),
    }


def _mixture(dataset: Dataset) -> Settings:
    """Of tables of numbers."""
    columns, target = dataset.schema.input.columns, dataset.schema.target
    if target.has_classes or not 0 < len(columns) <= MOST_COLUMNS or any(c.kind != "number" or c.part for c in columns):
        return {}
    return {"mixture": (BESIDE, WHY_BESIDE)}


def _rate(rows: int, model: str) -> tuple[float, str]:
    if model == "realnvp-mlp" and rows >= MANY:
        return 3e-3, "housing, 1,200 updates: 3e-3 gives 2.71 nats a row with affine couplings, 1e-3 gives 3.35"
    return 1e-3, "usual for flows"
