"""Defaults for self-play with search, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, bf16_where_fast

SMALL = 9  # fields of a board that needs no convolutions
MANY = 512  # moves from which on a game is large: chess has 4,674
SMALL_NETWORK, LARGE_NETWORK = "policy-value-mlp", "policy-value-resnet"
UPDATES, BATCH = 2_000, 256


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    shape = dataset.schema.input.shape
    if len(shape) != 3:
        return SMALL_NETWORK, "a position is a row of numbers"
    if shape[1] * shape[2] <= SMALL:
        return SMALL_NETWORK, "a small board"
    return LARGE_NETWORK, "usual for boards (Silver et al. 2017)"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a game."""
    found: Settings = {
        "environments": (128, "leaves of so many games are one batch of the network"),
        **_opponents(dataset),
        "optimizer": ("adamw", "usual for networks of this size"),
        "lr": (1e-3, "usual for networks of this size"),
        "weight_decay": (1e-4, "as AlphaZero's"),
        "schedule": ("constant", "experience goes on changing, and a run may be resumed for longer"),
        "batch_size": (BATCH, "small networks and a short run"),
        "steps": (
            UPDATES,
            "minutes; give more for a player that is hard to beat, and --time-limit for when it must end",
        ),
        "evaluate_every": (f"{UPDATES // 4} steps", "4 evaluations, whose matches take a while"),
    }
    if why := _quick(dataset, model):
        found |= {
            "full_share": (1.0, why),
            "position_reuse": (8.0, why),
            "random_moves": (4, "all openings are met"),
        }
    else:
        found |= bf16_where_fast("searches are mostly convolutions, which bf16 takes half the time for")
    if len(dataset.schema.target.names) > MANY:
        why = "trees and positions of a game with so many moves are large, and it is long"
        found |= {
            "environments": (16, why),
            "window": (10_000, why),
            "episodes": (4, why),
            "test_episodes": (20, why),
        }
    return found


def _quick(dataset: Dataset, chosen: str) -> str:
    """Why searches take most of the time, beside which learning takes little; "" where a network of convolutions does. Somebody's
    own network gets what the usual one of such a game does, so that they can be compared."""
    if chosen == SMALL_NETWORK:
        return "a small network: searches take most of the time"
    if chosen != LARGE_NETWORK and model(dataset)[0] == SMALL_NETWORK:
        return f"as with {SMALL_NETWORK}, the usual network of such a game: searches take most of the time"
    return ""


def _opponents(dataset: Dataset) -> Settings:
    """Whom it is evaluated against, as the matches have it: so that config.yaml tells, whatever the default of a version is."""
    met = next((names for rows in dataset.splits.values() if (names := getattr(rows, "opponents", ()))), ())
    return {"opponents": (tuple(met), "all that suit the game")} if met else {}
