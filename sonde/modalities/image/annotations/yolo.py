"""YOLO: a text file an image with a line for each object: class number, middle, width and height as shares of the image.

Lines of more numbers are outlines, whose box is taken.
Source: github.com/AlexeyAB/darknet, docs.ultralytics.com/datasets/detect
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sonde.core.errors import DataError
from sonde.data.listing import Listing
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
from sonde.modalities.image.files import is_image

YAMLS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
NAME_LISTS = ("classes.txt", "obj.names", "labels.names", "names.txt")
MOST_CLASSES = 10_000  # that have no names: each has an output of the network
SAMPLED = 20  # label files looked at to tell the form


def recognise(listing: Listing) -> str | None:
    """Why a folder holds YOLO's text files, None if it does not."""
    pairs = _pairs(listing)
    return f"text files of boxes in {', '.join(_shown(labels, listing.path) for _, labels in pairs)}" if pairs else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images; one without a text file has no objects. Folders or lists tell the splits, else all are train.

    Raises: DataError for lines that are no boxes, class numbers without a name
    """
    path, pairs = listing.path, _pairs(listing)
    names = _names(path, pairs)
    labels = {
        image: text / image.relative_to(images).with_suffix(".txt")
        for images, text in pairs
        for image in images_below(images)
    }
    lists = split_lists(listing)
    relative = {image.relative_to(path).as_posix(): image for image in labels}
    notes: list[str] = []
    if lists:
        chosen = chosen_by(lists, list(relative), skipped)
        notes = unlisted(list(relative), chosen, lists)
    else:
        chosen = _by_folder(list(relative))
    found = {
        split: _read_all([relative[n] for n in members], labels, names, path, skipped)
        for split, members in chosen.items()
    }
    if not names:  # class numbers are names then, from 0 to the largest that occurs
        used = {int(name) for images in found.values() for image in images for name in image.names}
        names = tuple(str(kind) for kind in range(max(used, default=-1) + 1))
    return Annotations(
        form="YOLO text files",
        why=f"lists {', '.join(file.name for file in lists.values())}"
        if lists
        else f"text files in {_shown(pairs[0][1], path)}",
        splits=found,
        names=names,
        shares=True,
        files=[*(file for file in labels.values() if file.is_file()), *lists.values()],
        notes=notes,
    )


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
        lines = [
            line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
        ]
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
    """Names of the class numbers, from a YAML file or a list; empty where there is none."""
    for file in (path / name for name in YAMLS):
        if file.is_file():
            return _names_of_yaml(file)
    for folder in (path, *(labels for _, labels in pairs)):
        for file in (folder / name for name in NAME_LISTS):
            if file.is_file():
                return tuple(line.strip() for line in text_of(file).splitlines() if line.strip())
    return ()


def _names_of_yaml(file: Path) -> tuple[str, ...]:
    import yaml

    try:
        content = yaml.safe_load(file.read_bytes())
    except yaml.YAMLError as error:
        raise DataError(f"{file} is not valid YAML ({' '.join(str(error).split())}); fix the file") from None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, Mapping) and sorted(names) == list(range(len(names))):
        names = [names[place] for place in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DataError(f"{file} has no names; write names: [first, second, …], in the order of the class numbers")
    return tuple(str(name) for name in names)


def _read_all(
    images: Sequence[Path], labels: Mapping[Path, Path], names: Sequence[str], root: Path, skipped: Skipped
) -> list[Annotated]:
    found = []
    for image in images:
        file = labels[image]
        try:
            lines = text_of(file).splitlines() if file.is_file() else []
            place = _shown(file, root)
            objects = [
                _object(words, names, f"{place} line {n}")
                for n, line in enumerate(lines, start=1)
                if (words := line.split())
            ]
            found.append(annotated(image, place, objects))
        except DataError as trouble:
            pass_over(trouble, skipped)
    return found


def _object(words: Sequence[str], names: Sequence[str], place: str) -> tuple[str, tuple[float, float, float, float]]:
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
    if len(numbers) == 4:
        x, y, width, height = numbers
        return name, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    if len(numbers) < 6 or len(numbers) % 2:
        raise DataError(
            f"{place} has {len(numbers)} numbers after its class; a box has 4, an outline 6 or more in pairs"
        )
    return name, (min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2]))


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path != root else root.name
