"""Defaults for translation, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, bf16_where_fast, epochs_of_updates

FEW = 200_000  # training pairs up to which a network of 128 to 256 channels learns all that there is
MANY = 2_000_000
UPDATES = 7_000  # after which the small networks have learned some ten thousand pairs
FEWEST, MOST = 3, 60  # epochs


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    rows = len(dataset.splits["train"])
    if rows <= FEW:
        return "transformer-small", f"{rows:,} pairs: a larger network gains nothing"
    return ("transformer-base" if rows <= MANY else "transformer-big"), f"{rows:,} pairs"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any encoder-decoder."""
    why = "as small translation networks are usually trained"
    rows = len(dataset.splits["train"])
    batch = min(128, rows)
    epochs, why_epochs = epochs_of_updates(UPDATES, rows=rows, batch=batch, fewest=FEWEST, most=MOST)
    found: Settings = {
        "optimizer": ("adamw", why),
        "lr": (1e-3, why),
        "beta2": (0.98, "as in the paper: adapts faster to the gradients of rare words"),
        "weight_decay": (1e-4, why),
        "schedule": ("cosine", why),
        "warmup": (0.08, why),
        "clip": (1.0, why),
        "dropout": (0.3, "few pairs are easily overfitted"),
        "label_smoothing": (0.1, "worth about a point of BLEU (Vaswani et al. 2017)"),
        "ema": (0.998, "averaged weights translate better than the last ones"),
        "batch_size": (batch, "about 2,000 tokens on each side"),
        "epochs": (float(epochs), why_epochs),
        "evaluate_every": (max(1.0, epochs // 15), "an evaluation takes as long as many updates"),
    }
    if dataset.schema.input.tokenizer == dataset.schema.target.tokenizer:
        found["tied"] = ("all", "source and target share one vocabulary")
    return found | bf16_where_fast("bf16 is supported in hardware: an epoch takes 0.6x the time")
