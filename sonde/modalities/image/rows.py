"""Images that are decoded when they are read, from files or from columns of encoded bytes, as inputs of one stored size."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Rows, Schema
from sonde.core.errors import DataError
from sonde.core.memory import give_back
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About, Found, Part, assemble
from sonde.data.rows import InputRows, OfEncoded
from sonde.data.splits import SubsetRows, evenly_spaced
from sonde.data.targets import RawTarget, first_few
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image import pixel_statistics
from sonde.modalities.image.config import ImageConfig, refuse_groups
from sonde.modalities.image.depth import depth_of, full_scale, in_words, pages_of, span_of
from sonde.modalities.image.files import (
    LARGEST_STORED,
    Content,
    Header,
    decode,
    deep_values,
    read_header,
    read_pixels,
    stored_size,
)
from sonde.modalities.image.lost import blank_on_white, thin
from sonde.modalities.image.stacks import common_pages, deep_stack, read_stack
from sonde.modalities.table.config import TableConfig
from sonde.tasks.table import one_class_is_enough, target_kind

SAMPLED = 1000  # images decoded for mean and std: a channel's mean is then known to 0.005 or so
SPANNED = 200  # training images of more than 8 bits whose lowest and highest value are looked for
HEADERS = 1000  # encoded images whose headers are read when their container is large
EACH_TICK = 500
NAMED_BAD = 4  # unreadable images named in a warning
DeepValues = Callable[[Content, str], np.ndarray | None]


class Encoded(Protocol):
    """Images by number. Must pickle. A file's path stands for its content."""

    def __len__(self) -> int: ...
    def content(self, index: int) -> Content: ...
    def describe(self, index: int) -> str: ...


def content_at(encoded: Encoded, index: int) -> tuple[Content, str]:
    """One image, and what errors call it."""
    content = encoded.content(index)
    return content, str(content) if isinstance(content, Path) else encoded.describe(index)


@dataclass(frozen=True)
class Files:
    """Image files under a root."""

    root: Path
    names: tuple[str, ...]  # relative to the root, with forward slashes

    def __len__(self) -> int:
        return len(self.names)

    def content(self, index: int) -> Path:
        """The file."""
        return self.root / self.names[index]

    def describe(self, index: int) -> str:
        """ "train/cat/001.png"."""
        return self.names[index]


@dataclass(frozen=True)
class Pictures:
    """Pillow's images in memory."""

    images: tuple[Content, ...]
    place: str  # what `describe` calls them

    def __len__(self) -> int:
        return len(self.images)

    def content(self, index: int) -> Content:
        """The image, or the path that stands for it."""
        return self.images[index]

    def describe(self, index: int) -> str:
        """ "train image 17"."""
        content = self.images[index]
        return str(content) if isinstance(content, Path) else f"{self.place} image {index}".lstrip()


@dataclass(frozen=True)
class Chosen:
    """Some of other encoded images."""

    encoded: Encoded
    rows: np.ndarray  # (n,) int64

    def __len__(self) -> int:
        return len(self.rows)

    def content(self, index: int) -> Content:
        """The image's content."""
        return self.encoded.content(int(self.rows[index]))

    def describe(self, index: int) -> str:
        """Where the image is."""
        return self.encoded.describe(int(self.rows[index]))


@dataclass(frozen=True)
class ImageInputs:
    """Encoded images, decoded and brought to `shape` (channels, height, width) as they are read.

    full:  the value that is 1.0 in float32; 0 for bytes (`sonde.modalities.image.depth`)
    pages: of a file that are its channels; 0 where the first is the image
    """

    encoded: Encoded
    shape: tuple[int, int, int]
    full: float = 0.0
    pages: int = 0

    def __len__(self) -> int:
        return len(self.encoded)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 or float32 (len(indices), channels, height, width).

        Raises: DataError naming the image that cannot be decoded
        """
        out = np.empty((len(indices), *self.shape), np.float32 if self.full else np.uint8)
        for row, index in enumerate(indices):
            read = read_stack if self.pages else read_pixels
            out[row] = read(*content_at(self.encoded, int(index)), self.shape, self.full)
        return out

    def describe(self, index: int) -> str:
        """Where the image is."""
        return self.encoded.describe(index)

    def nbytes(self) -> int:
        """Bytes of the decoded pixels."""
        return len(self.encoded) * int(np.prod(self.shape)) * (4 if self.full else 1)


def paths_of(rows: Rows) -> list[Path] | None:
    """The file of each row, in their order; None where rows are no image files."""
    if isinstance(rows, SubsetRows):
        every = paths_of(rows.rows)
        return None if every is None else [every[index] for index in rows.indices]
    inputs = rows.inputs if isinstance(rows, InputRows) else rows
    encoded = inputs.encoded if isinstance(inputs, OfEncoded) else None
    chosen = None
    while isinstance(encoded, Chosen):
        chosen = encoded.rows if chosen is None else encoded.rows[chosen]
        encoded = encoded.encoded
    if not isinstance(encoded, Files):
        return None
    numbers = range(len(encoded)) if chosen is None else chosen
    return [encoded.content(int(index)) for index in numbers]


def assemble_images(
    splits: Mapping[str, Encoded],
    targets: Mapping[str, RawTarget],
    about: About,
    config: DataConfig,
    *,
    every_header: bool,
    task: str | None = None,
    tick: Tick = silent,
    like: Schema | None = None,
) -> Dataset:
    """A dataset of encoded images: one stored size chosen, unreadable ones left out where that is set.

    Raises: DataError naming an image that cannot be read, and for --group where nothing tells groups
    """
    if about.groups is None:
        refuse_groups(about.source, config)
    seen = survey(splits, config, every_header=every_header, tick=tick, like=like)
    warnings = [*about.warnings, *seen.warnings]
    parts = {}
    for split, encoded in splits.items():
        target, bad = targets[split], seen.bad.get(split, ())
        if len(bad):
            warnings.append(left_out(split, encoded, bad, "images"))
            readable = np.delete(np.arange(len(encoded)), bad)
            encoded, target = Chosen(encoded, readable), replace(target, values=target.values[readable])
            if split == "train" and about.groups is not None:
                about = replace(about, groups=about.groups[readable])
        parts[split] = Part(inputs=ImageInputs(encoded, seen.shape, seen.full, seen.pages), target=target)
    about = replace(about, warnings=warnings, facts=[*about.facts, *seen.facts])
    found = Found(
        about=about,
        what=pixel_statistics.words(seen.shape),
        shape=seen.shape,
        parts=parts,
        fit=partial(pixel_statistics.fitted, shape=seen.shape, sampled=SAMPLED, full=seen.full, pages=seen.pages),
        outputs=tuple(about.outputs) or config.of(TableConfig).target,
    )
    check_kind("image", about.source, like)
    dataset = assemble(found, config, kind=target_kind(task), task=task, one_class=one_class_is_enough(task), like=like)
    give_back()  # what decoding the sample left
    return dataset


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was learnt about encoded images before any is trained on.

    shape: (channels, height, width) they are stored at
    bad:   split -> rows that cannot be read, where they are to be skipped
    warnings: of what files hold that is not read
    full:  the value that is 1.0 in float32; 0 for bytes
    pages: of a file that are its channels, 0 for none
    """

    shape: tuple[int, int, int]
    facts: Sequence[Fact]
    bad: Mapping[str, np.ndarray]
    warnings: Sequence[str] = ()
    full: float = 0.0
    pages: int = 0


def survey(
    splits: Mapping[str, Encoded],
    config: DataConfig,
    *,
    every_header: bool,
    tick: Tick = silent,
    like: Schema | None = None,
    largest: int = LARGEST_STORED,
) -> Survey:
    """Look at headers, choose one size and grey or colour; with `--skip-unreadable` decode every image to find bad ones.

    every_header: of all images, else of `HEADERS` evenly spaced ones
    largest: pixels of the longer side, unless a size is given
    Raises: DataError naming the first image that cannot be read, unless such are to be skipped
    """
    headers: list[Header] = []
    places: list[str] = []
    bad: dict[str, np.ndarray] = {}
    stacked = config.of(ImageConfig).pages == "channels" if like is None else bool(pages_of(like.input))
    total = sum(map(len, splits.values()))
    for split, encoded in splits.items():
        if config.skip_unreadable:
            found, bad[split] = _readable(encoded, tick, total)
            rows = np.delete(np.arange(len(encoded)), bad[split])
        else:
            n = len(encoded)
            number = n if every_header or total <= HEADERS else max(1, HEADERS * n // total)
            rows = evenly_spaced(n, number)
            found = _headers(encoded, rows, tick)
        headers += found
        places += [encoded.describe(int(row)) for row in rows] if stacked else []
    if not headers:
        raise DataError(f"none of the {total:,} images can be read")
    pages = common_pages(headers, places, pages_of(like.input) if like is not None else 0) if stacked else 0
    warnings = [] if stacked else pages_warning(headers)
    if like is not None:
        channels, height, width = like.input.shape
        full = depth_of(like.input)
        return Survey(shape=(channels, height, width), facts=[], bad=bad, warnings=warnings, full=full, pages=pages)
    height, width, why = stored_size(
        [(h.height, h.width) for h in headers], config.of(ImageConfig).image_size, largest=largest
    )
    channels = pages or max(h.channels for h in headers)
    seen = "" if len(headers) == total else f", from {len(headers):,} of them"
    full, depth = 0.0, []
    if "train" in splits:
        full, depth = _depth(splits["train"], headers, bad.get("train", ()), deep_stack if pages else deep_values)
    facts = [Fact(f"image size {height}x{width}", why + seen), *_colour_facts(headers, channels), *depth]
    facts += [Fact(f"{pages} pages of each file are the channels", "--pages channels")] if pages else []
    shape = channels, height, width
    warnings += thin(shape, headers)
    warnings += blank_on_white(splits["train"], headers) if "train" in splits else []
    return Survey(shape=shape, facts=facts, bad=bad, warnings=warnings, full=full, pages=pages)


def _headers(encoded: Encoded, rows: np.ndarray, tick: Tick) -> list[Header]:
    found = []
    for number, row in enumerate(map(int, rows)):
        if number % EACH_TICK == 0:
            tick("reading image headers", number, len(rows))
        found.append(read_header(*content_at(encoded, row)))
    return found


def _readable(encoded: Encoded, tick: Tick, total: int) -> tuple[list[Header], np.ndarray]:
    """Headers of the images that decode, and the rows of those that do not."""
    headers, bad = [], []
    for row in range(len(encoded)):
        if row % EACH_TICK == 0:
            tick("checking images", row, total)
        content, place = content_at(encoded, row)
        try:
            header = read_header(content, place)
            decode(content, place)
        except DataError:
            bad.append(row)
            continue
        headers.append(header)
    return headers, np.array(bad, dtype=np.int64)


def _colour_facts(headers: Sequence[Header], channels: int) -> list[Fact]:
    grey = sum(h.channels == 1 for h in headers)
    facts = []
    if channels == 3 and grey:
        facts.append(Fact("all images are read as RGB", f"{grey:,} of {len(headers):,} are grey, the others in colour"))
    return facts


def _depth(
    train: Encoded, headers: Sequence[Header], bad: Sequence[int] | np.ndarray, values_of: DeepValues
) -> tuple[float, list[Fact]]:
    """(value that is 1.0 in float32, 0 for bytes; how it was decided), from the values of some training images."""
    deep = sum(header.deep for header in headers)
    if not deep:
        return 0.0, []
    usable = np.delete(np.arange(len(train)), bad)
    rows = usable[evenly_spaced(len(usable), SPANNED)]
    values = [found for row in rows if (found := values_of(*content_at(train, int(row)))) is not None]
    why = f"{deep:,} of {len(headers):,} images have more than 8 bits a channel"
    if not values:
        return 0.0, [Fact("16 bits scaled to 8", why)]
    low, high = span_of(values)
    full = full_scale(low, high, whole=all(bool((one == np.floor(one)).all()) for one in values))
    return full, [Fact(in_words(full, low, high) if full else "16 bits scaled to 8", why)]


def pages_warning(headers: Sequence[Header]) -> list[str]:
    """A warning of images behind the first of a file."""
    several = [header.pages for header in headers if header.pages > 1]
    if not several:
        return []
    return [
        f"{len(several):,} of {len(headers):,} files hold several pages or frames (up to {max(several)}), of which the first is "
        "read; --pages channels reads grey pages as channels, else save the others as files of their own"
    ]


def left_out(split: str, encoded: Encoded, bad: Sequence[int] | np.ndarray, what: str) -> str:
    """The warning that some rows of a split cannot be read."""
    named = first_few([encoded.describe(int(row)) for row in bad], NAMED_BAD)
    return f"{split}: {len(bad):,} unreadable {what} skipped: {named}"
