"""Images whose classes an annotation program exported: choices of Label Studio, labels.json of FiftyOne."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError
from sonde.core.natural_order import in_natural_order
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import in_order
from sonde.data.targets import RawTarget
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image.annotations import fiftyone, label_studio
from sonde.modalities.image.annotations.locate import Locator
from sonde.modalities.image.modality import FILES
from sonde.modalities.image.rows import Files, assemble_images
from sonde.modalities.modality import Wanted

LISTED = 4


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """An image and its classes. folder: what its name is relative to;  place: what errors call the entry"""

    split: str
    file: Path
    folder: Path
    image: str
    labels: Sequence[str]
    place: str


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a place holds such an export, None if it does not."""
    found = _found(listing)
    return f"classes of images in {', '.join(dict.fromkeys(one.file.name for one in found))}" if found else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded as they are read, with one class each, or several where any has several.

    Raises: DataError for an image that is not there
    """
    check_kind("image", str(listing.path), like)
    found = _found(listing)
    root = listing.path if listing.is_dir else listing.path.parent
    locator, gone = Locator(root), []
    members: dict[str, list[tuple[str, Sequence[str]]]] = {}
    for one in found:
        image = locator.find(one.folder, one.image)
        if image.is_file():
            members.setdefault(one.split, []).append((image.relative_to(root).as_posix(), one.labels))
        elif config.skip_unreadable:
            gone.append(one.place)
        else:
            raise DataError(
                f"{one.place}: {one.image!r} names no image below {root}; add it or remove the entry; training skips such with "
                "--skip-unreadable"
            )
    if "train" not in members:
        raise DataError(f"{listing.path}: no training image of {found[0].file.name} is below {root}; add the images")
    several = like.target.kind == "labels" if like is not None else any(len(one.labels) > 1 for one in found)
    names = in_natural_order({label for one in found for label in one.labels})
    names = list(like.target.names) if like is not None and several else names
    used = {name for part in members.values() for name, _ in part}
    left = [name for name in Listing(root).below_ending(FILES) if name not in used]
    warnings = [f"{len(gone):,} images do not exist: {', '.join(gone[:LISTED])}"] if gone else []
    warnings += [f"{len(left):,} images have no label and are not used, such as {left[0]}"] if left else []
    files = list(dict.fromkeys(one.file for one in found))
    fact = Fact(f"{len(names)} labels, several an image", f"as in {files[0].name}")
    about = About.at(
        listing,
        form="exported labels",
        why=", ".join(file.name for file in files),
        files=[*files, *(root / name for part in members.values() for name, _ in part)],
        root=root,
        facts=[fact] if several else [],
        outputs=tuple(names) if several else (),
        warnings=warnings,
    )
    parts = in_order(members)
    targets = {
        split: RawTarget(values=_values([labels for _, labels in part], names, several), place=files[0].name)
        for split, part in parts.items()
    }
    encoded = {split: Files(root, tuple(name for name, _ in part)) for split, part in parts.items()}
    return assemble_images(encoded, targets, about, config, every_header=True, task=task, tick=tick, like=like)


def _values(labels: Sequence[Sequence[str]], names: Sequence[str], several: bool) -> np.ndarray:
    """(n,) names, or (n, names) of 0 and 1."""
    if not several:
        return np.array([one[0] for one in labels])
    return np.array([[float(name in one) for name in names] for one in labels])


def _found(listing: Listing) -> list[Labelled]:
    found = [
        Labelled(
            split=split, file=file, folder=file.parent, image=task.image, labels=task.choices or (), place=task.place
        )
        for split, file, task in label_studio.labels_in(listing)
    ]
    found += [
        Labelled(
            split=split,
            file=file,
            folder=file.parent / "data",
            image=image,
            labels=labels,
            place=f"{file.name} {image}",
        )
        for split, file, image, labels in fiftyone.labels_in(listing)
        if labels
    ]
    return found
