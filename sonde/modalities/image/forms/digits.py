"""The embedded data: scikit-learn's 1,797 handwritten digits of 8x8 pixels, real and always offline.

Source: E. Alpaydin and C. Kaynak 1998, Optical Recognition of Handwritten Digits, UCI, https://doi.org/10.24432/C50P49
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import MissingDependency
from sonde.core.progress import Tick, silent
from sonde.data import fingerprint
from sonde.data.assemble import About
from sonde.data.targets import raw_target
from sonde.modalities.arrays.dataset import ArrayPair, assemble_arrays

SIDE = 8
LEVELS = 16  # pixels hold 0..16


def read(config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None) -> Dataset:
    """The digits as images; no split comes with them."""
    images, labels = pixels()
    about = About(
        name="digits",
        source="digits",
        form="embedded",
        why="scikit-learn's handwritten digits",
        facts=[Fact("17 grey levels rescaled to 0-255", "stored as 0 to 16")],
        fingerprint=fingerprint.of_arrays({"images": images, "labels": labels}),
    )
    return assemble_arrays(
        {"train": ArrayPair(images, raw_target(labels, "digits"), "digits")},
        about,
        config,
        task=task,
        tick=tick,
        like=like,
        scale=255 / LEVELS,
    )


def pixels() -> tuple[np.ndarray, np.ndarray]:
    """(images (1797, 8, 8) uint8, which digit each shows (1797,))."""
    table = np.loadtxt(_file(), delimiter=",", dtype=np.int64)
    levels, labels = table[:, :-1].reshape(-1, SIDE, SIDE), table[:, -1]
    return np.rint(levels * (255 / LEVELS)).astype(np.uint8), labels


def _file() -> Path:
    """What sklearn.datasets.load_digits reads, found without the second that importing it takes."""
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise MissingDependency("digits come with scikit-learn; install it with: pip install scikit-learn")
    return Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
