"""Kinds of files that are not read as they are, and how to make readable ones of them."""

from pathlib import Path

_EXCEL = "save the sheet as CSV (in Excel: Save As, CSV UTF-8)"
_TABLE = "write it as CSV or Parquet, for example with pandas: "
_WAYS = {
    ".xlsx": _EXCEL,
    ".xlsm": _EXCEL,
    ".xls": _EXCEL,
    ".ods": "save the sheet as CSV (in LibreOffice: Save As, Text CSV)",
    ".zip": "unpack it first: unzip {name} -d {stem}",
    ".7z": "unpack it first: 7z x {name}",
    ".rar": "unpack it first: unrar x {name}",
    ".tgz": "unpack it first: tar -xf {name}",
    ".bz2": "unpack it first: bunzip2 {name}",
    ".xz": "unpack it first: unxz {name}",
    ".zst": "unpack it first: unzstd {name}",
    ".dta": _TABLE + "pandas.read_stata('{name}').to_csv('{stem}.csv', index=False)",
    ".sas7bdat": _TABLE + "pandas.read_sas('{name}').to_csv('{stem}.csv', index=False)",
    ".sav": _TABLE + "pandas.read_spss('{name}').to_csv('{stem}.csv', index=False)",
    ".arff": _TABLE
    + "pandas.DataFrame(scipy.io.arff.loadarff('{name}')[0]).map(lambda v: v.decode() if isinstance(v, bytes) "
    "else v).to_csv('{stem}.csv', index=False)",
    ".ts": "write it as NPZ, for example with aeon: x, y = aeon.datasets.load_from_ts_file('{name}'); "
    "numpy.savez('{stem}.npz', x=x, y=y)",
    ".orc": _TABLE + "pandas.read_orc('{name}').to_parquet('{stem}.parquet')",
}


def way_to_read(path: Path) -> str:
    """What to do with a file that is not read as it is, "" for other files.

    >>> way_to_read(Path("data/cats.zip"))
    'unpack it first: unzip cats.zip -d cats'
    """
    name, suffix = path.name, path.suffix.lower()
    if suffix in (".gz", ".bz2", ".xz", ".zst") and name.lower().endswith(f".tar{suffix}"):
        suffix = ".tgz"
    way = _WAYS.get(suffix, "")
    return way.replace("{name}", name).replace("{stem}", name.split(".")[0])
