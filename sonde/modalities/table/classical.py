"""Gradient-boosted trees on a table's encoded columns: what a network on a table is compared with.

Source: Friedman 2001, Annals of Statistics 29, in histograms as LightGBM's (Ke et al. 2017); scikit-learn's defaults.
"""

import time
from typing import Any

import numpy as np

from sonde.core.dataset import Rows, Schema

ROUNDS, AT_ONCE = 100, 20  # trees for each output: scikit-learn's default, and how many between two looks at the clock
MOST_CATEGORIES = 255  # of a column that trees split by its categories; scikit-learn takes no more
NAME = "gradient-boosted trees (scikit-learn)"


def predicted(schema: Schema, train: Rows, other: Rows, seconds: float) -> tuple[str, np.ndarray] | None:
    """(name, probabilities (N, classes) or values (N,) as the targets are scaled) of the other rows; None when time ran out."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    begun = time.perf_counter()
    categories = [
        column.kind == "category" and len(column.categories) < MOST_CATEGORIES for column in schema.input.columns
    ]
    known = train.read(np.arange(len(train)))
    # scikit-learn has no annotations; a checker guesses them from defaults
    kind: Any = HistGradientBoostingClassifier if schema.target.has_classes else HistGradientBoostingRegressor
    model = kind(
        max_iter=AT_ONCE,
        warm_start=True,
        early_stopping=False,
        random_state=0,
        categorical_features=categories if any(categories) else None,
    )
    target = known["target"].reshape(len(train), -1)[:, 0]
    while True:
        model.fit(known["input"], target)
        spent = time.perf_counter() - begun
        if model.max_iter >= ROUNDS:
            break
        if spent * ROUNDS / model.max_iter > seconds:  # it would not be done in time
            return None
        model.max_iter += AT_ONCE
    inputs = other.read(np.arange(len(other)))["input"]
    return NAME, model.predict_proba(inputs) if schema.target.has_classes else model.predict(inputs)
