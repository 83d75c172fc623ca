"""A folder of images: each input with its predictions drawn on it, at its own size and under its own name."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.errors import ConfigError, DataError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})  # endings that a picture keeps; others become .png
QUALITY = 92  # of JPEGs: fine lines stay sharp

Draw = Callable[[np.ndarray, Mapping[str, Any]], np.ndarray]
"""`sonde.core.seams.Abilities.draw`."""


def is_folder(out: str) -> bool:
    """Whether a path means a folder: one that is there, or without an ending, or with a slash at its end.

    >>> is_folder("found/"), is_folder("found"), is_folder("found.csv")
    (True, True, False)
    """
    return out.endswith(("/", "\\")) or Path(out).is_dir() or not Path(out).suffix


def check_folder(out: Path) -> None:
    """Raises: ConfigError, before anything is computed, where no folder can be made."""
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; name a folder, or a file that ends in .csv, .json or .png")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")


def write_pictures(folder: Path, found: Sequence[Mapping[str, Any]], draw: Draw) -> int:
    """Draw each prediction (a dict with "input", and what is drawn) on its picture; returns how many were written.

    Raises: DataError for an input that is no picture file, or would be written over; OSError
    """
    from PIL import Image

    folder.mkdir(exist_ok=True)
    taken: set[str] = set()
    for entry in found:
        source = Path(str(entry["input"]))
        picture = draw(_pixels(source), entry)
        target = folder / _free_name(source, taken)
        if target.exists() and source.exists() and target.samefile(source):
            raise DataError(
                f"--out {folder} contains {source.name} itself, which would be overwritten; name another folder"
            )
        image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
        image.save(target, quality=QUALITY) if target.suffix.lower() != ".png" else image.save(target)
    return len(found)


def _pixels(path: Path) -> np.ndarray:
    """(C, H, W) uint8, upright. Raises: DataError naming what is no picture."""
    from sonde.modalities.image.files import decode, pixels

    if not path.is_file():
        raise DataError(f"{path} is not a file, so predictions cannot be drawn on it; use .csv or .json")
    image = decode(path, str(path))
    return pixels(image, (1 if image.mode == "L" else 3, image.height, image.width))


def _free_name(source: Path, taken: set[str]) -> str:
    """The input's own name, numbered where an earlier input had it too."""
    suffix = source.suffix if source.suffix.lower() in PICTURE_SUFFIXES else ".png"
    name, number = source.stem + suffix, 2
    while name in taken:
        name, number = f"{source.stem}-{number}{suffix}", number + 1
    taken.add(name)
    return name
