"""Images beside masks: one mask an image, matched by name; or a folder an image with one mask an object.

images/a.png   masks/a.png                           with lists train.txt, val.txt, test.txt of names, or neither
images/train/a.png   masks/train/a.png               a folder a split, below or above
train/images/a.png   train/masks/a.png
JPEGImages/a.jpg   SegmentationClass/a.png           with lists in ImageSets/Segmentation
stage1_train/ID/images/a.png   stage1_train/ID/masks/*.png
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sonde.core.config import DataConfig
from sonde.core.dataset import BACKGROUND, Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing, split_folders
from sonde.data.splits import ORDER, evenly_spaced, in_order
from sonde.data.unzipped import text_of
from sonde.modalities.catalogue import check_kind, check_target
from sonde.modalities.image.annotations.annotated import split_lists
from sonde.modalities.image.files import SUFFIXES
from sonde.modalities.image.forms.class_folders import by_lists, images_below
from sonde.modalities.image.mask_files import MaskFiles, Masks, ObjectFiles, infer_coding
from sonde.modalities.image.masked import Masked, assemble_masks
from sonde.modalities.image.modality import IMAGE_FOLDERS
from sonde.modalities.image.rows import Files
from sonde.modalities.modality import Wanted

MASK_FOLDERS = ("masks", "segmentationclass", "labels", "annotations", "mask", "segmentations")
CASES = "stage1_train"  # the folder of the Data Science Bowl whose folders hold an image and its objects
NAMES = ("classes.txt", "codes.txt", "labels.txt", "names.txt")  # of classes, one a line
MARKS = ("_mask", "-mask", "_segmentation", "_label", "_gt")  # that a mask's name may have behind the image's
FOREGROUND = "foreground"
LOOKED_AT = 5000  # masks that classes are inferred from


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An image and its mask's files (several where each shows one object), relative to the source."""

    image: str
    masks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Matched:
    """All images with masks in one place.

    why: how splits are known;  by_object: each mask shows one object
    """

    pairs: Mapping[str, Sequence[Pair]]
    why: str
    warnings: Sequence[str] = ()
    by_object: bool = False


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder holds images with masks, None if it does not."""
    if folders := _sides(listing):
        return f"{folders[0].name}/ beside {folders[1].name}/"
    splits = split_folders(listing)
    if "train" in splits and (folders := _sides(splits["train"])):
        return f"{folders[0].name}/ beside {folders[1].name}/ in {', '.join(folder.name for folder in splits.values())}"
    cases = _cases(listing)
    return f"{len(cases)} folders of an image and its objects' masks" if cases else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images and masks, decoded as they are read.

    Raises: DataError for a missing mask, a mask that does not fit its image, and classes that are not known
    """
    path = listing.path
    check_kind("image", str(path), like)
    check_target("mask", f"{path} holds masks", like)
    found = _found(listing, skip=config.skip_unreadable)
    tick("reading masks", 0, 0)
    known = list(like.target.names) if like is not None else None
    masks: dict[str, Masks]
    if found.by_object:
        names, with_objects = known or [BACKGROUND, FOREGROUND], True
        masks = {split: ObjectFiles(path, tuple(pair.masks for pair in pairs)) for split, pairs in found.pairs.items()}
    else:
        names, masks, with_objects = _files(path, found, known, skip=config.skip_unreadable)
    everything = [path / name for pairs in found.pairs.values() for pair in pairs for name in (pair.image, *pair.masks)]
    tick("hashing files", 0, 0)
    about = About.at(listing, form="images with masks", why=found.why, files=everything, warnings=found.warnings)
    splits = {
        split: Masked(images=Files(path, tuple(pair.image for pair in pairs)), masks=masks[split])
        for split, pairs in found.pairs.items()
    }
    return assemble_masks(splits, names, about, config, with_objects=with_objects, tick=tick, like=like)


def pictures(listing: Listing) -> list[Path]:
    """The images of a folder of this form, without its masks: those of the test split, else of the last there is."""
    pairs = _found(listing, skip=True).pairs
    split = next(name for name in reversed(ORDER) if name in pairs)
    return [listing.path / pair.image for pair in pairs[split]]


def _files(
    path: Path, found: Matched, known: list[str] | None, *, skip: bool
) -> tuple[list[str], dict[str, Masks], bool]:
    """Where an image has one mask: names of the classes, masks of each split, and whether objects are known one by one.

    Raises: DataError for masks of several kinds, or that show nothing
    """
    files = [path / pair.masks[0] for pairs in found.pairs.values() for pair in pairs]
    coding, classes = infer_coding([files[place] for place in evenly_spaced(len(files), LOOKED_AT)], skip=skip)
    if classes < 2 and known is None:
        raise DataError(
            f"none of the {len(files):,} masks shows anything but class 0, such as {files[0]}; check the masks"
        )
    names = known or _class_names(path, classes)
    masks: dict[str, Masks] = {
        split: MaskFiles(path, tuple(pair.masks[0] for pair in pairs), coding, len(names))
        for split, pairs in found.pairs.items()
    }
    return names, masks, coding == "objects"


def _sides(listing: Listing) -> tuple[Listing, Listing] | None:
    """The folder of images and the folder of masks, which must hold images too: annotations may be text."""
    images = listing.folder(*IMAGE_FOLDERS)
    if images is None:
        return None
    found = (folder for name in MASK_FOLDERS if (folder := listing.folder(name)) is not None)
    masks = next((folder for folder in found if not folder.endings.isdisjoint(SUFFIXES)), None)
    return None if masks is None else (images, masks)


def _cases(listing: Listing) -> list[Listing]:
    """Folders below of one image and its objects' masks, where it is a folder of such."""
    root = listing.folder(CASES) or listing
    cases = [folder for folder in root.folders if folder.folder("images") and folder.folder("masks")]
    return [] if any(folder in split_folders(root).values() for folder in cases) else cases


def _found(listing: Listing, *, skip: bool) -> Matched:
    """Raises: DataError for images without a mask, unless such are to be left out."""
    path = listing.path
    if sides := _sides(listing):
        return _beside(listing, *sides, skip=skip)
    splits = split_folders(listing)
    inside = {split: sides for split, folder in splits.items() if (sides := _sides(folder))}
    if "train" in inside:
        return _split(path, in_order(inside), "a folder per split", skip=skip)
    cases = [pair for folder in _cases(listing) if (pair := _case(path, folder, skip=skip))]
    if not cases:
        raise DataError(f"{path} has no image with a mask; add some")
    by_image = {pair.image: pair for pair in cases}
    chosen, left = by_lists(_lists(listing), list(by_image))
    pairs = {split: [by_image[name] for name in names] for split, names in chosen.items()}
    why = f"{len(cases):,} folders of an image and its objects"
    return Matched(pairs=pairs, why=why, warnings=left, by_object=True)


def _beside(listing: Listing, images: Listing, masks: Listing, *, skip: bool) -> Matched:
    path = listing.path
    ours, theirs = split_folders(images), split_folders(masks)
    if "train" in ours and "train" in theirs:
        sides = {split: (folder, theirs[split]) for split, folder in in_order(ours).items() if split in theirs}
        return _split(path, sides, f"a folder per split in {images.name}/ and {masks.name}/", skip=skip)
    lists = _lists(listing)
    chosen, warnings = by_lists(lists, images_below(images, path))  # images that no list names need no mask
    pairs = {
        split: _paired(path, images, masks, skip=skip, warnings=warnings, only=names) for split, names in chosen.items()
    }
    listed = " and lists of names" * bool(lists)
    return Matched(pairs=pairs, why=f"{images.name}/, {masks.name}/{listed}", warnings=warnings)


def _split(path: Path, sides: Mapping[str, tuple[Listing, Listing]], why: str, *, skip: bool) -> Matched:
    """A folder of images and one of masks for each split."""
    warnings: list[str] = []
    pairs = {
        split: _paired(path, *folders, skip=skip, warnings=warnings, only=images_below(folders[0], path))
        for split, folders in sides.items()
    }
    return Matched(pairs=pairs, why=why, warnings=warnings)


def _paired(
    path: Path, images: Listing, masks: Listing, *, skip: bool, warnings: list[str], only: Sequence[str]
) -> list[Pair]:
    """Each image of `only` with the mask of its name; with `skip`, those without one are counted among the warnings.

    Raises: DataError
    """
    by_key: dict[str, str] = {}
    for name in images_below(masks, path):
        key = str(PurePosixPath(name).relative_to(masks.path.relative_to(path).as_posix()).with_suffix(""))
        by_key.setdefault(next((key.removesuffix(mark) for mark in MARKS if key.endswith(mark)), key), name)
    pairs, bare = [], []
    for name in only:
        key = str(PurePosixPath(name).relative_to(images.path.relative_to(path).as_posix()).with_suffix(""))
        mask = by_key.get(key)
        if mask is not None:
            pairs.append(Pair(image=name, masks=(mask,)))
        elif skip:
            bare.append(name)
        else:
            raise DataError(
                f"{name} has no mask {masks.path.relative_to(path).as_posix()}/{key}.*; add it or remove the image; training "
                "skips such images with --skip-unreadable"
            )
    if bare:
        warnings.append(f"{len(bare):,} images without a mask skipped, such as {bare[0]}")
    if not pairs:
        raise DataError(
            f"{path}: {images.name}/ and {masks.name}/ have no name in common; give masks their images' names"
        )
    return pairs


def _case(path: Path, folder: Listing, *, skip: bool) -> Pair | None:
    """A folder's image and its objects. Raises: DataError where there is not one image, or no mask."""
    images, masks = (images_below(inside, path) for name in ("images", "masks") if (inside := folder.folder(name)))
    if len(images) == 1 and masks:
        return Pair(image=images[0], masks=tuple(masks))
    if skip:
        return None
    raise DataError(
        f"{folder.path} holds {len(images)} images and {len(masks)} masks; it needs one image and a mask an object"
    )


def _lists(listing: Listing) -> dict[str, Path]:
    """Split -> text file naming its images, here or where Pascal VOC has them."""
    sets = listing.folder("imagesets")
    return split_lists(listing) or split_lists(sets.folder("segmentation") if sets else None)


def _class_names(path: Path, classes: int) -> list[str]:
    """From a file of names, else background and numbers. Raises: DataError for fewer names than classes."""
    file = next((path / name for name in NAMES if (path / name).is_file()), None)
    if file is None:
        return [BACKGROUND, FOREGROUND] if classes == 2 else [BACKGROUND, *map(str, range(1, classes))]
    names = [line.strip() for line in text_of(file).splitlines() if line.strip()]
    if len(names) < classes:
        raise DataError(
            f"{file} names {len(names)} classes, and the masks hold class {classes - 1}; name them all, one a line"
        )
    return names
