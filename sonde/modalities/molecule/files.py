"""Files of molecules as tables: SDF with its properties, SMILES one a line, and tables as they are.

SDF: Dalby et al. 1992, Description of several chemical structure file formats, J. Chem. Inf. Comput. Sci. 32 (3)
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from sonde.core.errors import DataError
from sonde.modalities.molecule.columns import is_headless, smiles_column, some_cells
from sonde.modalities.molecule.graphs import parsed, smiles_of_block
from sonde.modalities.molecule.modality import LINES, SDF
from sonde.modalities.table.read import Table, read_table, table_suffix
from sonde.modalities.text.files import read_text

WITH_NAMES = (".txt",)  # for `predict`: any text with a SMILES at the start of each line
PROPERTY = re.compile(
    r"^>[^<\n]*<(?P<name>[^>\n]+)>[^\n]*\n(?P<value>.*?)(?=\n\s*\n|\n>|\s*\Z)", re.MULTILINE | re.DOTALL
)
COLUMN = "smiles"


def molecule_suffix(path: Path) -> str:
    """The ending that says how molecules are written, "" of other files; that of gzip is looked through.

    >>> molecule_suffix(Path("a.sdf.gz")), molecule_suffix(Path("b.SMI")), molecule_suffix(Path("c.csv"))
    ('.sdf', '.smi', '')
    """
    suffix = (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()
    return suffix if suffix in (*SDF, *LINES) else ""


def is_molecule_file(path: Path) -> bool:
    """Whether a name is one of a file of molecules for `predict`."""
    return molecule_suffix(path) != "" or path.suffix.lower() in WITH_NAMES


def read_molecules(path: Path, names: Sequence[str] = ()) -> Table:
    """A table with a column of molecules: of SDF and lines of SMILES the one called "smiles", the others being properties.

    names: of the columns of a table without a header
    Raises: DataError for what cannot be read
    """
    suffix = molecule_suffix(path)
    if table_suffix(path):
        return _with_header(path, names)
    if names:
        raise DataError(f"{path.name} is not a table; leave --columns out")
    table = _of_sdf(path) if suffix in SDF else _of_lines(path)
    if not table.columns or not len(table):
        raise DataError(f"{path.name} holds no molecule")
    return table


def _with_header(path: Path, names: Sequence[str]) -> Table:
    """A table, whose first row is data where the name of its column of molecules is one itself."""
    table = read_table(path, names)
    if names or not table.delimiter or table.headless:
        return table
    column = smiles_column(some_cells(table))
    if column is None or not is_headless(list(table.columns), column):
        return table
    return read_table(path, [COLUMN if name == column else f"c{n}" for n, name in enumerate(table.columns, start=1)])


def _of_sdf(path: Path) -> Table:
    """Records that cannot be read keep their row, so that they can be named, with the first line of their own as text."""
    records = re.split(r"^\$\$\$\$.*(?:\n|\Z)", read_text(path), flags=re.MULTILINE)
    records = [record for record in records if record.strip()]
    rows = []
    for record in records:
        end = record.find("M  END")
        block, rest = record[: end + len("M  END") + 1], record[end + len("M  END") :]
        title = record.split("\n", 1)[0].strip()
        found = smiles_of_block(block) if end >= 0 else None
        properties = {match["name"].strip(): match["value"].strip() for match in PROPERTY.finditer(rest)}
        properties.pop(COLUMN, None)
        rows.append({COLUMN: found or f"{title or 'record'} (unreadable)", "title": title, **properties})
    if all(not row["title"] for row in rows):
        rows = [{name: cell for name, cell in row.items() if name != "title"} for row in rows]
    return _table(path, rows)


def _of_lines(path: Path) -> Table:
    """A SMILES, and perhaps a name and values behind it. A first line that is none, such as "SMILES Name", names the columns."""
    lines = [line.split("\t") if "\t" in line else line.split() for line in read_text(path).split("\n") if line.strip()]
    numbers = [number for number, line in enumerate(read_text(path).split("\n"), start=1) if line.strip()]
    header: list[str] = []
    if len(lines) > 1 and parsed(lines[0][0]) is None and parsed(lines[1][0]) is not None:
        header, lines, numbers = lines[0][1:], lines[1:], numbers[1:]
    width = max((len(line) for line in lines), default=1)
    names = [
        COLUMN,
        *(
            header[n] if n < len(header) else ("name", *(f"c{k}" for k in range(3, width + 1)))[n]
            for n in range(width - 1)
        ),
    ]
    rows = [{name: line[n].strip() if n < len(line) else "" for n, name in enumerate(names)} for line in lines]
    return _table(path, rows, first=numbers[0] if numbers else 1)


def _table(path: Path, rows: Sequence[dict[str, str]], first: int = 1) -> Table:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {
        name: pa.chunked_array([pa.array([row.get(name) or None for row in rows], pa.string())]) for name in names
    }
    return Table(name=path.name, columns=columns, first_row=first)
