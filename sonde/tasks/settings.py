"""What the recipes of tasks share."""

from typing import Any

import torch

from sonde.optim.build import product_dtype

Settings = dict[str, tuple[Any, str]]
"""Leaf setting -> (value, why)."""


def epochs_of_updates(updates: int, *, rows: int, batch: int, fewest: int, most: int) -> tuple[int, str]:
    """(epochs, why) in which training rows give about so many updates."""
    epochs = min(most, max(fewest, updates // -(-rows // batch)))
    return epochs, f"about {updates:,} updates, from {fewest} to {most} epochs"


def bf16_where_fast(why: str = "bf16 is supported in hardware") -> Settings:
    """bf16 where the device that a run takes by itself multiplies in it; else nothing."""
    there = product_dtype("cuda" if torch.cuda.is_available() else "cpu") == torch.bfloat16
    return {"precision": ("bf16", why)} if there else {}
