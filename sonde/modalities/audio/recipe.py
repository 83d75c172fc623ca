"""Tuned defaults for recordings, each with its reason."""

from typing import Any

from sonde.core.dataset import Dataset

Settings = dict[str, tuple[Any, str]]

UPDATES = {"audio-cnn": 900}  # 384 classified 97 % of 120 spoken digits
UPDATES_SPEECH = 1000  # of networks that transcribe; 640 wrote 94 % of those digits without a mistake
FEWEST, MOST = 10, 100  # epochs
EVALUATIONS = 20  # times
TELEPHONE = 8000  # samples a second: up to here there is nothing above 4 kHz


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "audio-cnn", "classification of recordings"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any network that hears."""
    why = "usual for these models: AdamW, warm-up, cosine schedule"
    batch, updates = 32, UPDATES.get(model, UPDATES_SPEECH)
    batches = -(-len(dataset.splits["train"]) // batch)
    epochs = min(MOST, max(FEWEST, round(updates / batches)))
    low = dataset.schema.input.rate <= TELEPHONE
    return {
        "optimizer": ("adamw", why),
        "lr": (2e-3, why),
        "weight_decay": (1e-2, why),
        "schedule": ("cosine", why),
        "warmup": (0.1, why),
        "clip": (1.0, "CTC has large gradients at first"),
        "batch_size": (batch, "few recordings: more updates per epoch"),
        "epochs": (epochs, f"about {updates:,} updates, from {FEWEST} to {MOST} epochs"),
        "evaluate_every": (max(1.0, epochs // EVALUATIONS), "validation is small compared with training"),
        "mels": (40 if low else 64, "suits the sampling rate"),
        "augment": ("speed=0.1,noise=15,time-mask=2x0.1,band-mask=2x0.15", "more variety from few recordings"),
    }
