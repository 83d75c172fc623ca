"""How masks are written: class numbers, two levels, a few grey levels, colours, or numbers of objects."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from sonde.core.dataset import BACKGROUND, IGNORED
from sonde.core.errors import DataError
from sonde.data.splits import evenly_spaced
from sonde.data.targets import first_few
from sonde.modalities.image.mask_files import Raw, packed, read_raw

FOREGROUND = "foreground"
MOST_COLOURS = 32  # more colours are no classes: a smoothed or lossy picture
WIDE, NARROW = (
    20,
    10,
)  # grey levels so far apart are levels, not numbers of classes; of four and more, the second is enough
HIGH = 40  # numbers of classes above this are looked at twice: they may be the edges of smoothed masks
HIGHEST_CLASS = 200  # no data set numbers so many classes (COCO-Stuff: 182)
MANY = 4  # times as many levels as there are areas of one: edges
LOOKED_INTO = 100  # masks whose areas of one level are looked for
AREA = 0.002  # of all pixels in areas of one level: a level with less is noise or an edge
STEADY = 10  # grey levels by which a lossy file's area of one level wavers
BETWEEN = 24  # grey levels between the areas of two levels in a lossy file
SPLIT_AT = 128  # of 0..255: where a lossy file's two levels part
LISTED = 6

Kind = Literal["classes", "binary", "objects", "levels", "colours"]


@dataclass(frozen=True, kw_only=True)
class Coding:
    """What the pixels of masks stand for.

    kind:    classes (a class's number, 255 for none), binary (from `cut` on), objects (numbers from 1), levels and colours (place
             among `table`)
    classes: how many there are
    names:   of the classes, where the masks or a list of colours tell them
    table:   grey levels, or colours as 0xRRGGBB, of the classes in their order
    notes:   warnings of what was taken for what
    """

    kind: Kind
    classes: int = 2
    names: tuple[str, ...] = ()
    table: tuple[int, ...] = ()
    cut: int = SPLIT_AT
    notes: tuple[str, ...] = ()


@dataclass
class Seen:
    """What masks hold. levels: (256,) bool;  palettes: place -> its colours;  examples: one file of each sort"""

    levels: np.ndarray = field(default_factory=lambda: np.zeros(256, bool))
    colours: set[int] = field(default_factory=set)
    palettes: dict[int, set[int]] = field(default_factory=dict)
    examples: dict[str, Path] = field(default_factory=dict)

    def add(self, file: Path, raw: Raw) -> None:
        """Take in one file's values. Raises: DataError for a picture, which has more colours than there are classes"""
        sort = "deep" if raw.values.dtype != np.uint8 else "colour" if raw.values.ndim == 3 else "shallow"
        colours = np.unique(packed(raw.values)).tolist() if sort == "colour" else []
        if len(colours) > MOST_COLOURS:
            raise _many(file, len(colours))
        self.examples.setdefault(sort, file)
        if raw.lossy:
            self.examples.setdefault("lossy", file)
        if sort == "shallow":
            used = np.bincount(raw.values.ravel(), minlength=256) > 0
            self.levels |= used
            levels = np.flatnonzero(used)
            shown = np.stack([levels] * 3, 1)
            if raw.palette is not None:
                shown = raw.palette[levels]
                for place, colour in zip(levels.tolist(), packed(shown).tolist(), strict=True):
                    self.palettes.setdefault(place, set()).add(colour)
            self.colours.update(packed(shown).tolist())
        self.colours.update(colours)


def infer_coding(
    files: Sequence[Path], *, skip: bool = False, colours: Mapping[str, int] | None = None, numbered: bool = False
) -> Coding:
    """How some masks are written.

    skip:     pass over files that cannot be read
    colours:  name -> 0xRRGGBB of classes, where a file beside the masks lists them
    numbered: a file names the classes in the order of their numbers
    Raises: DataError for a file that cannot be read, and for masks whose classes cannot be told
    """
    seen = Seen()
    for file in files:
        try:
            seen.add(file, read_raw(file))
        except DataError:
            if not skip:
                raise
    if "deep" in seen.examples:
        return _objects(seen)
    if colours and seen.colours <= set(colours.values()):
        return Coding(kind="colours", classes=len(colours), names=tuple(colours), table=tuple(colours.values()))
    shifted = any(len(found) > 1 for found in seen.palettes.values())
    if "colour" in seen.examples or shifted:
        return _colours(seen, colours, shifted=shifted)
    if "lossy" in seen.examples:
        return _lossy(files, seen, skip=skip)
    return _grey(files, seen, numbered=numbered or bool(colours), skip=skip)


def known_coding(names: Sequence[str]) -> Coding | None:
    """How masks are written whose classes a trained model has by level or colour; None where its names do not tell.

    >>> known_coding(["background", "127", "255"]).table, known_coding(["background", "1", "2"])
    ((0, 127, 255), None)
    """
    first, *others = names
    if others and all(re.fullmatch(r"#[0-9a-f]{6}", name) for name in others):
        table = tuple(0 if name == BACKGROUND else int(name[1:], 16) for name in names)
        return Coding(kind="colours", classes=len(names), table=table)
    numbers = [int(name) for name in others if name.isdigit()]
    if len(numbers) < len(others) or not others or numbers == list(range(1, len(names))) or max(numbers) > IGNORED:
        return None
    levels = (0 if first == BACKGROUND else int(first) if first.isdigit() else -1, *numbers)
    return Coding(kind="levels", classes=len(names), table=levels) if _are_levels(levels) else None


def _objects(seen: Seen) -> Coding:
    other = seen.examples.get("shallow") or seen.examples.get("colour")
    if other is not None:
        raise DataError(f"{other} has 8 bits and {seen.examples['deep']} more; write all masks with the same bit depth")
    return Coding(kind="objects")


def _colours(seen: Seen, colours: Mapping[str, int] | None, *, shifted: bool) -> Coding:
    example = seen.examples.get("colour") or seen.examples["shallow"]
    if colours:
        strange = sorted(seen.colours - set(colours.values()))
        raise DataError(
            f"masks such as {example} hold colours that no class has, {_hex(strange)}; add them to the list of colours, or save "
            "masks without smoothing, as PNG"
        )
    if "lossy" in seen.examples or len(seen.colours) > MOST_COLOURS:
        raise _many(example, len(seen.colours))
    table = sorted(seen.colours)
    names = tuple(BACKGROUND if colour == 0 else f"#{colour:06x}" for colour in table)
    why = "palettes differ from file to file" if shifted else "masks are in colours"
    note = (
        f"{why}: each colour is read as a class ({first_few(names, LISTED)}); a class_dict.csv of name,r,g,b names them"
    )
    return Coding(kind="colours", classes=len(table), names=names, table=tuple(table), notes=(note,))


def _many(file: Path, colours: int) -> DataError:
    return DataError(
        f"{file} is a colour image, and masks hold {colours:,} colours; a mask has one colour or number per class: save it as "
        "PNG without smoothing, or as a palette or grey PNG of class numbers"
    )


def _grey(files: Sequence[Path], seen: Seen, *, numbered: bool, skip: bool) -> Coding:
    levels = np.flatnonzero(seen.levels).tolist()
    if set(levels) <= {0, IGNORED} and IGNORED in levels:
        return Coding(kind="binary")
    if numbered:
        return _numbers(levels)
    if not seen.palettes and _are_levels(levels):
        return _levels(levels)
    highest = max((level for level in levels if level != IGNORED), default=0)
    if seen.palettes or highest <= HIGH:
        return _numbers(levels)
    areas, example = _areas(files, skip=skip), seen.examples["shallow"]
    if len(areas) == 2 < len(levels) and areas[1] - areas[0] > HIGH:
        cut = sum(areas) // 2 + 1
        what = f"masks hold {len(levels)} grey levels, such as {example}"
        note = f"{what}: taken for smooth edges, with foreground from level {cut} on"
        return Coding(kind="binary", cut=cut, notes=(note,))
    if highest <= HIGHEST_CLASS and len(levels) <= MANY * len(areas):
        return _numbers(levels)
    raise DataError(
        f"masks hold {len(levels)} grey levels, such as {example}, which are not class numbers; save them without "
        "smoothing, as grey or palette PNG of class numbers, or name all classes in a classes.txt beside the images, "
        "one a line"
    )


def _levels(levels: Sequence[int]) -> Coding:
    """Of grey levels that are far apart."""
    shown = ", ".join(map(str, levels))
    if len(levels) == 2:
        note = f"masks hold grey levels {shown}: read as background and foreground"
        return Coding(kind="binary", cut=sum(levels) // 2 + 1, notes=(note,))
    names = tuple(BACKGROUND if level == 0 else str(level) for level in levels)
    note = f"masks hold grey levels {shown}: read as {len(levels)} classes; a class_dict.csv of name,r,g,b names them"
    return Coding(kind="levels", classes=len(levels), names=names, table=tuple(levels), notes=(note,))


def _numbers(levels: Sequence[int]) -> Coding:
    return Coding(kind="classes", classes=max((level for level in levels if level != IGNORED), default=0) + 1)


def _are_levels(levels: Sequence[int]) -> bool:
    """Whether a few grey levels are so far apart that they are no numbers of classes: 0, 127, 255."""
    return len(levels) > 1 and int(np.diff(sorted(levels)).min()) >= (WIDE if len(levels) < 4 else NARROW)


def _lossy(files: Sequence[Path], seen: Seen, *, skip: bool) -> Coding:
    areas = _areas(files, skip=skip, steady=STEADY)
    if len(areas) > 2:
        raise DataError(
            f"masks such as {seen.examples['lossy']} are JPEG of {len(areas)} grey levels, about {', '.join(map(str, areas))}, "
            "whose edges JPEG mixes; save them as PNG"
        )
    if len(areas) == 2 and not areas[0] < SPLIT_AT <= areas[1]:
        cut = sum(areas) // 2 + 1
        note = f"masks are JPEG of grey levels about {areas[0]} and {areas[1]}: pixels from {cut} on are foreground"
        return Coding(kind="binary", cut=cut, notes=(note,))
    return Coding(kind="binary")


def _areas(files: Sequence[Path], *, skip: bool, steady: int = 0) -> list[int]:
    """Grey levels that fill areas: pixels whose neighbours are all of it, within `steady` levels; near ones are one."""
    counts: np.ndarray = np.zeros(256, np.int64)
    for place in evenly_spaced(len(files), LOOKED_INTO):
        try:
            values = read_raw(files[place]).values.astype(np.int16)
        except DataError:
            if not skip:
                raise
            continue
        if min(values.shape) < 3:
            continue
        around = np.lib.stride_tricks.sliding_window_view(values, (3, 3)).reshape(-1, 9)
        flat = around.max(axis=1) - around.min(axis=1) <= steady
        counts += np.bincount(around[flat, 4], minlength=256)
    groups: list[list[int]] = []
    for level in np.flatnonzero(counts):
        if groups and level - groups[-1][-1] <= (BETWEEN if steady else 0):
            groups[-1].append(int(level))
        else:
            groups.append([int(level)])
    large = [group for group in groups if counts[group].sum() > AREA * counts.sum()]
    return [int(group[counts[group].argmax()]) for group in large]


def _hex(colours: Sequence[int]) -> str:
    return first_few([f"#{colour:06x}" for colour in colours], LISTED)
