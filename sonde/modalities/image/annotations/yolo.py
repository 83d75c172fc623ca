"""YOLO: a text file an image with a line for each object: class number, middle, width and height as shares of the image.

Lines of more numbers are a box and its key points where a data.yaml has kpt_shape, or all points lie in the box; else they are
outlines, whose box is taken.
Source: github.com/AlexeyAB/darknet, docs.ultralytics.com/datasets/detect
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.splits import in_order
from sonde.data.unzipped import text_of
from sonde.modalities.image.annotations.annotated import (
    Annotated,
    Annotations,
    Skipped,
    annotated,
    chosen_by,
    images_below,
    number,
    pass_over,
    split_lists,
    split_of,
    unlisted,
)
from sonde.modalities.image.annotations.exported import OUTLINES
from sonde.modalities.image.annotations.yolo_yaml import (
    content_of,
    count_note,
    images_by_split,
    key_points,
    labels_of,
    names_in,
    yaml_of,
)
from sonde.modalities.image.files import is_image

NAME_LISTS = ("classes.txt", "obj.names", "labels.names", "names.txt")
SLACK = 0.02  # share of an image by which key points may lie outside their box
MOST_CLASSES = 10_000  # that have no names: each has an output of the network
FAR = 2.0  # a share of the image beyond which a number is in pixels
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
TWICE = "objects marked twice"
SAMPLED = 20  # label files looked at to tell the form


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How lines are read. names: of class numbers, () for none;  points: numbers of key points behind each box"""

    names: Sequence[str]
    points: int
    root: Path


def recognise(listing: Listing) -> str | None:
    """Why a folder holds YOLO's text files, or a file says where they are, None if not."""
    if pairs := _pairs(listing):
        return f"text files of boxes in {', '.join(_shown(labels, listing.path) for _, labels in pairs)}"
    file = yaml_of(listing)
    if file is None or not (splits := _said(file)):
        return None
    return f"{file.name} names images of {', '.join(splits)}"


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images; one without a text file has no objects. A data.yaml, folders or lists tell the splits, else all are train.

    Raises: DataError for lines that are no boxes, class numbers without a name
    """
    path, pairs, file = listing.path, _pairs(listing), yaml_of(listing)
    root = path if listing.is_dir else path.parent
    content = content_of(file) if file is not None else {}
    names = names_in(content, file) if file is not None else _names(path, pairs)
    said, notes = images_by_split(content, file) if file is not None else ({}, [])
    labels = {
        image: text / image.relative_to(images).with_suffix(".txt")
        for images, text in pairs
        for image in images_below(images)
    }
    lists = {} if said else _lists(listing)
    if said:
        chosen = said
        labels |= {image: labels_of(image) for images in said.values() for image in images}
        assert file is not None
        _check_there(file, said["train"], labels)
        left = len(labels) - sum(map(len, said.values()))
        notes += [f"{left:,} images are in no part that {file.name} names and are not used"] if file and left else []
    else:
        relative = {image.relative_to(path).as_posix(): image for image in labels}
        by_name = chosen_by(lists, list(relative), skipped) if lists else _by_folder(list(relative))
        notes += unlisted(list(relative), by_name, lists)
        chosen = {split: [relative[name] for name in members] for split, members in by_name.items()}
    points = key_points(content, file) if file is not None else 0
    points = points or _points_in([labels[image] for images in chosen.values() for image in images])
    notes += ["key points of objects are left out; their boxes are learned"] if points else []
    notes += count_note(content, names, file) if file is not None else []
    notes += _without_image(labels, root)
    rules, seen = Rules(names=names, points=points, root=root), Counter[str]()
    found = {split: _read_all(images, labels, rules, seen, skipped) for split, images in chosen.items()}
    notes += [
        f"none of the {len(images):,} {split} images has a text file: they count as images that show no object"
        for split, images in chosen.items()
        if images and not any(labels[image].is_file() for image in images)
    ]
    notes += [seen_note] if (seen_note := _outlines(seen)) else []
    if not names:  # class numbers are names then, from 0 to the largest that occurs
        used = {int(name) for images in found.values() for image in images for name in image.names}
        names = tuple(str(kind) for kind in range(max(used, default=-1) + 1))
    why = f"lists {', '.join(one.name for one in lists.values())}" if lists else ""
    why = why or (f"{file.name}" if said and file else f"text files in {_shown(pairs[0][1], path)}")
    return Annotations(
        form="YOLO text files",
        why=why,
        splits=found,
        names=names,
        shares=True,
        files=[*(one for one in labels.values() if one.is_file()), *lists.values(), *([file] if said and file else [])],
        set_aside={TWICE: seen[TWICE]} if seen[TWICE] else {},
        notes=notes,
    )


def _outlines(seen: Counter[str]) -> str:
    """What is said of outlines; "" where there are none."""
    if seen["turned"] and not seen["outlines"]:
        return f"{seen['turned']:,} rotated boxes (OBB) are learned as the upright boxes around them"
    return OUTLINES if seen["outlines"] else ""


def _without_image(labels: Mapping[Path, Path], root: Path) -> list[str]:
    """A note on text files beside those of images that have no image."""
    known = set(labels.values())
    folders = dict.fromkeys(file.parent for file in known if file.is_file())
    files = (text for folder in folders for text in Listing(folder).ending(".txt"))
    left = [
        text for text in files if text not in known and text.name.lower() not in NAME_LISTS and _holds_boxes([text])
    ]
    return [f"{len(left):,} text files have no image, such as {_shown(left[0], root)}"] if left else []


def _said(file: Path) -> list[str]:
    """The splits whose images a YAML file names, where any of them has a text file; nothing for another YAML file."""
    try:
        content = content_of(file)
        names_in(content, file)
        found, _ = images_by_split(content, file)
    except DataError:
        return []
    train = found.get("train", ())
    there = any(labels_of(image).is_file() for image in train) or _elsewhere(file.parent, train)
    return list(found) if there else []


def _elsewhere(folder: Path, images: Sequence[Path]) -> Path | None:
    """The folder of text files that are called as images are, where they are not looked for; None where there is none."""
    stems = {image.stem for image in images}
    for name in Listing(folder).below_ending({".txt"}):
        text = folder / name
        if text.stem in stems and _holds_boxes([text]):
            return text.parent
    return None


def _check_there(file: Path, images: Sequence[Path], labels: Mapping[Path, Path]) -> None:
    """Raises: DataError where no image has a text file, and there are text files of their names elsewhere"""
    if any(labels[image].is_file() for image in images) or (place := _elsewhere(file.parent, images)) is None:
        return
    wanted = labels[images[0]].parent
    while wanted.name == place.name and wanted.parent != place.parent:  # labels/train and txt/train: the folders above
        wanted, place = wanted.parent, place.parent
    way = (
        f"move them, and those of other splits alike: mv {place}/*.txt {wanted}/"
        if wanted.exists()
        else f"rename the folder: mv {place} {wanted}"
    )
    raise DataError(
        f"{file}: text files of its images are expected in {_shown(wanted, file.parent)}, but are in "
        f"{_shown(place, file.parent)}; {way}"
    )


def _lists(listing: Listing) -> dict[str, Path]:
    """Split -> text file: train.txt, or as `autosplit` of Ultralytics writes them, autosplit_train.txt."""
    drawn = {
        split: file
        for file in listing.ending(".txt")
        if file.stem.startswith("autosplit_") and (split := split_of(file.stem))
    }
    return split_lists(listing) or (in_order(drawn) if "train" in drawn else {})


def _points_in(files: Sequence[Path]) -> int:
    """Numbers of key points behind each box, where every line has as many, and all points lie in the box before them; else 0.

    Points at 0, 0 are not seen, and may lie outside.
    """
    widths: set[int] = set()
    for file in files:
        lines = text_of(file).splitlines() if file.is_file() else []
        for line in lines:
            words = line.split()
            if not words or not all(map(_is_number, words)):
                continue
            widths.add(len(words) - 5)
            if len(widths) > 1 or not any(_inside([*map(float, words[1:])], each) for each in (2, 3)):
                return 0
    return max(widths, default=0)


def _inside(numbers: Sequence[float], each: int) -> bool:
    """Whether points of `each` numbers behind a box lie in it."""
    (x, y, width, height), points = numbers[:4], numbers[4:]
    if not points or len(points) % each:
        return False
    if each == 3 and not set(points[2::3]) <= {0.0, 1.0, 2.0}:  # whether it is seen
        return False
    pairs = [pair for pair in zip(points[::each], points[1::each], strict=True) if pair != (0.0, 0.0)]
    return bool(pairs) and all(abs(a - x) <= width / 2 + SLACK and abs(b - y) <= height / 2 + SLACK for a, b in pairs)


def _pairs(listing: Listing) -> list[tuple[Path, Path]]:
    """(folder of images, folder of text files) that belong together; the same one where they stand side by side."""
    found = []
    for folder in (listing, *listing.folders):
        images, labels = folder.folder("images"), folder.folder("labels")
        if images is None or labels is None:
            continue
        if _holds_boxes(sorted(labels.path / name for name in labels.below if name.lower().endswith(".txt"))):
            found.append((images.path, labels.path))
    if found:
        return found
    splits = [folder for folder in listing.folders if split_of(folder.name)]
    for folder in (listing, *splits):
        if _holds_boxes([file.with_suffix(".txt") for file in folder.files if is_image(file)]):
            found.append((folder.path, folder.path))
    return found


def _holds_boxes(files: Sequence[Path]) -> bool:
    """Whether the first text files that say anything hold lines of numbers as this form has them."""
    seen = 0
    for file in files:
        if seen == SAMPLED or not file.is_file() or file.name.lower() in NAME_LISTS:
            continue
        lines = [line.split() for line in text_of(file).splitlines() if line.strip()]
        if not lines:
            continue
        if not all(
            _class_in(words[0]) is not None and len(words) >= 5 and all(map(_is_number, words)) for words in lines
        ):
            return False
        seen += 1
    return seen > 0


def _is_number(word: str) -> bool:
    return NUMBER.fullmatch(word) is not None


def _by_folder(names: Sequence[str]) -> dict[str, list[str]]:
    """Split -> images below a folder that is named so; all are train where no folder is named train."""
    found: dict[str, list[str]] = {}
    for name in names:
        split = next((split for part in Path(name).parts[:-1] if (split := split_of(part)) is not None), "train")
        found.setdefault(split, []).append(name)
    return found if "train" in found else {"train": list(names)}


def _names(path: Path, pairs: Sequence[tuple[Path, Path]]) -> tuple[str, ...]:
    """Names of the class numbers, from a list; empty where there is none."""
    for folder in (path, *(labels for _, labels in pairs)):
        for file in (folder / name for name in NAME_LISTS):
            if file.is_file():
                return tuple(line.strip() for line in text_of(file).splitlines() if line.strip())
    return ()


def _read_all(
    images: Sequence[Path], labels: Mapping[Path, Path], rules: Rules, seen: Counter[str], skipped: Skipped
) -> list[Annotated]:
    """seen: what was met, counted: outlines, turned boxes, objects marked twice"""
    found = []
    for image in images:
        file = labels[image]
        try:
            lines = text_of(file).splitlines() if file.is_file() else []
            place = _shown(file, rules.root)
            objects = [
                _object(words, rules, f"{place} line {n}", seen)
                for n, line in enumerate(lines, start=1)
                if (words := line.split())
            ]
            kept = list(dict.fromkeys(objects))
            seen[TWICE] += len(objects) - len(kept)
            found.append(annotated(image, place, kept))
        except DataError as trouble:
            pass_over(trouble, skipped)
    return found


def _class_in(word: str) -> int | None:
    """The number of a class, which some programs write as 0.0 or 1.000e+00; None for what is none."""
    value = float(word) if _is_number(word) else -1.0
    if value < 0 or not value.is_integer():
        return None
    return int(min(value, 1e9))


def _object(
    words: Sequence[str], rules: Rules, place: str, seen: Counter[str]
) -> tuple[str, tuple[float, float, float, float]]:
    names, kind = rules.names, _class_in(words[0])
    if kind is None:
        raise DataError(f"{place} begins with {words[0]!r}; a line begins with the number of a class, counted from 0")
    if not names and kind >= MOST_CLASSES:
        raise DataError(
            f"{place} begins with {words[0][:20]}, too large for a class without a name; list the names in data.yaml"
        )
    if names and kind >= len(names):
        raise DataError(f"{place}: class {kind} has no name; there are {len(names)} names, counted from 0")
    name = names[kind] if names else str(kind)
    return name, _box([number(word, "a side", place) for word in words[1:]], rules.points, place, seen)


def _box(numbers: Sequence[float], points: int, place: str, seen: Counter[str]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom as shares. Raises: DataError for numbers that are neither a box nor an outline"""
    if points and len(numbers) not in (4, 4 + points):
        raise DataError(
            f"{place} has {len(numbers)} numbers after its class; a box has 4, and its key points {points} more"
        )
    if max(map(abs, numbers[:4] if points else numbers), default=0) > FAR:
        raise DataError(
            f"{place} holds {max(numbers, key=abs):g}, and YOLO's numbers are shares of the image, from 0 to 1: divide x and "
            "widths by its width, y and heights by its height"
        )
    if points or len(numbers) == 4:
        x, y, width, height = numbers[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(numbers) < 6 or len(numbers) % 2:
        more = " (a fifth is the confidence of a prediction: remove it)" if len(numbers) == 5 else ""
        raise DataError(
            f"{place} has {len(numbers)} numbers after its class; a box has 4{more}, an outline 6 or more in pairs"
        )
    left, top, right, bottom = min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])
    corners = {(left, top), (right, top), (right, bottom), (left, bottom)}
    if set(zip(numbers[::2], numbers[1::2], strict=True)) != corners:  # else it is that box
        seen["turned" if len(numbers) == 8 else "outlines"] += 1
    return left, top, right, bottom


def _shown(path: Path, root: Path) -> str:
    if path == root:
        return root.name
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
