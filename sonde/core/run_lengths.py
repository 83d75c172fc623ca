"""Class maps in JSON: runs of equal numbers, row by row. Free of torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def encode(classes: np.ndarray) -> dict[str, Any]:
    """(H, W) whole numbers as {"size": [H, W], "runs": "number*length …"}.

    >>> encode(np.array([[0, 0, 1], [1, 1, 0]]))
    {'size': [2, 3], 'runs': '0*2 1*3 0*1'}
    """
    flat = classes.ravel()
    starts = np.concatenate(([0], np.flatnonzero(np.diff(flat)) + 1))
    lengths = np.diff(np.concatenate((starts, [len(flat)])))
    runs = " ".join(f"{number}*{length}" for number, length in zip(flat[starts], lengths, strict=True))
    return {"size": list(classes.shape), "runs": runs}


def decode(encoded: Mapping[str, Any]) -> np.ndarray:
    """The inverse of `encode`, uint8.

    >>> decode({"size": [2, 3], "runs": "0*2 1*3 0*1"}).tolist()
    [[0, 0, 1], [1, 1, 0]]
    """
    runs = [run.split("*") for run in str(encoded["runs"]).split()]
    numbers, lengths = np.array(runs, np.int64).T
    return np.repeat(numbers.astype(np.uint8), lengths).reshape(encoded["size"])
