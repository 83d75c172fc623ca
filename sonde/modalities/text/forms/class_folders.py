"""Class folders of texts: one folder of .txt files per class, under train, validation and test folders or not."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError
from sonde.core.natural_order import natural
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing, split_folders
from sonde.data.splits import sizes_in_words
from sonde.data.targets import RawTarget, infer
from sonde.modalities.modality import Wanted
from sonde.modalities.text.dataset import TextPart, assemble_texts, texts_like
from sonde.modalities.text.files import read_text
from sonde.tasks.table import target_kind

ENDING = ".txt"
EACH_TICK = 500  # files


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder holds texts in class folders, None if it does not."""
    splits = split_folders(listing)
    classes = _classes(splits.get("train", listing))
    if len(classes) < 2:
        return None
    inside = f"folders {', '.join(folder.name for folder in splits.values())}, with " if "train" in splits else ""
    return f"{inside}{len(classes)} folders of {ENDING} files"


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Each file is a text, the name of its folder its class.

    Raises: DataError naming a file that is not UTF-8, and for a class that training or the model does not know
    """
    path, splits = listing.path, split_folders(listing)
    folders = splits if "train" in splits else {"train": listing}
    files = {split: _files(folder) for split, folder in folders.items()}
    parts = {split: _part(found, path, split, tick) for split, found in files.items()}
    everything = [file for found in files.values() for file in found]
    about = About.at(listing, form="class folders of texts", why=path.name, files=everything)
    if like is not None:
        return texts_like(parts, about, like)
    spec, fact = infer({split: part.target for split, part in parts.items()}, kind=target_kind(task), task=task)
    sizes = sizes_in_words({split: part.texts for split, part in parts.items()})
    size = Fact(f"{sizes} texts", f"{about.form}: {about.why}")
    known = set(spec.names) & set(parts["train"].target.values.tolist())
    if strange := set(spec.names) - known:
        raise DataError(
            f"{path}: train has no texts of {', '.join(sorted(strange)[:3])}, which another split has; add some"
        )
    return assemble_texts(parts, spec, replace(about, facts=[size, fact]), config, tick=tick)


def _classes(place: Listing) -> list[Listing]:
    """Folders with texts directly in them."""
    return [folder for folder in place.folders if folder.ending(ENDING)]


def _files(place: Listing) -> list[Path]:
    found = [file for folder in _classes(place) for file in folder.ending(ENDING)]
    if not found:
        raise DataError(f"{place.path} holds no class folders of {ENDING} files; add files or remove it")
    return sorted(found, key=lambda file: natural(file.as_posix()))


def _part(files: list[Path], root: Path, split: str, tick: Tick) -> TextPart:
    texts = []
    for number, file in enumerate(files):
        if number % EACH_TICK == 0:
            tick(f"reading {split} texts", number, len(files))
        texts.append(read_text(file).strip())
    classes = np.array([file.parent.name for file in files])
    names = [file.relative_to(root).as_posix() for file in files]
    return TextPart(texts=texts, names=names, target=RawTarget(values=classes, place=root.name))
