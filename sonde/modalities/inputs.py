"""What `predict` takes, as rows without targets; each kind of data reads it in its own way."""

import glob
from pathlib import Path
from typing import Any

from sonde.core.catalogue import load
from sonde.core.config import DataConfig
from sonde.core.data_warning import warn
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.natural_order import in_natural_order
from sonde.core.progress import Tick, silent
from sonde.data.hugging_face import is_hub_set
from sonde.data.listing import can_be_a_path
from sonde.data.rows import InputRows, InputsOf
from sonde.modalities.catalogue import modality
from sonde.modalities.packed import opened

GLOB = frozenset("*?[")
ENDINGS = frozenset(
    {
        *(
            ".txt",
            ".text",
            ".csv",
            ".tsv",
            ".tab",
            ".data",
            ".json",
            ".jsonl",
            ".ndjson",
            ".parquet",
            ".pq",
            ".feather",
        ),
        *(
            ".arrow",
            ".xls",
            ".xlsx",
            ".ods",
            ".gz",
            ".zip",
            ".bz2",
            ".xz",
            ".md",
            ".html",
            ".htm",
            ".xml",
            ".pdf",
            ".doc",
        ),
        *(
            ".docx",
            ".rtf",
            ".odt",
            ".fasta",
            ".fa",
            ".fna",
            ".faa",
            ".ffn",
            ".fas",
            ".fastq",
            ".fq",
            ".smi",
            ".sdf",
            ".src",
        ),
        *(".trg", ".tgt", ".tmx", ".wav", ".mp3", ".flac", ".ogg", ".png", ".jpg", ".jpeg", ".npy", ".npz"),
    }
)
"""What names of files with text and data end in; the names of sites and people do not."""


def rows_for(inputs: Any, schema: Schema, *, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """Rows that hold `input` (and perhaps `size`), and what to call each: a path as it was given, "row 3" of an array.

    inputs: what the model's kind of data takes (`rows_to_predict` of its record); also data in a form that can be trained on,
            its targets aside
    Raises: DataError naming what cannot be read or does not fit the model
    """
    if is_hub_set(inputs):
        from sonde.modalities.arrays.forms.hugging_face import inputs_of  # pyarrow

        inputs = inputs_of(inputs)
    if isinstance(inputs, list):
        inputs = [_unpacked(item, tick) for item in inputs]
    inputs = _unpacked(inputs, tick)
    return load(modality(schema.input.kind).rows_to_predict)(inputs, schema, tick)


def _unpacked(item: Any, tick: Tick) -> Any:
    """The path of what a packed file holds, in the place of its own; all else as it is."""
    found = opened(item, tick) if isinstance(item, str | Path) else None
    return item if found is None else found.path


def single(inputs: Any) -> Any:
    """The path in a list of one, as the command line gives it."""
    return inputs[0] if isinstance(inputs, list) and len(inputs) == 1 and isinstance(inputs[0], str | Path) else inputs


def dataset_rows(data: str | Path, schema: Schema, tick: Tick) -> tuple[Rows, list[str]]:
    """The test rows of a dataset, else its only ones."""
    from sonde.modalities.open import open_like

    dataset = open_like(data, schema, DataConfig(validation=0.0, test=0.0), tick=tick)
    warn(dataset.warnings)
    split = next(name for name in ("test", "validation", "train") if name in dataset.splits)
    rows = dataset.splits[split]
    return InputRows(InputsOf(rows)), [rows.describe(index) for index in range(len(rows))]


def matching(pattern: str | Path) -> list[Path] | None:
    """The files that a pattern such as "new/*.png" means; None for what is no pattern, or the name of a file.

    Raises: DataError for a pattern that matches nothing
    """
    path = Path(pattern).expanduser()
    if path.exists() or not GLOB & set(str(pattern)):
        return None
    found = [Path(name) for name in in_natural_order(glob.glob(str(path), recursive=True))]
    if not found:
        raise DataError(f"{pattern} matches no file")
    return found


def place_in(text: str | Path) -> Path | None:
    """The file or folder that an input names; None for a text that is meant itself.

    It names one that is there, or looks like one: a single word with an ending of files, or of folders and such a name. Whoever
    means that word itself puts a space before it.

    Raises: DataError for what looks like a file that is not there
    """
    words = str(text)
    if isinstance(text, str) and (not can_be_a_path(words) or "\n" in words or words[:1].isspace()):
        return None
    path = Path(text).expanduser()
    try:
        there = path.exists()
    except OSError:  # a text that is longer than names of files may be
        there = False
    if there:
        return path
    looks = path.suffix.lower() in ENDINGS and (len(words.split()) == 1 or "/" in words)
    if isinstance(text, Path) or looks:
        raise DataError(f"{text}: no such file; to predict on this text itself, begin it with a space")
    return None


def is_numeric(value: Any) -> bool:
    """Whether it is an array or a tensor."""
    return hasattr(value, "shape") and hasattr(value, "dtype")
