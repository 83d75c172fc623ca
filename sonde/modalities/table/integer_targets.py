"""Whole numbers to predict: classes, or quantities."""

import numpy as np

ROWS_OF_A_CLASS = 5  # at least, on average, for integers to be classes
CLASS_NAMES = ("label", "labels", "class", "classes", "category", "species", "class_id", "label_id", "target_class")
MOST_INTEGER_CLASSES = 20  # integers with more distinct values than this are quantities
SURELY_QUANTITIES = (
    1000  # more distinct values than this are no classes; of the sets that people label, ImageNet has as many
)


def looks_like_classes(column: str, values: np.ndarray) -> bool:
    """Whether numbers are classes: few integers of many rows, more of them in a column that is called so."""
    present = values[~np.isnan(values)]
    if (present != np.floor(present)).any():
        return False
    distinct = len(np.unique(present))
    if distinct <= min(MOST_INTEGER_CLASSES, len(present) // 2):
        return True
    return column.lower() in CLASS_NAMES and distinct <= len(present) // ROWS_OF_A_CLASS


def doubt_of_integers(values: np.ndarray, classes: bool) -> str:
    """What to say of integers that may be classes or quantities; "" where there is hardly a doubt."""
    present = values[~np.isnan(values)]
    distinct = np.unique(present)
    if len(present) == 0 or (present != np.floor(present)).any() or len(distinct) > len(present) // ROWS_OF_A_CLASS:
        return ""
    usual = distinct[0] in (-1, 0, 1) and len(distinct) <= 10 and len(distinct) == distinct[-1] - distinct[0] + 1
    if classes and (usual or len(distinct) == 2):
        return ""
    if not classes and len(distinct) > SURELY_QUANTITIES:
        return ""
    taken, other, flag = ("classes", "values", "regression") if classes else ("values", "classes", "classification")
    return f"holds {len(distinct)} distinct integers, read as {taken}; --task {flag} reads them as {other}"


def is_signs(values: np.ndarray) -> bool:
    """Whether several columns of labels hold -1 for no and 1 for yes, as CelebA's do; gaps are NaN."""
    there = values[~np.isnan(values)]
    return bool(np.isin(there, (-1, 1)).all() and (there == -1).any())


def no_as_zero(values: np.ndarray) -> np.ndarray:
    """Labels with 0 in the place of -1."""
    return np.where(values == -1, 0.0, values)
