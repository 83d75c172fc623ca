"""Tables in memory as named Arrow columns."""

from typing import Any

import numpy as np
import pyarrow as pa

from sonde.core.errors import DataError
from sonde.modalities.table.head import check_names


def frame_columns(frame: Any, name: str) -> dict[str, pa.ChunkedArray]:
    """The columns of a data frame, an Arrow table or a dict. Raises: DataError for names that repeat, and what is no column"""
    if hasattr(frame, "to_arrow"):  # polars
        frame = frame.to_arrow()
    names = list(frame.column_names if isinstance(frame, pa.Table) else frame.keys())
    check_names([str(column) for column in names], name)
    if isinstance(frame, pa.Table):
        return {column: frame.column(column) for column in names}
    return {str(column): _arrow(frame[column], f"{name} column {column!r}") for column in names}


def _arrow(values: Any, place: str) -> pa.ChunkedArray:
    """A pandas Series, array, tensor or list as one Arrow column; mixed objects become text."""
    if not hasattr(values, "dtype") or type(values).__module__.startswith("torch"):
        values = np.asarray(values)
    if values.ndim != 1:
        raise DataError(f"{place} has {values.ndim} dimensions; a column has one value per row")
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        missing = (v is None or v != v for v in values)
        array = pa.array([None if gap else str(v) for v, gap in zip(values, missing, strict=True)], pa.string())
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
