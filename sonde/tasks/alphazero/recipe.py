"""Defaults for self-play with search, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings

SMALL = 9  # fields of a board that needs no convolutions
UPDATES, BATCH = 5_000, 256


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    shape = dataset.schema.input.shape
    if len(shape) != 3:
        return "policy-value-mlp", "a position is a row of numbers"
    if shape[1] * shape[2] <= SMALL:
        return "policy-value-mlp", "a small board"
    return "policy-value-resnet", "usual for boards (Silver et al. 2017)"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a game."""
    return {
        "environments": (128, "leaves of so many games are one batch of the network"),
        "optimizer": ("adamw", "usual for networks of this size"),
        "lr": (1e-3, "usual for networks of this size"),
        "weight_decay": (1e-4, "as AlphaZero's"),
        "schedule": ("constant", "experience goes on changing, and a run may be resumed for longer"),
        "batch_size": (BATCH, "small networks and a short run"),
        "steps": (UPDATES, "a few minutes to half an hour; give more, or --time-limit"),
        "evaluate_every": (f"{UPDATES // 5} steps", "5 evaluations, whose matches take a while"),
    }
