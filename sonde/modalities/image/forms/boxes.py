"""Images whose objects are marked by boxes: Pascal VOC, COCO JSON, YOLO text files, CVAT and imglab XML."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from os.path import relpath
from pathlib import Path

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.natural_order import in_natural_order
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.rows import InputRows, InputsOf
from sonde.data.splits import (
    class_counts,
    drawn_from_train,
    evenly_spaced,
    for_evaluation,
    hold_back,
    in_order,
    sizes_in_words,
    targets_of,
)
from sonde.data.targets import listed
from sonde.modalities.catalogue import check_kind, check_target
from sonde.modalities.image.annotations.annotated import Annotations
from sonde.modalities.image.box_targets import CUT, OUTSIDE, Measured, Oddities, box_targets, counted, measured
from sonde.modalities.image.config import ImageConfig, refuse_pages
from sonde.modalities.image.letterboxed import LetterboxedInputs, room_for
from sonde.modalities.image.pixel_statistics import image_statistics
from sonde.modalities.image.rows import SAMPLED, Files, pages_warning
from sonde.modalities.modality import Wanted

READERS = (
    "sonde.modalities.image.annotations.cvat",
    "sonde.modalities.image.annotations.voc",
    "sonde.modalities.image.annotations.coco",
    "sonde.modalities.image.annotations.imglab",
    "sonde.modalities.image.annotations.kitti",
    "sonde.modalities.image.annotations.label_studio",
    "sonde.modalities.image.annotations.fiftyone",
    "sonde.modalities.image.annotations.labelme",
    "sonde.modalities.image.annotations.via",
    "sonde.modalities.image.annotations.createml",
    "sonde.modalities.image.annotations.supervisely",
    "sonde.modalities.image.annotations.wider_face",
    "sonde.modalities.image.annotations.mot",
    "sonde.modalities.image.annotations.yolo",
    "sonde.modalities.image.annotations.box_table",
)
MANY = 0.5  # share of the boxes that reach beyond their image, from which something is wrong with all
NAMED_BAD = 3  # unreadable images or annotations named in a warning


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a file or folder holds images with boxes, None if it does not."""
    return next((reason for reader in READERS if (reason := import_module(reader).recognise(listing))), None)


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded as they are read, and their boxes in pixels of the stored images.

    task: is what boxes are for; another one is refused where tasks are built
    Raises: DataError for annotations and images that cannot be read, and for classes that the model `like` does not know
    """
    path = listing.path
    check_kind("image", str(path), like)
    check_target("boxes", f"{path} has bounding boxes", like)
    refuse_pages(f"{path} has bounding boxes, and", config)
    skipped: list[str] | None = [] if config.skip_unreadable else None
    reader = next(reader for reader in READERS if import_module(reader).recognise(listing))
    found: Annotations = import_module(reader).read(listing, skipped)
    found = _by_shares(found)
    oddities: Oddities = Counter()
    images = {split: measured(part, skipped, tick, oddities) for split, part in in_order(found.splits).items()}
    for split, members in images.items():
        if not members:
            why = f", the first because {skipped[0]}" if skipped else "; add files or remove it"
            raise DataError(f"{path}: the {split} split holds no images that can be read{why}")
    schema, facts = _schema(found, images, config, path) if like is None else (like, [])
    rows = _rows(path, images, schema, shares=found.shares, oddities=oddities)
    tick("hashing files", 0, 0)
    about = About.at(
        listing,
        form=found.form,
        why=found.why,
        files=[*(o.annotated.file for m in images.values() for o in m), *found.files],
        root=path,
        facts=[_size_fact(found, rows), *facts, *_empty_fact(rows)],
        warnings=[
            *found.notes,
            *(f"{count:,} {what} left out" for what, count in found.set_aside.items()),
            *(counted(count, *words) for words, count in oddities.items() if count),
            *_many_beyond(oddities, images),
            *_unreadable(skipped),
            *pages_warning([one.header for members in images.values() for one in members]),
        ],
    )
    if like is not None:
        return about.dataset(like, for_evaluation(rows))
    train = rows["train"]
    called = f"{about.source} has {len(train)} training images"
    indices, held = hold_back(len(train), rows, config, called=called)
    return _fitted(about.dataset(schema, drawn_from_train(rows, indices), held))


def _by_shares(found: Annotations) -> Annotations:
    """Boxes that lie in 0..1 in every image are shares of its sides, whatever the format says of pixels."""
    boxes = [image.boxes for images in found.splits.values() for image in images if len(image.boxes)]
    if found.shares or not boxes or any(box.max() > 1 or box.min() < 0 for box in boxes):
        return found
    splits = {split: [replace(image, size=(0, 0)) for image in images] for split, images in found.splits.items()}
    note = "all boxes lie between 0 and 1, and are read as shares of their image's sides"
    return replace(found, splits=splits, shares=True, notes=[*found.notes, note])


def _many_beyond(oddities: Oddities, images: Mapping[str, Sequence[Measured]]) -> list[str]:
    """A warning where so many boxes reach beyond their image that they may mean something else."""
    total = sum(len(one.annotated.boxes) for members in images.values() for one in members)
    beyond = oddities[CUT] + oddities[OUTSIDE]
    if not beyond or beyond < MANY * total:
        return []
    return [
        f"{beyond:,} of {total:,} boxes reach beyond their image: check that they are in pixels of these images, and in the "
        "order that the format has (COCO: left, top, width, height; not two corners)"
    ]


def _schema(
    found: Annotations, images: Mapping[str, Sequence[Measured]], config: DataConfig, path: Path
) -> tuple[Schema, list[Fact]]:
    """What goes in and comes out, statistics aside, and how it was decided."""
    everything = [image for members in images.values() for image in members]
    names = found.names or tuple(in_natural_order({n for image in everything for n in image.annotated.names}))
    if not names:
        raise DataError(f"{path} has no boxes in any image; there is nothing to learn")
    height, width, why = room_for(
        [(one.header.height, one.header.width) for one in everything], config.of(ImageConfig).image_size
    )
    channels = max(one.header.channels for one in everything)
    facts = [
        Fact(f"{len(names)} {'class' if len(names) == 1 else 'classes'}: {listed(names)}", "names of the boxes"),
        Fact(f"image size {height}x{width}", why),
    ]
    spec = InputSpec(kind="image", shape=(channels, height, width), fit="letterbox")
    return Schema(input=spec, target=TargetSpec(kind="boxes", names=names)), facts


def _rows(
    path: Path, images: Mapping[str, Sequence[Measured]], schema: Schema, *, shares: bool, oddities: Oddities
) -> dict[str, Rows]:
    channels, height, width = schema.input.shape
    root = path if path.is_dir() else path.parent
    rows: dict[str, Rows] = {}
    for split, members in images.items():
        files = Files(root, tuple(Path(relpath(one.annotated.file, root)).as_posix() for one in members))
        target = box_targets(members, schema.target.names, (height, width), shares=shares, oddities=oddities)
        rows[split] = InputRows(LetterboxedInputs(files, (channels, height, width)), {"target": target})
    return rows


def _fitted(dataset: Dataset) -> Dataset:
    """The dataset with mean and std of its training images, and a word on classes that none of them shows."""
    rows, schema = dataset.splits["train"], dataset.schema
    mean, std = image_statistics(InputsOf(rows), evenly_spaced(len(rows), SAMPLED))
    counts = class_counts(rows, schema.target)
    assert counts is not None
    if not counts.sum():
        raise DataError(f"{dataset.source} has no boxes in any training image; there is nothing to learn")
    absent = [name for name, count in zip(schema.target.names, counts, strict=True) if not count]
    warnings = [f"no training image shows the class {', '.join(absent)}"] if absent else []
    spec = replace(schema.input, mean=mean, std=std)
    return replace(dataset, schema=replace(schema, input=spec), warnings=[*dataset.warnings, *warnings])


def _size_fact(found: Annotations, rows: Mapping[str, Rows]) -> Fact:
    """ "112 train + 44 test images with 1,524 + 573 objects", and what was read."""
    objects = [int((targets_of(part)[..., 0] >= 0).sum()) for part in rows.values()]
    what = f"{sizes_in_words(rows)} images with {' + '.join(f'{n:,}' for n in objects)} objects"
    return Fact(what, f"{found.form}: {found.why}")


def _empty_fact(rows: Mapping[str, Rows]) -> list[Fact]:
    empty = sum(int((targets_of(part)[..., 0] < 0).all(axis=1).sum()) for part in rows.values())
    if not empty:
        return []
    return [Fact(counted(empty, "image shows no object", "images show no object"), "used as negative examples")]


def _unreadable(skipped: Sequence[str] | None) -> list[str]:
    if not skipped:
        return []
    named = "; ".join(skipped[:NAMED_BAD]) + " …" * (len(skipped) > NAMED_BAD)
    words = "unreadable image or annotation skipped", "unreadable images or annotations skipped"
    return [f"{counted(len(skipped), *words)}: {named}"]
