"""Defaults for questions about paragraphs, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, epochs_of_updates

UPDATES = 300  # xquad_en: after 140 of 230 updates, F1 on held-back articles rose no more
FEWEST, MOST = 3, 40  # epochs


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any extractive network."""
    why = "tuned on 700 questions of xquad_en, evaluated on 240 others of its training articles"
    rows = len(dataset.splits["train"])
    batch = 32
    epochs, why_epochs = epochs_of_updates(UPDATES, rows=rows, batch=batch, fewest=FEWEST, most=MOST)
    encoder = model.startswith("bert")
    return {
        "optimizer": ("adamw", why),
        "lr": (5e-4, "usual for a small BERT") if encoder else (3e-3, why),
        "weight_decay": (0.01, why),
        "schedule": ("cosine", why),
        "warmup": (0.1, why),
        "clip": (1.0, "limits the update of an unusual question"),
        "batch_size": (batch, why),
        "epochs": (epochs, why_epochs),
    }
