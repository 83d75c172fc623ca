"""What a folder's name says besides a class: that it holds the images, the masks, a part of them, what has no labels."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from sonde.data.splits import SPLIT_NAMES
from sonde.data.unread import way_to_read
from sonde.modalities.image.modality import FILES

IMAGES = frozenset({"image", "images", "img", "imgs", "jpegimages", "leftimg", "picture", "pictures"})
TRUTH = frozenset(
    {"mask", "masks", "label", "labels", "annotation", "annotations", "annots", "gt", "gtfine", "gtcoarse"}
)
TRUTH |= {"groundtruth", "segmentation", "segmentations", "segmentationclass", "segmentationobject", "manual"}
FILLERS = frozenset({"bit", "part", "data", "dataset", "png", "jpg", "jpeg", "st", "nd", "all", "set"})
PAIRED = re.compile(
    r"(train|val|valid|test)[ _-]?[ab]|(high|low)[ _-]?res(olution)?|[hl]r([ _-]?x?[234])?|[hl]ires|lores",
    re.IGNORECASE,
)
"""Folders of image pairs, for translation and super-resolution: trainA and trainB, HR and LR."""
UNLABELLED = frozenset({"unlabelled", "unlabeled", "unknown", "unsupervised"})
MASK_NAME = re.compile(
    r"(?P<image>.+?)[ _-](?:mask|segmentation|seg|gt|groundtruth|label)(?:[ _-]?\d+)?", re.IGNORECASE
)
LISTED = 4


def words(name: str) -> list[str]:
    """The words of a name in small letters, where letters, digits and capitals part them.

    >>> words("train_images"), words("leftImg8bit"), words("HAM10000_images_part_1")
    (['train', 'images'], ['leftimg', 'bit'], ['ham', 'images', 'part'])
    """
    return re.findall(r"[a-z]+", re.sub("ground[ _-]?truth", "groundtruth", name.lower()))


def is_role(name: str) -> bool:
    """Whether a folder's name says what its images are for, so that it is no class: images, gtFine, train_images, part_1.

    >>> [is_role(name) for name in ("images", "test_images", "1st_manual", "part_2", "HR", "cat", "test", "masked man")]
    [True, True, True, True, True, False, False, False]
    """
    found = words(name)
    known = IMAGES | TRUTH | FILLERS | SPLIT_NAMES.keys()
    numbered = re.fullmatch(r"(part|batch|chunk|shard)[ _-]?\d+", name.lower()) is not None
    named = bool(set(found) & (IMAGES | TRUTH)) and (
        set(found) <= known or found[-1] in IMAGES or bool(re.search(r"images[ _-]?part", name.lower()))
    )
    return numbered or named or PAIRED.fullmatch(name) is not None


def roles_among(names: Sequence[str]) -> list[str]:
    """Those of some folders beside each other that are named for a role; beside "no_mask", "mask" is a class.

    >>> roles_among(["cat", "dog", "masks"]), roles_among(["mask", "no_mask"])
    (['masks'], [])
    """
    classes = [name.lower() for name in names if not is_role(name)]
    return [name for name in names if is_role(name) and not any(name.lower() in other for other in classes)]


def mask_of(stem: str) -> str | None:
    """The stem of the image that a file is a mask of by its name; None where its name is none of a mask.

    >>> mask_of("benign (4)_mask"), mask_of("benign (4)_mask_1"), mask_of("masked")
    ('benign (4)', 'benign (4)', None)
    """
    found = MASK_NAME.fullmatch(stem)
    return found["image"] if found else None


def masks_among(names: Sequence[str]) -> dict[str, str]:
    """Those of some images (paths with forward slashes) that are a mask of another in the same folder -> that other one."""
    by_stem = {str(PurePosixPath(name).with_suffix("")): name for name in names}
    found = {}
    for name in names:
        path = PurePosixPath(name)
        image = mask_of(path.stem)
        if image is not None and (other := by_stem.get(str(path.with_name(f"{image}{path.suffix}").with_suffix("")))):
            found[name] = other
    return found


def strangers(names: Sequence[str]) -> list[str]:
    """A warning of the files in class folders that are no images to us, counted by their endings; empty for none."""
    left = [name for name in names if "/" in name and PurePosixPath(name).suffix.lower() not in FILES]
    left = [name for name in left if not way_to_read(Path(name))]  # of which `sonde.modalities.open` says more
    if not left:
        return []
    counts = Counter(PurePosixPath(name).suffix.lower() or "without an ending" for name in left)
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in counts.most_common(LISTED)) + " …" * (
        len(counts) > LISTED
    )
    return [f"files that are not read as images are left out: {kinds}, such as {left[0]}"]
