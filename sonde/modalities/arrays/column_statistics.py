"""What is fitted on rows of numbers: mean and spread of each, by which they are standardised."""

from dataclasses import replace

import numpy as np

from sonde.core.dataset import Column, InputSpec
from sonde.data.rows import ArrayInputs, Inputs, StandardisedInputs
from sonde.data.splits import evenly_spaced

ENOUGH_ROWS = 20_000  # for quantiles
MOST_BINNED = 256  # features that get quantiles
READ_AT_ONCE = 4096  # rows
COLUMNS = 512  # of that many rows


def fitted(inputs: Inputs, rows: np.ndarray) -> InputSpec:
    """The spec of flat inputs: mean and std of each feature over all training rows, quantiles where features are few."""
    shift = inputs.read(rows[:1])[0].astype(np.float64)  # values far from zero would lose their variance to rounding
    total, squares = np.zeros_like(shift), np.zeros_like(shift)
    cuts = np.linspace(0, len(shift), max(1, -(-len(shift) // COLUMNS)) + 1).astype(int)
    for start in range(0, len(rows), READ_AT_ONCE):
        read = inputs.read(rows[start : start + READ_AT_ONCE])
        # doubles of some columns at a time: the sum of one is the same however many stand beside it
        for columns in map(slice, cuts[:-1], cuts[1:]):
            piece = read[:, columns] - shift[columns]
            total[columns] += piece.sum(axis=0)
            squares[columns] += np.square(piece).sum(axis=0)
    mean = total / len(rows)
    std = np.sqrt(np.maximum(squares / len(rows) - mean**2, 0))
    std[std == 0] = 1.0  # constant: the shift makes that exact
    edges = _quantiles(inputs, rows, mean + shift, std)
    columns = tuple(
        Column(name=str(i), kind="number", source=str(i), mean=float(m), std=float(s), quantiles=e, shares=ranks)
        for i, (m, s, (e, ranks)) in enumerate(zip(mean + shift, std, edges, strict=True))
    )
    return InputSpec(kind="array", shape=(len(columns),), columns=columns)


def fitted_over_time(inputs: Inputs, rows: np.ndarray) -> InputSpec:
    """The spec of sequences (n, steps, values): mean and std of each value over all steps of all training rows."""
    steps, values = inputs.read(rows[:1]).shape[1:]
    shift = inputs.read(rows[:1])[0].mean(axis=0, dtype=np.float64)  # as in `fitted`
    total, squares = np.zeros(values), np.zeros(values)
    for start in range(0, len(rows), READ_AT_ONCE):
        piece = inputs.read(rows[start : start + READ_AT_ONCE]) - shift
        total += piece.sum(axis=(0, 1))
        squares += np.square(piece).sum(axis=(0, 1))
    count = len(rows) * steps
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    std[std <= 1e-7 * np.abs(shift)] = 1.0  # constant but for rounding
    columns = tuple(
        Column(name=str(place), kind="number", source=str(place), mean=float(m), std=float(s))
        for place, (m, s) in enumerate(zip(mean + shift, std, strict=True))
    )
    return InputSpec(kind="array", shape=(steps, values), columns=columns)


def scaled(inputs: Inputs, spec: InputSpec) -> Inputs:
    """Flat inputs by the mean and std that were fitted; images, which have no columns, as they are."""
    if not spec.columns:
        return inputs
    mean = np.array([column.mean for column in spec.columns], dtype=np.float32)
    lazy = StandardisedInputs(inputs, mean, np.array([column.std for column in spec.columns], dtype=np.float32))
    if isinstance(inputs, ArrayInputs):  # once and for all, so that reading stays a slice of an array
        return replace(inputs, array=lazy.read(np.arange(len(inputs))))
    return lazy


def _quantiles(
    inputs: Inputs, rows: np.ndarray, mean: np.ndarray, std: np.ndarray
) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Bin edges of each standardised feature, for models that bin numbers, and where they stand among its values; empty where
    there are too many features."""
    if len(mean) > MOST_BINNED:
        return [((), ())] * len(mean)
    from sonde.modalities.table.encode import bin_edges, mid_ranks  # brings pyarrow, which images do without

    sample = (inputs.read(rows[evenly_spaced(len(rows), ENOUGH_ROWS)]) - mean) / std
    return [(edges := bin_edges(feature), mid_ranks(feature, edges)) for feature in sample.T]
