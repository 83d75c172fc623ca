"""Measurements that are only bounds: ">6.5", "<= 0.1", "~3"."""

import re
from collections.abc import Sequence

import numpy as np

BOUND = re.compile(r"\s*(?:[<>≤≥~≈]=?|=[<>])\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
COUNTED = 5  # distinct whole numbers up to which a bound may be the last of some classes: 0, 1, 2, >2


def is_censored(names: Sequence[str], counts: np.ndarray, number: np.ndarray) -> bool:
    """Whether some of a column's cells are bounds and most others are measured values, which classes are not.

    names:  (n,) what stands in its cells;  counts: (n,) how often;  number: (n,) which are plain numbers
    """
    bound = np.array([BOUND.fullmatch(name) is not None for name in names], dtype=bool)
    plain = [name for name, there in zip(names, number, strict=True) if there]
    measured = len(plain) > COUNTED or any("." in name for name in plain)
    return bool(bound.any() and measured and (bound | number).all() and counts[number].sum() > counts[bound].sum())
