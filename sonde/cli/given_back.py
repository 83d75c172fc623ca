"""What `sonde predict RUN … --what` writes besides tables: reconstructions and errors as pictures, numbers as an array."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sonde.core.errors import ConfigError

if TYPE_CHECKING:
    from sonde.run.run import Run

PICTURED = ("reconstruction", "anomaly")  # what is a picture of images
MAPS = ("reconstruction", "error")  # of a prediction
ARRAYS = ("latent", "reconstruction", "score")  # what an array holds, the first that a prediction has


def check_given_back(out: Path, trained: "Run", what: str, *, folder: bool) -> None:
    """Raises: ConfigError, before anything is computed, for a form that has no room for what is asked of an autoencoder"""
    from sonde.core.seams import abilities_of

    suffix, images = out.suffix.lower(), trained.schema.input.has_planes
    able = abilities_of(trained.task).reconstruction is not None
    if able and images and what not in PICTURED and (folder or suffix == ".png"):
        raise ConfigError(
            f"--out {out}: pictures are of --what reconstruction or --what anomaly; give one of them, or use .csv"
        )
    if suffix == ".npy" and not able:
        raise ConfigError(f"--out {out}: arrays are written of autoencoders' codes; use .csv or .json")
    if what == "reconstruction" and suffix == ".csv" and images:
        raise ConfigError(f"--out {out}: reconstructions of images are pictures; use .png, a folder/ or .npy")
    sounds = trained.schema.input.is_clip and able
    if sounds and what == "reconstruction" and suffix == ".csv":
        raise ConfigError(f"--out {out}: reconstructions of recordings are sound; use a folder/ or .npy")
    if sounds and what == "reconstruction" and folder:
        return
    if what in PICTURED and not images and (folder or suffix == ".png"):
        raise ConfigError(
            f"--out {out}: pictures are written of images, and this run has none; use .csv, .json or .npy"
        )


def has_pictures(found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether predictions hold reconstructions or errors as maps of pixels."""
    return any(isinstance(entry.get(name), np.ndarray) for entry in found[:1] for name in MAPS)


def write_given_back(out: Path, found: Sequence[Mapping[str, Any]], trained: "Run") -> None:
    """The reconstructions, or where the errors lie, bright where they are large: one picture, or a folder of files; of sound
    WAV files."""
    if trained.schema.input.is_clip:
        _write_sounds(out, found, trained)
        return
    from PIL import Image

    from sonde.modalities.image.made import columns_for, sheet

    name = next(name for name in MAPS if name in found[0])
    images = np.stack([entry[name] for entry in found])
    if images.dtype != np.uint8:
        images = (255 * images / max(float(images.max()), 1e-12)).round().astype(np.uint8)
    images = images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images
    if out.suffix:
        sheet(images, columns_for(len(images), 0)).save(out)
        return
    out.mkdir(parents=True, exist_ok=True)
    for number, (image, entry) in enumerate(zip(images, found, strict=True)):
        shown = image[..., :3] if image.ndim == 3 else image
        Image.fromarray(shown).save(out / f"{number:05d}-{_safe(Path(str(entry['input'])).stem)}.png")


def _write_sounds(out: Path, found: Sequence[Mapping[str, Any]], trained: "Run") -> None:
    import torch

    from sonde.run.sampling import made_of

    made, schema = made_of(trained.schema), trained.schema
    assert made is not None
    waves = torch.from_numpy(np.stack([entry["reconstruction"] for entry in found]))
    made.write(out, made.plain(waves, schema), [Path(str(entry["input"])).stem for entry in found], schema)


def write_arrays(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """A .npy file with a row for each input: codes (N, L), reconstructions (N, …) or scores (N,).

    Raises: ConfigError for predictions that are none of these, or not numbers
    """
    name = next((name for name in ARRAYS if found and name in found[0]), None)
    if name is None:
        raise ConfigError(f"--out {path}: these predictions are no codes or scores; use .csv or .json")
    rows = [list(each.values()) if isinstance(each := entry[name], Mapping) else each for entry in found]
    try:
        array = np.asarray(rows)
        array = array.astype(np.float32) if array.dtype != np.uint8 and array.dtype.kind != "i" else array
    except ValueError:
        raise ConfigError(f"--out {path}: some columns hold words, for which arrays have no room; use .csv") from None
    np.save(path, array)


def _safe(name: str) -> str:
    return "".join(each if each.isalnum() or each in "-_" else "_" for each in name)[:40]
