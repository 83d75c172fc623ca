"""The embedded digits against scikit-learn's own reader."""

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from sonde.core.config import DataConfig
from sonde.data.splits import targets_of
from sonde.modalities.image.forms.digits import read


def test_they_are_scikit_learns() -> None:
    data = read(DataConfig(validation=0, test=0))
    reference: Any = load_digits()
    rows = data.splits["train"].read(np.arange(1797))
    assert (rows["input"][:, 0] == np.rint(reference.images * 255 / 16)).all()
    assert (rows["target"] == reference.target).all()
    assert data.schema.target.names == tuple("0123456789")


def test_default_splits_hold_every_digit() -> None:
    data = read(DataConfig())
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 1294, "validation": 144, "test": 359}
    for rows in data.splits.values():
        counts = np.bincount(targets_of(rows), minlength=10)
        assert counts.max() - counts.min() <= max(2, 0.06 * counts.max())
    again = read(DataConfig())
    assert (targets_of(again.splits["test"]) == targets_of(data.splits["test"])).all()
    assert again.fingerprint == data.fingerprint
