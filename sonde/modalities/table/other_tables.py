"""Tables of other programs that pyarrow or pandas read, as Parquet."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from sonde.core.errors import DataError, MissingDependency, first_line
from sonde.core.progress import Tick
from sonde.data.unzipped import BAD_CONTENT


def unpack(path: Path, folder: Path, tick: Tick) -> list[tuple[str, str]]:
    """Write a file of ORC or Stata as a Parquet file into a folder; there is nothing to say of it: [].

    Raises: MissingDependency, DataError for what is damaged
    """
    tick(f"reading {path.name}", 0, 0)
    readers: dict[str, Callable[[Path], pa.Table]] = {".orc": _orc, ".dta": _stata}
    try:
        content = readers[path.suffix.lower()](path)
    except (pa.ArrowException, *BAD_CONTENT) as error:
        raise DataError(
            f"{path} is damaged or has the wrong ending ({first_line(error)}); write it again, or as Parquet"
        ) from None
    pa_parquet.write_table(content, folder / f"{path.name.split('.')[0]}.parquet")
    return []


def _orc(path: Path) -> pa.Table:
    from pyarrow import orc

    return orc.read_table(path)


def _stata(path: Path) -> pa.Table:
    """With value labels in the place of codes."""
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise MissingDependency(f"{path.name} needs pandas; install it with: pip install pandas") from None
    return pa.Table.from_pandas(pd.read_stata(path), preserve_index=False)
