"""A folder of images without labels, for tasks that need none: all images below it, or below its train, validation and test."""

from dataclasses import replace
from pathlib import PurePosixPath

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing, split_folders
from sonde.data.splits import in_order
from sonde.data.targets import unlabelled, without_target
from sonde.data.unzipped import text_of
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image.forms import class_folders as folders
from sonde.modalities.image.rows import Files, assemble_images
from sonde.modalities.modality import Wanted
from sonde.modalities.table.modality import FILES as TABLES

NONE = TargetSpec(kind="none", names=("image",))
LOOKED_AT = 20  # lines of a list
TASKS = (  # that need no labels
    *("simclr", "masked-autoencoder", "diffusion", "flow-matching", "gan", "normalizing-flow"),
    *("autoencoder", "vae", "vq-vae", "anomaly"),
)


def _for_it(task: str | None) -> bool:
    return task in TASKS


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder holds images without labels; None where class folders give them, or there are no images."""
    if folders.has_labels(listing):
        return None
    if not _for_it(wanted.task) and wanted.like is None and (listing.is_file or listing.ending(*TABLES)):
        return None  # what is wrong with tables is said where they are read
    found = folders.images_below(listing, listing.path)
    return f"{len(found):,} images in no class folders" if found else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded as they are read, each with its number in the place of a target, which no task looks at.

    Raises: DataError for unreadable images
    """
    path = listing.path
    if like is None and not _for_it(task):
        images = folders.images_below(listing, path)
        number = len(images)
        if (told := _list_of(listing, images)) is not None:
            raise DataError(told)
        raise DataError(
            f"{path}: nothing says what its {number:,} images show; move them into a folder for each class, CLASS/NAME, or name "
            "them in a table of images and labels, train.csv; for masks, images/ and masks/ of PNG files with equal names; boxes "
            f"of another program can be exported as COCO or YOLO; without labels, --task {' or --task '.join(TASKS)}"
        )
    check_kind("image", str(path), like)
    below = split_folders(listing)
    places = in_order(below) if "train" in below else {"train": listing}
    names = {split: folders.images_below(place, path) for split, place in places.items()}
    encoded = {split: Files(path, tuple(found)) for split, found in names.items()}
    targets = {split: unlabelled(len(found)) for split, found in names.items()}
    files = [path / name for found in names.values() for name in found]
    about = About.at(listing, form="images without labels", why=path.name, files=files)
    raw = replace(like, target=replace(NONE, kind="labels")) if like is not None else None
    dataset = assemble_images(encoded, targets, about, config, every_header=True, tick=tick, like=raw)
    return without_target(dataset, NONE)


def _list_of(listing: Listing, images: list[str]) -> str | None:
    """What to do with a .txt that names the images, one a line, with a label behind each; None where there is none."""
    names = {PurePosixPath(name).name for name in images}
    for file in listing.ending(".txt"):
        lines = [line.split() for line in text_of(file).splitlines()[:LOOKED_AT] if line.strip()]
        if lines and all(len(line) > 1 and PurePosixPath(line[0]).name in names for line in lines):
            columns = ",".join(["file", "label", *(f"c{number}" for number in range(3, len(lines[0]) + 1))])
            return (
                f"{file} names images with labels, and has no header: (echo {columns}; tr -s ' \\t' ',' < {file}) > "
                f"{file.with_suffix('.csv')}"
            )
    return None
