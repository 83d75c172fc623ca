"""Images beside masks: one mask an image, matched by name; or a folder an image with one mask an object.

images/a.png   masks/a.png                           with lists train.txt, val.txt, test.txt of names, or neither
images/train/a.png   masks/train/a.png               a folder a split, below or above
train/images/a.png   train/masks/a.png
JPEGImages/a.jpg   SegmentationClass/a.png           with lists in ImageSets/Segmentation
stage1_train/ID/images/a.png   stage1_train/ID/masks/*.png
train/a.png   train_masks/a_mask.png                 CamVid, Carvana
leftImg8bit/train/x/a_leftImg8bit.png   gtFine/train/x/a_gtFine_labelIds.png
a.png   a_mask.png                                   in one folder
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from sonde.core.config import DataConfig
from sonde.core.dataset import BACKGROUND, Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing, split_folders
from sonde.data.splits import ORDER, evenly_spaced, in_order
from sonde.modalities.catalogue import check_kind, check_target
from sonde.modalities.image.annotations.annotated import split_lists
from sonde.modalities.image.files import SUFFIXES
from sonde.modalities.image.folder_roles import TRUTH, masks_among, words
from sonde.modalities.image.forms.class_folders import by_lists, images_below
from sonde.modalities.image.mask_coding import FOREGROUND, Coding, infer_coding, known_coding
from sonde.modalities.image.mask_files import MaskFiles, Masks, ObjectFiles
from sonde.modalities.image.mask_names import CITYSCAPES, class_names, colour_names, says_nothing
from sonde.modalities.image.masked import Masked, assemble_masks
from sonde.modalities.image.modality import IMAGE_FOLDERS
from sonde.modalities.image.rows import Files
from sonde.modalities.modality import Wanted

MASK_FOLDERS = (
    "1st_manual",
    "masks",
    "segmentationclass",
    "labels",
    "annotations",
    "gtfine",
    "label",
    "mask",
    "segmentations",
)
MASK_FOLDERS += ("gt", "groundtruth", "ground_truth", "ground-truth", "annots", "gts")
CASES = "stage1_train"  # the folder of the Data Science Bowl whose folders hold an image and its objects
MARKS = ("_mask", "-mask", "_segmentation", "_label", "_gt")  # that a mask's name may have behind the image's
PREFERRED = ("labelTrainIds", "labelIds")
ROLE_PART = re.compile(
    r"masks?|labels?|gt|gtFine|gtCoarse|labelIds|labelTrainIds|leftImg8bit|manual\d?|training|test|images?|img|seg(mentation)?"
    r"|ann?otations?|groundtruth|sat",
    re.IGNORECASE,
)  # of a name, that says what a picture is and not which
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
    if folders := _beside_splits(listing):
        return f"{folders['train'][0].name}/ beside {folders['train'][1].name}/"
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
    found = _with_truth(path, _found(listing, skip=config.skip_unreadable))
    tick("reading masks", 0, 0)
    known = list(like.target.names) if like is not None else None
    masks: dict[str, Masks]
    notes: list[str] = []
    if found.by_object:
        names, with_objects = known or [BACKGROUND, FOREGROUND], True
        masks = {split: ObjectFiles(path, tuple(pair.masks for pair in pairs)) for split, pairs in found.pairs.items()}
    else:
        names, masks, with_objects, notes = _files(path, found, known, skip=config.skip_unreadable)
    everything = [path / name for pairs in found.pairs.values() for pair in pairs for name in (pair.image, *pair.masks)]
    tick("hashing files", 0, 0)
    about = About.at(
        listing, form="images with masks", why=found.why, files=everything, warnings=[*found.warnings, *notes]
    )
    splits = {
        split: Masked(images=Files(path, tuple(pair.image for pair in pairs)), masks=masks[split])
        for split, pairs in found.pairs.items()
    }
    return assemble_masks(splits, names, about, config, with_objects=with_objects, tick=tick, like=like)


def _with_truth(path: Path, found: Matched) -> Matched:
    """Without a test split whose masks say nothing."""
    test = [path / pair.masks[0] for pair in found.pairs.get("test", ())]
    if not test or found.by_object or not says_nothing(test):
        return found
    note = "the masks of the test split show no class, so it cannot be evaluated on and is set aside"
    pairs = {split: members for split, members in found.pairs.items() if split != "test"}
    return replace(found, pairs=pairs, warnings=[*found.warnings, note])


def pictures(listing: Listing) -> list[Path]:
    """The images of a folder of this form, without its masks: those of the test split, else of the last there is."""
    pairs = _found(listing, skip=True).pairs
    split = next(name for name in reversed(ORDER) if name in pairs)
    return [listing.path / pair.image for pair in pairs[split]]


def _files(
    path: Path, found: Matched, known: list[str] | None, *, skip: bool
) -> tuple[list[str], dict[str, Masks], bool, list[str]]:
    """Where an image has one mask: names of the classes, masks of each split, whether objects are known one by one, warnings.

    Raises: DataError for masks of several kinds, or that show nothing
    """
    files = [path / name for pairs in found.pairs.values() for pair in pairs for name in pair.masks]
    seen = [files[place] for place in evenly_spaced(len(files), LOOKED_AT)]
    (listed, origin), colours = class_names(path), colour_names(path)
    if not listed and files[0].stem.endswith("labelIds"):
        listed, origin = list(CITYSCAPES), str(files[0])
    coding = known_coding(known) if known else None
    coding = coding or infer_coding(seen, skip=skip, colours=colours, numbered=bool(listed))
    if coding.classes < 2 and known is None:
        raise DataError(
            f"none of the {len(files):,} masks shows anything but class 0, such as {files[0]}; check the masks"
        )
    if known and coding.names:
        coding = _in_order(coding, known, path)
    names = known or _names(coding, listed or list(colours), origin or str(path))
    masks: dict[str, Masks] = {
        split: MaskFiles(path, tuple(pair.masks for pair in pairs), coding, len(names))
        for split, pairs in found.pairs.items()
    }
    warnings = list(coding.notes) if known is None else []
    return names, masks, coding.kind == "objects", warnings


def _in_order(coding: Coding, known: Sequence[str], path: Path) -> Coding:
    """A coding whose classes are those of a trained model, in its order. Raises: DataError for a class that it does not know"""
    strange = next((name for name in coding.names if name not in known), None)
    if strange is not None:
        raise DataError(
            f"{path}: masks show {strange}, a class the model was not trained on; there are {', '.join(known)}"
        )
    table = dict(zip(coding.names, coding.table, strict=True))
    return replace(coding, classes=len(known), names=tuple(known), table=tuple(table.get(name, -1) for name in known))


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
        truth = inside["train"][1].name.lower()
        used = {split: sides for split, sides in inside.items() if sides[1].name.lower() == truth}
        aside = [splits[split] for split in splits if split not in used]
        return _split(path, in_order(used), "a folder per split", skip=skip, aside=aside)
    if beside := _beside_splits(listing):
        aside = [folder for split, folder in splits.items() if split not in beside]
        return _split(path, in_order(beside), "a folder of masks beside each split", skip=skip, aside=aside)
    cases = [pair for folder in _cases(listing) if (pair := _case(path, folder, skip=skip))]
    if not cases and (found := masks_among(images_below(listing, path))):
        return _in_one_folder(listing, found)
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
        aside = [folder for split, folder in ours.items() if split not in theirs]
        return _split(path, sides, f"a folder per split in {images.name}/ and {masks.name}/", skip=skip, aside=aside)
    lists = _lists(listing)
    chosen, warnings = by_lists(lists, images_below(images, path))  # images that no list names need no mask
    pairs = {
        split: _paired(path, images, masks, skip=skip, warnings=warnings, only=names) for split, names in chosen.items()
    }
    listed = " and lists of names" * bool(lists)
    return Matched(pairs=pairs, why=f"{images.name}/, {masks.name}/{listed}", warnings=warnings)


def _beside_splits(listing: Listing) -> dict[str, tuple[Listing, Listing]]:
    """Split -> its images and the folder of its masks, named for both: train, train_labels; {} without one for train."""
    found = {}
    for split, images in split_folders(listing).items():
        for folder in listing.folders:
            said = words(folder.name.removeprefix(images.name))
            named = folder.name.startswith(images.name) and said and set(said) <= TRUTH | {"annot"}
            if named and images.ending(*SUFFIXES) and not folder.endings.isdisjoint(SUFFIXES):
                found[split] = images, folder
    return found if "train" in found else {}


def _in_one_folder(listing: Listing, masks: Mapping[str, str]) -> Matched:
    """Images with NAME_mask beside them; images without one are counted."""
    names = images_below(listing, listing.path)
    by_image: dict[str, list[str]] = {}
    for mask, image in masks.items():
        by_image.setdefault(image, []).append(mask)
    bare = [name for name in names if name not in masks and name not in by_image]
    warnings = [f"{len(bare):,} images have no mask beside them and are not used, such as {bare[0]}"] if bare else []
    pairs = [Pair(image=image, masks=tuple(found)) for image, found in by_image.items()]
    return Matched(pairs={"train": pairs}, why="masks beside their images", warnings=warnings)


def _split(
    path: Path,
    sides: Mapping[str, tuple[Listing, Listing]],
    why: str,
    *,
    skip: bool,
    aside: Sequence[Listing] = (),
) -> Matched:
    """A folder of images and one of masks for each split. aside: folders of splits without masks"""
    warnings = [
        f"{folder.name}/ is set aside: its {len(folder.below_ending(SUFFIXES)):,} images have no masks, so it cannot be "
        "evaluated on; predict on it after training"
        for folder in aside
    ]
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
    by_core: dict[str, str] = {}
    for name in sorted(by_key.values(), key=_rank, reverse=True):  # the likeliest last, which stands
        by_core[_core(str(PurePosixPath(name).relative_to(masks.path.relative_to(path).as_posix())))] = name
    pairs, bare = [], []
    for name in only:
        key = str(PurePosixPath(name).relative_to(images.path.relative_to(path).as_posix()).with_suffix(""))
        mask = by_key.get(key) or by_core.get(_core(key + PurePosixPath(name).suffix))
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


def _core(name: str) -> str:
    """A path without its ending and without what only says what a picture is: "21" of 21_training.tif and of 21_manual1.gif."""
    path = PurePosixPath(name)
    kept = [part for part in re.split(r"[ _.-]+", path.stem) if not ROLE_PART.fullmatch(part)]
    return str(path.with_name("_".join(kept) or path.stem))


def _rank(name: str) -> int:
    """Which of several masks of an image is the one of classes: Cityscapes has colours and objects beside it."""
    stem = PurePosixPath(name).stem
    return next((place for place, end in enumerate(PREFERRED) if stem.endswith(end)), len(PREFERRED))


def _case(path: Path, folder: Listing, *, skip: bool) -> Pair | None:
    """A folder's image and its objects. Raises: DataError where there is not one image, or no mask."""
    images, masks = (images_below(inside, path) for name in ("images", "masks") if (inside := folder.folder(name)))
    if len(images) == 1 and masks:
        return Pair(image=images[0], masks=tuple(masks))
    if skip:
        return None
    raise DataError(
        f"{folder.path} holds {len(images)} images and {len(masks)} masks; it needs one image, and one mask per object"
    )


def _lists(listing: Listing) -> dict[str, Path]:
    """Split -> text file naming its images, here or where Pascal VOC has them."""
    sets = listing.folder("imagesets")
    return split_lists(listing) or split_lists(sets.folder("segmentation") if sets else None)


def _names(coding: Coding, listed: Sequence[str], origin: str) -> list[str]:
    """Of the classes, from the coding or a file of names, else background and numbers.

    Raises: DataError for fewer names than classes
    """
    if coding.names:
        return list(coding.names)
    if not listed:
        plain = coding.classes == 2
        return [BACKGROUND, FOREGROUND] if plain else [BACKGROUND, *map(str, range(1, coding.classes))]
    if len(listed) < coding.classes:
        raise DataError(
            f"{origin} names {len(listed)} classes, and the masks hold class {coding.classes - 1}; name them all, one a line"
        )
    return list(listed)
