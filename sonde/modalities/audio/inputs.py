"""What `predict` takes with a model of sound: sound files, folders of them, manifests, or samples in memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.data_warning import warn
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.listing import Listing
from sonde.data.ragged import end_to_end
from sonde.data.targets import first_few
from sonde.modalities.arrays.shapes import as_array
from sonde.modalities.audio.config import AudioConfig
from sonde.modalities.audio.corpora import find_corpus
from sonde.modalities.audio.files import read_samples
from sonde.modalities.audio.manifest import names_recordings, read_manifest
from sonde.modalities.audio.parts import NAMED, pieces_of
from sonde.modalities.audio.recordings import Recording, folder_of, plain, sounds_below
from sonde.modalities.audio.resample import resampled
from sonde.modalities.audio.waveforms import FULL_SCALE, Waveforms, to_int16
from sonde.modalities.inputs import matching
from sonde.modalities.open import place_of


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """Rows that hold `input` and `lengths` at the model's rate, and what to call each.

    A file that is longer than --max-seconds and all that was trained on, or than a clip, is several rows.

    inputs: a path, folder, glob or manifest; samples at the model's rate (floats in -1..1, or 16 bits) as an array or tensor (S,)
            or several (n, S); a dict of "array" and "sampling_rate"; or a list of these
    Raises: DataError naming what cannot be read
    """
    rate = schema.input.rate
    most = max(AudioConfig().max_seconds, schema.input.shape[0] / rate)
    if schema.input.is_clip:
        most = schema.input.shape[0] / rate
    samples: list[np.ndarray] = []
    names: list[str] = []
    long: list[str] = []
    for item in inputs if isinstance(inputs, list | tuple) else [inputs]:
        for name, content in _contents(item, len(names)):
            tick("reading recordings", len(names), 0)
            if not isinstance(content, Recording):
                held, given = content
                samples.append(to_int16(resampled(held, given or rate, rate)))
                names.append(name)
                continue
            before = len(names)
            for called, path, begin, number in pieces_of(content, most):
                held, given = read_samples(path, begin, number)
                samples.append(to_int16(resampled(held, given, rate)))
                names.append(called)
            long += [name] if len(names) > before + 1 else []
    if long:
        named = first_few(long, NAMED)
        warn([f"{len(long):,} recordings longer than {most:g} s are predicted on in pieces of that length: {named}"])
    if not samples:
        raise DataError("no recordings to predict on: the list is empty")
    return Waveforms(samples=end_to_end(samples, np.int16), names=names), names


def _contents(item: Any, number: int) -> list[tuple[str, Any]]:
    """What one item stands for: (name, a part of a file, or (samples, rate or 0 for the model's))."""
    if isinstance(item, str | Path):
        return [(one.label, one) for one in _parts(item)]
    if isinstance(item, Mapping):
        if not {"array", "sampling_rate"} <= item.keys():
            raise DataError(f"input {number} is a dict without array and sampling_rate; give both")
        return [(f"recording {number}", (_floats(item["array"], number), int(item["sampling_rate"])))]
    array = as_array(item, f"input {number}")
    rows = array if array.ndim == 2 else array[None]
    return [(f"recording {number + place}", (_floats(row, number + place), 0)) for place, row in enumerate(rows)]


def _floats(samples: Any, number: int) -> np.ndarray:
    """float32 (S,) in -1..1. Raises: DataError for what is no row of numbers, and for numbers out of range"""
    array = as_array(samples, f"input {number}")
    if array.ndim != 1 or not len(array):
        raise DataError(f"input {number} of shape {array.shape} is not a recording; give its samples in one row")
    if array.dtype == np.int16:
        return array.astype(np.float32) / FULL_SCALE
    if array.dtype.kind != "f" or not np.isfinite(array).all() or np.abs(array).max() > 4:
        raise DataError(
            f"input {number} holds {array.dtype} that is not audio; give floats in -1..1, or 16-bit integers"
        )
    return array.astype(np.float32)


def _parts(item: str | Path) -> list[Recording]:
    """Files that a path, a folder or a pattern means, and the parts of files that a manifest does. Raises: DataError for none"""
    if (found := matching(item)) is not None:
        return [_whole(path) for path in found]
    path = Path(item).expanduser()
    path = place_of(path).path or path
    if path.is_dir():
        return _in_folder(path)
    if not names_recordings(path):
        return [_whole(path)]
    manifest = read_manifest(path)
    column = manifest.file_column()
    folder = folder_of(manifest, column)
    parts = [(folder / plain(row[column]), *manifest.part(place)) for place, row in enumerate(manifest.rows)]
    return [Recording(name=str(file), truth="", begin=begin, end=end) for file, begin, end in parts]


def _in_folder(path: Path) -> list[Recording]:
    """The files below a folder; where none is, the utterances of a corpus whose files lie elsewhere (Kaldi)."""
    listing = Listing(path)
    if found := sounds_below(listing):
        return [_whole(path / name) for name in found]
    if (corpus := find_corpus(listing)) is not None:
        return [Recording(name=str(path / one.name), truth="", begin=one.begin, end=one.end) for one in corpus[0]]
    raise DataError(f"{path} holds no recordings; give files, or a table that names them")


def _whole(path: Path) -> Recording:
    return Recording(name=str(path), truth="")
