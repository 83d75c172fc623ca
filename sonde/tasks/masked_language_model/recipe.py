"""Defaults for learning text without labels, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, bf16_where_fast, epochs_of_updates

UPDATES = 4_000
FEWEST, MOST = 4, 100  # epochs


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for text."""
    why = "as BERT was trained (Devlin et al. 2018, appendix A.2), with a higher learning rate for fewer updates"
    rows = len(dataset.splits["train"])
    epochs, why_epochs = epochs_of_updates(UPDATES, rows=rows, batch=64, fewest=FEWEST, most=MOST)
    return {
        "optimizer": ("adamw", why),
        "lr": (1e-3, why),
        "weight_decay": (0.01, why),
        "schedule": ("linear", why),
        "warmup": (0.1, why),
        "clip": (1.0, why),
        "batch_size": (64, "small batches: more updates on short text"),
        "epochs": (epochs, why_epochs),
        "evaluate_every": (max(1.0, epochs // 10), "evaluation only tracks progress here"),
        **bf16_where_fast(),
    }
