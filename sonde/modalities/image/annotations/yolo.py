"""YOLO: a text file an image with a line for each object: class number, middle, width and height as shares of the image.

Lines of more numbers are a box and its key points where a data.yaml has kpt_shape, or all points lie in the box; else they are
outlines, whose box is taken.
Source: github.com/AlexeyAB/darknet, docs.ultralytics.com/datasets/detect
"""

from collections.abc import Mapping, Sequence
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
from sonde.modalities.image.annotations.yolo_yaml import (
    content_of,
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
SAMPLED = 20  # label files looked at to tell the form


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
        left = len(labels) - sum(map(len, said.values()))
        notes += [f"{left:,} images are in no part that {file.name} names and are not used"] if file and left else []
    else:
        relative = {image.relative_to(path).as_posix(): image for image in labels}
        by_name = chosen_by(lists, list(relative), skipped) if lists else _by_folder(list(relative))
        notes += unlisted(list(relative), by_name, lists)
        chosen = {split: [relative[name] for name in members] for split, members in by_name.items()}
    points = key_points(content, file) if file is not None else 0
    points = points or _points_in([labels[image] for images in chosen.values() for image in images])
    notes += ["key points of objects are left out; their boxes are learnt"] if points else []
    found = {split: _read_all(images, labels, names, root, points, skipped) for split, images in chosen.items()}
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
        notes=notes,
    )


def _said(file: Path) -> list[str]:
    """The splits whose images a YAML file names, where any of them has boxes; nothing for another YAML file."""
    try:
        content = content_of(file)
        names_in(content, file)
        found, _ = images_by_split(content, file)
    except DataError:
        return []
    return list(found) if _holds_boxes([labels_of(image) for image in found.get("train", ())]) else []


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
        if not all(words[0].isdigit() and len(words) >= 5 and all(map(_is_number, words)) for words in lines):
            return False
        seen += 1
    return seen > 0


def _is_number(word: str) -> bool:
    return word.lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()


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
    images: Sequence[Path],
    labels: Mapping[Path, Path],
    names: Sequence[str],
    root: Path,
    points: int,
    skipped: Skipped,
) -> list[Annotated]:
    """points: numbers of key points behind each box"""
    found = []
    for image in images:
        file = labels[image]
        try:
            lines = text_of(file).splitlines() if file.is_file() else []
            place = _shown(file, root)
            objects = [
                _object(words, names, f"{place} line {n}", points)
                for n, line in enumerate(lines, start=1)
                if (words := line.split())
            ]
            found.append(annotated(image, place, objects))
        except DataError as trouble:
            pass_over(trouble, skipped)
    return found


def _object(
    words: Sequence[str], names: Sequence[str], place: str, points: int
) -> tuple[str, tuple[float, float, float, float]]:
    if not words[0].isdigit():
        raise DataError(f"{place} begins with {words[0]!r}; it begins with the number of a class, counted from 0")
    kind = int(words[0]) if len(words[0]) < 10 else MOST_CLASSES
    if not names and kind >= MOST_CLASSES:
        raise DataError(
            f"{place} begins with {words[0][:20]}, too large for a class without a name; list the names in data.yaml"
        )
    if names and kind >= len(names):
        raise DataError(f"{place}: class {kind} has no name; there are {len(names)} names, counted from 0")
    numbers = [number(word, "a side", place) for word in words[1:]]
    name = names[kind] if names else str(kind)
    if points and len(numbers) not in (4, 4 + points):
        raise DataError(
            f"{place} has {len(numbers)} numbers after its class; a box has 4, and its key points {points} more"
        )
    if points or len(numbers) == 4:
        x, y, width, height = numbers[:4]
        return name, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    if len(numbers) < 6 or len(numbers) % 2:
        raise DataError(
            f"{place} has {len(numbers)} numbers after its class; a box has 4, an outline 6 or more in pairs"
        )
    return name, (min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2]))


def _shown(path: Path, root: Path) -> str:
    if path == root:
        return root.name
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
