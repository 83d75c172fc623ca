"""Made rows of a table beside real ones, without a judge: what two columns say of one another, whether trees tell rows apart."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sonde.metrics.column_pairs import DRAWS, LEVEL, Column, Pair, column_pairs
from sonde.metrics.two_sample_classifier import FEWEST, Told, told_apart

DIGITS = 4  # of what is kept of a pair

# N real rows


def together(columns: Mapping[str, tuple[np.ndarray, np.ndarray, bool]]) -> dict[str, Any]:
    """For samples.json and sample_quality.json: "detection", of samples and of one half of the real rows beside the other, and
    "pairs", those that are most surely wrong first (`metrics/column_pairs`).

    columns: as `Made.columns` gives them, rows in random order
    """
    found = {name: Column(*each) for name, each in columns.items()}
    pairs = column_pairs(found)
    return {
        "detection": _detection(list(found.values())),
        "pairs": [{**_rounded(pair), "wrong": pair.wrong} for pair in pairs],
        "test": {"level": LEVEL, "permutations": DRAWS},
    }


def measures(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `together` gave as entries of sample_quality.json: the area under the ROC curve, the mean distance of all pairs."""
    detection, pairs = found["detection"], found["pairs"]
    entries = [{"name": "detection_auroc", "better": "lower", **detection}]
    if pairs:
        value, real = (float(np.mean([pair[name] for pair in pairs])) for name in ("distance", "floor"))
        entries.append({"name": "pair_distance", "better": "lower", "value": value, "real": real})
    return entries


def _rounded(pair: Pair) -> dict[str, Any]:
    return {name: round(each, DIGITS) if isinstance(each, float) else each for name, each in asdict(pair).items()}


def _detection(columns: Sequence[Column]) -> dict[str, Any]:
    """{"value", "interval", "real"}; value null where there are too few rows, and then "reason"."""
    categories = [column.category for column in columns]
    if not columns:
        return {"value": None, "real": None, "reason": "samples share no column with the real rows"}
    made, real = (np.stack([column[side] for column in columns], 1) for side in (0, 1))
    told = told_apart(made, real, categories)
    if told is None:
        rows = min(len(made), len(real))
        return {"value": None, "real": None, "reason": f"{FEWEST} rows of either are needed, and there are {rows}"}
    half = len(real) // 2
    return {
        "value": told.auroc,
        "interval": [told.interval.low, told.interval.high],
        **_of_halves(real[:half], real[half:], categories),
    }


def _of_halves(one: np.ndarray, other: np.ndarray, categories: Sequence[bool]) -> dict[str, float]:
    """What real rows get; 1/2, which it is on average, where halves are too small to be told apart."""
    told: Told | None = told_apart(one, other, categories)
    return {"real": 0.5 if told is None else told.auroc}
