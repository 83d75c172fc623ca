"""Tables with a series in each row, whose header holds the times: how to make a row of each time."""

import re

import numpy as np
import pyarrow as pa

from sonde.core.errors import DataError
from sonde.modalities.table.read import Table
from sonde.modalities.table.written_dates import best_order, dates

FEWEST = 8  # names that are times
MOST_OTHERS = 0.5  # of the names are none
_YEAR = re.compile(r"(?:19|20)\d\d")


def refuse_times_in_header(table: Table) -> None:
    """Raises: DataError where most names of columns are dates or years, with the way to a row for each"""
    names = [name for name in table.columns if name]
    text = pa.array(names, pa.large_string())
    dated = ~np.isnat(dates(text, best_order(text)[0])) | np.array([bool(_YEAR.fullmatch(name)) for name in names])
    times = [name for name, found in zip(names, dated, strict=True) if found]
    others = [name for name, found in zip(names, dated, strict=True) if not found]
    if len(times) < FEWEST or len(others) > MOST_OTHERS * len(names):
        return
    called = f".rename(columns={{{others[0]!r}: 'unique_id'}})" if others else ""
    raise DataError(
        f"{table.name} has times in its header ({times[0]} to {times[-1]}), a series in each row; write a row for each time, "
        f"with columns unique_id, ds, y, with pandas: pandas.read_csv({table.name!r}).melt({others!r}, var_name='ds', "
        f"value_name='y'){called}.dropna(subset='y').to_csv('long.csv', index=False)"
    )
