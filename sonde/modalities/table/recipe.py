"""Tuned defaults for tables, each with the measurement behind it.

Measured with the tabular family on California housing (14,861 training rows; test RMSE in dollars, one split unless stated),
Titanic and Palmer penguins (642 and 247 rows; means of 12 splits): `benchmarks/tables.py` repeats the comparison with
gradient boosting. Between the sizes the settings are interpolated, not measured.
"""

from typing import Any

from sonde.core.dataset import Dataset
from sonde.modalities.untuned import untuned
from sonde.models.table import MODELS

Settings = dict[str, tuple[Any, str]]

SMALL, LARGE = 2_000, 100_000  # training rows


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "tabular", "a table"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for rows of numbers; other networks than the tabular family keep what is usual for them."""
    if model == "perceptron" or model not in MODELS:
        return untuned(dataset, model)
    return _tabular(dataset) if model == "tabular" else {**_tabular(dataset), **untuned(dataset, model)}


def _tabular(dataset: Dataset) -> Settings:
    rows = len(dataset.splits["train"])
    chosen: Settings = {
        "optimizer": ("adamw", "as in the papers of these tabular models"),
        "schedule": ("cosine", "housing: at a constant rate the loss is still falling at the end"),
        "warmup": (0.05, "avoids a jump at the high initial rate"),
        "clip": (1.0, "limits the effect of rows with extreme values"),
        "weight_decay": (3e-4, "housing: 3e-4 and 2e-2 give 44,603 and 44,685"),
    }
    chosen |= _small() if rows < SMALL else _middle() if rows < LARGE else _large()
    chosen["batch_size"] = (min(chosen["batch_size"][0], rows), chosen["batch_size"][1])
    if dataset.schema.target.kind == "class" and "validation" in dataset.splits:
        why = "accuracy is too coarse on few validation rows, log loss is not"
        chosen["monitor"] = ("log_loss", why)
    return chosen


def _small() -> Settings:
    return {
        "batch_size": (64, "several updates per epoch even with few rows"),
        "epochs": (
            30,
            "titanic: 20, 30, 40 epochs give log-loss 0.411, 0.412, 0.416; on penguins it makes no difference",
        ),
        "lr": (5e-3, "titanic, penguins: 5e-3 gives log-loss 0.411 and 0.052 in 20 epochs, 2e-3 gives 0.426 and 0.092"),
        "dropout": (0.2, "titanic, penguins: 0.2 gives log-loss 0.415 and 0.047, 0.4 gives 0.419 and 0.061"),
    }


def _middle() -> Settings:
    return {
        "batch_size": (256, "housing, mean of two splits: 256, 128, 512 rows give 44,994, 45,249, 46,391"),
        "epochs": (32, "housing, mean of two splits: 44,994 after 24 and 43,841 after 40, at about a second each"),
        "lr": (1.2e-2, "housing: 2e-3, 4e-3, 8e-3, 1.6e-2 give 48,427, 46,204, 44,603, 44,273"),
        "dropout": (0.1, "housing at 2e-3: 0, 0.1, 0.2 give 48,793, 48,427, 48,898"),
    }


def _large() -> Settings:
    return {
        "batch_size": (1024, "not measured: fewer, larger matrix products"),
        "epochs": (10, "not measured: at least as many updates as on smaller tables"),
        "lr": (1.2e-2, "as on housing"),
        "dropout": (0.1, "as on housing"),
    }
