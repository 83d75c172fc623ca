"""What the reader that each format has of its own says of a file: what it refuses, no one may take in silence."""

import bz2
import codecs
import csv
import gzip
import io
import json
import re
import tarfile
import warnings
import wave
import xml.etree.ElementTree
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import soundfile
import yaml
from PIL import Image

UNREAD = {"meta.json": "Supervisely's classes and colours: each annotation names its class itself"}
"""Files of the examples that are not read, and why not."""


WHITE = re.compile(r"[ \t\r\n]*")


def refusal(file: Path) -> str:
    """Why the format's own reader does not take a file; "" where it does, or there is none for the ending."""
    if file.name in UNREAD:
        return ""
    check = next(
        (READERS[ending] for ending in sorted(READERS, key=len, reverse=True) if file.name.endswith(ending)), None
    )
    if check is None:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(file.read_bytes())
    except RecursionError:
        return "RecursionError"
    except Exception as error:  # what other packages' readers raise is of any kind
        return f"{type(error).__name__}: {error}"[:200]
    return ""


def _json(content: bytes) -> None:
    json.loads(content)


def _decoded(content: bytes) -> str:
    """As UTF-8, or UTF-16 that says so. Raises: UnicodeError"""
    return content.decode("utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


def _json_lines(content: bytes) -> None:
    """Values one after another, as pyarrow takes them too: lines that were joined are as many rows as before."""
    text, decoder, at = _decoded(content), json.JSONDecoder(), 0
    while (begin := WHITE.match(text, at)) is not None and begin.end() < len(text):
        _, at = decoder.raw_decode(text, begin.end())


def _table(separator: str) -> Callable[[bytes], None]:
    def read(content: bytes) -> None:
        rows = list(csv.reader(io.StringIO(_decoded(content), newline=""), delimiter=separator, strict=True))
        if len({len(row) for row in rows if row}) > 1:
            raise ValueError("rows of different lengths")

    return read


def _text(content: bytes) -> None:
    _decoded(content)


def _arrays(content: bytes) -> None:
    found = np.load(io.BytesIO(content), allow_pickle=False)
    if not isinstance(found, np.ndarray):
        for name in found.files:
            found[name]


def _image(content: bytes) -> None:
    """`load` confirms the checksum of the pixels themselves; of PNG `verify` counts those of all pieces besides, behind the
    pixels too, which no program that shows images minds.
    """
    with Image.open(io.BytesIO(content)) as image:
        for page in range(getattr(image, "n_frames", 1)):
            image.seek(page)
            image.load()


def _sound(content: bytes) -> None:
    soundfile.read(io.BytesIO(content))
    with wave.open(io.BytesIO(content)) as file:
        file.readframes(file.getnframes())


def _zip(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if bad := archive.testzip():
            raise zipfile.BadZipFile(bad)


def _tar(content: bytes) -> None:
    gzip.decompress(content)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            if (opened := archive.extractfile(member)) is not None:
                opened.read()


def _parquet(content: bytes) -> None:
    pyarrow.parquet.read_table(io.BytesIO(content))


def _xml(content: bytes) -> None:
    xml.etree.ElementTree.fromstring(content)


def _weights(content: bytes) -> None:
    import safetensors.numpy

    safetensors.numpy.load(content)


READERS: dict[str, Callable[[bytes], object]] = {
    ".json": _json, ".jsonl": _json_lines, ".csv": _table(","), ".tsv": _table("\t"), ".txt": _text,
    ".npy": _arrays, ".npz": _arrays, ".wav": _sound, ".zip": _zip, ".xlsx": _zip, ".tar.gz": _tar, ".gz": gzip.decompress,
    ".bz2": bz2.decompress, ".parquet": _parquet, ".xml": _xml, ".tmx": _xml, ".yaml": yaml.safe_load,
    ".safetensors": _weights,
    **dict.fromkeys((".png", ".jpg", ".gif", ".bmp", ".tif", ".ppm", ".webp"), _image),
}  # fmt: skip
