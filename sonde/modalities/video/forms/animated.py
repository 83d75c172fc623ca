"""Folders of animated pictures (GIF, PNG, WebP), each a clip; folders in them are its class, or its split."""

from pathlib import PurePosixPath

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing, split_folders
from sonde.data.splits import in_order
from sonde.data.targets import RawTarget, raw_target
from sonde.modalities.image.config import ImageConfig
from sonde.modalities.modality import Wanted
from sonde.modalities.video.axes import takes_clips
from sonde.modalities.video.config import VideoConfig
from sonde.modalities.video.dataset import assemble_clips
from sonde.modalities.video.modality import FILES

LOOKED_AT = 8  # files, to see whether a folder holds animated pictures


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder holds clips; None where its pictures stand still, or nobody wants clips of them."""
    asked = wanted.config.of(VideoConfig).clips
    of_clips = takes_clips(wanted.task) if wanted.like is None else wanted.like.input.has_frames
    if asked == "no" or not (of_clips or asked == "yes") or listing.is_file:
        return None
    found = _files(listing, listing)
    if asked == "yes" or wanted.like is not None:
        return f"{len(found):,} files" if found else None
    from sonde.modalities.video.files import read_header

    chosen = found[:: max(1, len(found) // LOOKED_AT)]
    moving = bool(chosen) and all(read_header(listing.path / name).frames > 1 for name in chosen)
    return f"{len(found):,} animated pictures" if moving else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Clips decoded as they are read, each the first frames of its file.

    Raises: DataError for unreadable files, and for clips that are too short
    """
    from sonde.modalities.video.files import ClipFiles

    path, below = listing.path, split_folders(listing)
    places = in_order(below) if "train" in below else {"train": listing}
    names = {split: _files(place, listing) for split, place in places.items()}
    for split, found in names.items():
        if not found:
            raise DataError(f"{path}: the {split} folder holds no clips; add some or remove it")
    if like is not None:
        frames, channels, height, width = like.input.shape
        shape, sized = (
            (frames, channels, height, width),
            Fact("read as the model's clips", "frames, size and colours of the model"),
        )
    else:
        shape, sized = _shape(listing, names["train"], config, tick)
    files = [path / name for found in names.values() for name in found]
    asked = config.of(VideoConfig).clips == "yes"
    said = "--clips yes" if asked else "they are animated; --clips no reads the first frame of each as an image"
    facts = [Fact("read as clips", said), sized]
    about = About.at(listing, form="animated pictures", why=path.name, files=files, facts=facts)
    inputs = {split: ClipFiles(path, tuple(found), shape) for split, found in names.items()}
    targets = _classes({split: (names[split], place) for split, place in places.items()}, listing)
    return assemble_clips(inputs, targets, about, config, shape=shape, task=task, like=like)


def _files(place: Listing, root: Listing) -> list[str]:
    """Names relative to the root of the pictures below a place that may be animated, in natural order."""
    before = place.path.relative_to(root.path).as_posix()
    return [name if before == "." else f"{before}/{name}" for name in place.below_ending(frozenset(FILES))]


def _shape(
    listing: Listing, names: list[str], config: DataConfig, tick: Tick
) -> tuple[tuple[int, int, int, int], Fact]:
    """((frames, channels, height, width), why). Raises: DataError for a picture that stands still"""
    from sonde.modalities.image.files import stored_size
    from sonde.modalities.video.files import read_header

    headers = []
    for number, name in enumerate(names):
        tick("reading clips", number, len(names))
        headers.append(read_header(listing.path / name))
    shortest = min(range(len(names)), key=lambda row: headers[row].frames)
    most, longest = headers[shortest].frames, max(header.frames for header in headers)
    frames = config.of(VideoConfig).clip_frames or most
    if most < 2 or frames > most:
        asked = "" if most < 2 else f", and --clip-frames asks for {frames}"
        counted = "1 frame" if most < 2 else f"{most} frames"
        raise DataError(f"{listing.path / names[shortest]} has {counted}{asked}; remove it, or give --clips no")
    height, width, why = stored_size([(one.height, one.width) for one in headers], config.of(ImageConfig).image_size)
    told = f"; the longest has {longest}, --clip-frames reads fewer" if longest > frames else ""
    fact = Fact(f"{frames} frames of {height}x{width}", f"{why}{told}")
    return (frames, max(one.channels for one in headers), height, width), fact


def _classes(places: dict[str, tuple[list[str], Listing]], root: Listing) -> dict[str, RawTarget | None]:
    """The folder of each clip within its split as its class; None where there are not two or more."""
    found: dict[str, list[str]] = {}
    for split, (names, place) in places.items():
        depth = len(place.path.relative_to(root.path).parts)
        parts = [PurePosixPath(name).parts[depth:] for name in names]
        found[split] = [part[0] if len(part) > 1 else "" for part in parts]
    every = {name for classes in found.values() for name in classes}
    if len(every) < 2 or "" in every:
        return dict.fromkeys(found)
    return {split: raw_target(np.array(classes, dtype=str), "the folders") for split, classes in found.items()}
