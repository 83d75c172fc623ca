"""Molecules to predict on: given as SMILES or InChI, or in tables, SDF and files with one a line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sonde.core.data_warning import warn
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.listing import can_be_a_path
from sonde.modalities.inputs import single
from sonde.modalities.molecule.columns import column_of, texts_of
from sonde.modalities.molecule.files import is_molecule_file, molecule_suffix, read_molecules
from sonde.modalities.molecule.graphs import INCHI, graph_of, rows_of
from sonde.modalities.molecule.modality import SDF
from sonde.modalities.table.read import Table, frame_table, is_frame, table_suffix


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """Molecules without target, and what to call each.

    inputs: SMILES or InChI, an SDF, a table or a file with a SMILES at the start of each line, a frame, a dict of columns, or a
            list of SMILES
    Raises: DataError naming what cannot be read
    """
    inputs = single(inputs)
    if isinstance(inputs, str | Path) and _is_place(str(inputs)):
        path = Path(inputs).expanduser()
        if not path.is_file():
            raise DataError(f"{path}: no such file; give SMILES, or a file of molecules")
        table = read_molecules(path)
        warn(table.notes)
        texts, places = texts_of(table, column_of(table, schema)), [table.place(row) for row in range(len(table))]
        if not (table_suffix(path) or molecule_suffix(path) in SDF):  # lines with nothing but molecules
            return _to_predict(texts, places, texts, schema)
        inputs = table
    elif is_frame(inputs):
        inputs = frame_table(inputs, "the input")
    if isinstance(inputs, Table):
        texts = texts_of(inputs, column_of(inputs, schema))
        places = [inputs.place(place) for place in range(len(inputs))]
        return _to_predict(
            texts, places, [f"{place}, {text}" for place, text in zip(places, texts, strict=True)], schema
        )
    texts = [str(text) for text in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    return _to_predict(texts, [f"input {n}" for n in range(len(texts))], texts, schema)


def _is_place(text: str) -> bool:
    """Whether words name a file: one that is there, or with an ending of one. An InChI has slashes, and no such ending."""
    if text.startswith(INCHI) or "\n" in text or not can_be_a_path(text):
        return False
    path = Path(text).expanduser()
    if is_molecule_file(path) or table_suffix(path):
        return True
    try:
        return path.is_file()
    except OSError:  # a long SMILES is no name that a file could have
        return False


def _to_predict(
    texts: Sequence[str], places: Sequence[str], names: list[str], schema: Schema
) -> tuple[Rows, list[str]]:
    graphs = []
    for text, place in zip(texts, places, strict=True):
        graph = graph_of(text)
        if graph is None:
            raise DataError(f"{place}: {text!r} is not a SMILES string that RDKit can parse; fix or remove it")
        graphs.append(graph)
    if not graphs:
        raise DataError("there is nothing to predict on: no SMILES was given")
    return rows_of(graphs, [graph.name for graph in graphs], names, extra=schema.input.extra), names
