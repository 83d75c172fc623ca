"""Images with a mask each -> a dataset: one stored size, rows held back, and an account of what the masks show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import IGNORED, Dataset, Fact, InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.memory import give_back
from sonde.core.progress import Tick, silent
from sonde.core.units import count, share
from sonde.data.assemble import About
from sonde.data.rows import Inputs
from sonde.data.splits import drawn_from_train, evenly_spaced, for_evaluation, hold_back, in_order, sizes_in_words
from sonde.data.targets import listed
from sonde.modalities.image.depth import noted
from sonde.modalities.image.files import UPRIGHT_SWAPS, decode, read_header
from sonde.modalities.image.mask_files import ChosenMasks, Masks, resized
from sonde.modalities.image.pixel_statistics import COLOURS, image_statistics
from sonde.modalities.image.rows import SAMPLED, Chosen, Encoded, ImageInputs, Survey, content_at, left_out, survey

LARGEST = 256  # pixels of the longer side: networks for every pixel keep maps of the whole size
COUNTED = 500  # training masks that shares and objects are counted in
EACH_TICK = 100


@dataclass(frozen=True, kw_only=True)
class Masked:
    """One split as it was found: image i belongs to mask i."""

    images: Encoded
    masks: Masks

    def chosen(self, rows: np.ndarray) -> "Masked":
        """Some of them."""
        return Masked(images=Chosen(self.images, rows), masks=ChosenMasks(self.masks, rows))


@dataclass(frozen=True)
class MaskRows:
    """Rows of images and masks, decoded and brought to one size as they are read; masks by the nearest pixel.

    Fields: input, target (n, H, W) uint8, and objects (n, H, W) int32 where they are known one by one.
    """

    inputs: Inputs
    masks: Masks
    size: tuple[int, int]  # (height, width)
    with_objects: bool

    def __len__(self) -> int:
        return len(self.inputs)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of some rows, in the given order. Raises: DataError naming the file that cannot be read."""
        found = {"input": self.inputs.read(indices), "target": np.empty((len(indices), *self.size), np.uint8)}
        if self.with_objects:
            found["objects"] = np.zeros((len(indices), *self.size), np.int32)
        for row, index in enumerate(indices):
            labels = self.masks.read(int(index))
            found["target"][row] = resized(labels.classes, *self.size)
            if self.with_objects and labels.objects is not None:
                found["objects"][row] = resized(labels.objects, *self.size)
        return found

    def describe(self, index: int) -> str:
        """Where the image came from."""
        return self.inputs.describe(index)

    def nbytes(self) -> int:
        """Bytes of all fields once packed."""
        pixels = len(self) * self.size[0] * self.size[1]
        return self.inputs.nbytes() + pixels * (5 if self.with_objects else 1)


def assemble_masks(
    splits: Mapping[str, Masked],
    names: Sequence[str],
    about: About,
    config: DataConfig,
    *,
    with_objects: bool,
    tick: Tick = silent,
    like: Schema | None = None,
) -> Dataset:
    """A dataset of images with masks whose classes are `names`; read as a model was trained with `like`.

    Raises: DataError naming an image or a mask that cannot be read, or a mask of another size than its image
    """
    usable, warnings = _usable(splits, config, tick)
    seen = survey(
        {split: part.images for split, part in usable.items()},
        replace(config, skip_unreadable=False),  # those that cannot be read are gone
        every_header=True,
        tick=tick,
        like=like,
        largest=LARGEST,
    )
    size = seen.shape[1:]
    rows = {
        split: MaskRows(ImageInputs(part.images, seen.shape, seen.full, seen.pages), part.masks, size, with_objects)
        for split, part in usable.items()
    }
    about = replace(about, warnings=[*about.warnings, *warnings, *seen.warnings])
    dataset = _as_trained(rows, about, like) if like is not None else _fitted(rows, names, about, config, seen)
    give_back()  # what decoding the sample left
    return dataset


def _as_trained(rows: Mapping[str, MaskRows], about: About, like: Schema) -> Dataset:
    """With nothing held back; rows without a split of their own are the test split."""
    facts = [
        _size_fact(rows, like.input, about),
        Fact("preprocessed as in training", "size and classes of its schema"),
    ]
    return replace(about, facts=facts).dataset(like, for_evaluation(rows))


def _fitted(
    rows: Mapping[str, MaskRows], names: Sequence[str], about: About, config: DataConfig, seen: Survey
) -> Dataset:
    """With a schema fitted on the training rows, and rows held back where splits are missing."""
    train = rows["train"]
    called = f"{about.source} has {len(train)} training images"
    indices, facts = hold_back(len(train), rows, config, called=called)
    places = indices["train"][evenly_spaced(len(indices["train"]), SAMPLED)]
    mean, std = image_statistics(train.inputs, places)
    schema = Schema(
        input=InputSpec(kind="image", shape=seen.shape, mean=mean, std=std, extra=noted(seen.full, seen.pages)),
        target=TargetSpec(kind="mask", names=tuple(names)),
    )
    splits = drawn_from_train(rows, indices)
    what, warnings = _shown(train, places[:COUNTED], names)
    facts = [_size_fact(rows, schema.input, about), *what, *about.facts, *seen.facts, *facts]
    return replace(about, facts=facts).dataset(schema, splits, warnings=warnings)


def _size_fact(rows: Mapping[str, MaskRows], spec: InputSpec, about: About) -> Fact:
    channels, height, width = spec.shape
    what = f"{sizes_in_words(in_order(rows))} images with masks, {height}x{width} {COLOURS.get(channels, '')}".rstrip()
    return Fact(what, f"{about.form}: {about.why}")


def _shown(train: MaskRows, places: np.ndarray, names: Sequence[str]) -> tuple[list[Fact], list[str]]:
    """What some training masks show: shares of the classes and numbers of objects, and what is oddly absent."""
    pixels: np.ndarray = np.zeros(256, np.int64)
    objects = 0
    for place in places:
        labels = train.masks.read(int(place))
        pixels += np.bincount(labels.classes.ravel(), minlength=256)
        if labels.objects is not None:
            objects += len(np.unique(labels.objects[labels.objects > 0]))
    known = pixels[: len(names)]
    common = sorted(range(1, len(names)), key=lambda number: -known[number])[:4]
    shares = ", ".join(f"{names[n]} {share(known[n] / max(1, known.sum()), 1)}" for n in common)
    looked = f"of the pixels of {count(len(places))} training masks"
    facts = [Fact(f"{len(names)} classes of pixels: {listed(list(names))}", f"{shares} {looked}")]
    if train.with_objects:
        facts.append(Fact(f"{objects / max(1, len(places)):.1f} objects per image", "instance masks"))
    if pixels[IGNORED]:
        facts.append(Fact(f"{share(pixels[IGNORED] / pixels.sum(), 1)} of the pixels are ignored", "class 255"))
    absent = [name for name, number in zip(names, known, strict=True) if number == 0]
    return facts, [f"none of {len(places):,} training masks shows {listed(absent)}"] if absent else []


def _usable(splits: Mapping[str, Masked], config: DataConfig, tick: Tick) -> tuple[dict[str, Masked], list[str]]:
    """The splits without rows that cannot be used, where such are to be left out; how many those were."""
    usable, warnings = {}, []
    total = sum(len(part.images) for part in splits.values())
    for split, part in splits.items():
        bad = []
        for row in range(len(part.images)):
            if row % EACH_TICK == 0:
                tick("checking masks", row, total)
            try:
                _check(part, row, whole=config.skip_unreadable)
            except DataError:
                if not config.skip_unreadable:
                    raise
                bad.append(row)
        usable[split] = part.chosen(np.delete(np.arange(len(part.images)), bad)) if bad else part
        if bad:
            warnings.append(left_out(split, part.images, bad, "images or masks"))
        if not len(usable[split].images):
            raise DataError(f"{split}: none of its {len(part.images):,} images can be used with its mask")
    return usable, warnings


def _check(part: Masked, row: int, *, whole: bool) -> None:
    """Raises: DataError for a mask of another size than its image; with `whole` for either that cannot be decoded."""
    content, place = content_at(part.images, row)
    header = read_header(content, place)
    height, width = part.masks.size(row)
    if (height, width) != (header.height, header.width):
        turned = (width, height) == (header.height, header.width) and header.orientation in UPRIGHT_SWAPS
        raise DataError(
            f"{part.masks.describe(row)} is {height}x{width} and its image {part.images.describe(row)} is "
            f"{header.height}x{header.width}; a mask must have the size of its image"
            + (
                ": the image is rotated by its EXIF orientation, and its mask is not; remove the orientation from the "
                "images: exiftool -Orientation= FILES"
                if turned
                else ""
            )
        )
    if whole:
        decode(content, place)
        part.masks.read(row)
