"""The global random streams a run draws from, as state that can be saved, and kept apart from the caller's own."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from sonde.core.seeds import derive


def capture(device: torch.device) -> dict[str, Any]:
    """States of torch (CPU and the run's device), numpy and Python."""
    legacy: Any = np.random.get_state(legacy=True)
    kind, keys, position, has_gauss, gauss = legacy
    version, words, gauss_next = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "numpy": {"kind": kind, "keys": torch.from_numpy(keys.astype(np.int64)), "at": [position, has_gauss, gauss]},
        "python": {"version": version, "words": list(words), "gauss": gauss_next},
    }


def restore(state: Mapping[str, Any], device: torch.device) -> None:
    """Put the streams back."""
    torch.set_rng_state(state["torch"].to(torch.uint8))
    if device.type == "cuda" and state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"].to(torch.uint8), device)
    position, has_gauss, gauss = state["numpy"]["at"]
    keys = state["numpy"]["keys"].numpy().astype(np.uint32)
    np.random.set_state((state["numpy"]["kind"], keys, position, has_gauss, gauss))
    python = state["python"]
    random.setstate((python["version"], tuple(python["words"]), python["gauss"]))


@contextmanager
def apart(device: torch.device) -> Iterator[None]:
    """Leave the caller's random streams as they were found."""
    before = capture(device)
    try:
        yield
    finally:
        restore(before, device)


def seed_everything(seed: int, *, stream: str) -> None:
    """Start the global streams from one named stream of the run's seed ("init" before building, "dropout" before training)."""
    number = derive(seed, "init" if stream == "init" else "dropout")
    torch.manual_seed(number)
    np.random.seed(number)
    random.seed(number)
