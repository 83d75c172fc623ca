"""Defaults for text that is continued, each with its reason.

Measured on the last tenth of Shakespeare by characters: 4 blocks of 128 channels, windows of 64, 3,072 tokens an update, Muon at
0.01 and no dropout reach 1.61 nats in 400 updates, 88 seconds of one busy core. Longer runs use the same settings on a larger
network, which was not tuned by itself; `benchmarks.language` says what it reaches.
"""

from sonde.core.dataset import Dataset
from sonde.models.table import MODELS
from sonde.optim.build import product_dtype
from sonde.tasks.settings import Settings

TOKENS = 3072  # of an update
SEEN = 12_000_000  # tokens of a run: about what two cores read in a quarter of an hour
FEWEST, MOST = 1, 30  # epochs
LARGE = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a language model on a dataset of windows."""
    rows, length = len(dataset.splits["train"]), dataset.schema.input.shape[0]
    batch = max(1, min(rows, TOKENS // length))
    epochs = min(MOST, max(FEWEST, round(SEEN / (rows * length))))
    chosen: Settings = {
        "batch_size": (batch, f"{TOKENS:,} tokens per update: small texts need many updates"),
        "epochs": (epochs, f"about {SEEN / 1e6:.0f} million tokens, from {FEWEST} to {MOST} epochs"),
        "clip": (1.0, "as GPT-2 and its successors are trained"),
        "weight_decay": (0.1, "as GPT-2 and its successors are trained"),
        "beta2": (0.98, "few tokens per update"),
    }
    recurrent = model in MODELS and MODELS[model].family == "recurrent-lm"
    return chosen | (_recurrent() if recurrent else _transformer(model))


def _transformer(model: str) -> Settings:
    own: Settings = {
        "schedule": ("linear", "decay to zero, which helps small budgets most"),
        "warmup": (0.02, "ramps the high learning rate up gradually"),
    }
    if model in MODELS:
        own["dropout"] = (0.0 if model in LARGE else 0.1, "several epochs over the same text")
    if model in LARGE or model not in MODELS:
        return own | {"optimizer": ("adamw", "as GPT-2 was trained"), "lr": (6e-4, "usual at GPT-2's size")}
    if product_dtype("cpu").itemsize == 2:
        own["precision"] = ("bf16", "this CPU multiplies bf16 matrices more than twice as fast")
    return own | {
        "optimizer": ("muon", "reaches a loss in fewer updates than AdamW"),
        "momentum": (0.95, "as Muon is usually run"),
        "lr": (0.01, "Shakespeare: 1.61 nats after 1.2 million characters"),
    }


def _recurrent() -> Settings:
    return {
        "optimizer": ("adamw", "Adam scales gradients that pass through many time steps"),
        "lr": (2e-3, "usual for AdamW on recurrent networks of this size"),
        "schedule": ("cosine", "decay to zero"),
        "warmup": (0.02, "ramps the learning rate up gradually"),
        "dropout": (0.1, "several epochs over the same text"),
    }
