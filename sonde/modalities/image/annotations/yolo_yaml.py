"""YOLO's data.yaml: where images are, which split they belong to, what classes are called, how many key points objects have.

path: ../data              relative to the file; the places below are relative to it
train: images/day          a folder, a list of folders, or a text file with a path a line
val: images/night
names: [red, blue]
kpt_shape: [5, 3]          points, and numbers of each
Source: docs.ultralytics.com/datasets/detect
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.data.unzipped import text_of
from sonde.modalities.image.annotations.annotated import images_below
from sonde.modalities.image.annotations.locate import Locator
from sonde.modalities.image.files import is_image
from sonde.modalities.image.name_index import parts_of

MOST_NAMED = 10_000  # classes that are only counted
YAMLS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")


def yaml_of(listing: Listing) -> Path | None:
    """The file that describes a data set: the path itself, or one in the folder; None where there is none."""
    if listing.is_file:
        return listing.path if listing.path.suffix.lower() in (".yaml", ".yml") else None
    return next((file for name in YAMLS for file in listing.files if file.name == name), None)


def content_of(file: Path) -> Mapping[str, Any]:
    """What a file says. Raises: DataError for one that is not valid YAML, or no mapping"""
    import yaml

    try:
        content = yaml.safe_load(file.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{file} is not valid YAML ({' '.join(str(error).split())}); fix the file") from None
    if not isinstance(content, dict):
        raise DataError(f"{file} has no names; write names: [first, second, …], in the order of the class numbers")
    return content


def count_note(content: Mapping[str, Any], names: Sequence[str], file: Path) -> list[str]:
    """A note where the number of classes that a file gives is not that of its names."""
    said = content.get("nc")
    if said is None or said == len(names):
        return []
    return [f"{file.name} says nc: {said} and names {len(names)} classes; its names are taken"]


def names_in(content: Mapping[str, Any], file: Path) -> tuple[str, ...]:
    """Names of the classes in the order of their numbers. Raises: DataError where there are none"""
    names, count = content.get("names"), content.get("nc")
    if isinstance(names, Mapping) and all(str(key).isdigit() for key in names):
        numbered = {int(key): name for key, name in names.items()}
        absent = [number for number in range(max(numbered, default=0)) if number not in numbered]
        if absent:
            raise DataError(
                f"{file}: names lacks {', '.join(map(str, absent[:8]))}; name every number from 0 on, with a word for "
                "those that are not used"
            )
        names = [numbered[place] for place in range(len(numbered))]
    if not names and isinstance(count, int) and 0 < count <= MOST_NAMED:
        return tuple(map(str, range(count)))
    if not isinstance(names, list) or not names:
        raise DataError(f"{file} has no names; write names: [first, second, …], in the order of the class numbers")
    return tuple(str(name) for name in names)


def key_points(content: Mapping[str, Any], file: Path) -> int:
    """How many numbers stand behind a box for key points, 0 for none. Raises: DataError for a kpt_shape that is none"""
    shape = content.get("kpt_shape")
    if shape is None:
        return 0
    if not (isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, int) and n > 0 for n in shape)):
        raise DataError(f"{file}: kpt_shape is {shape!r}; write the number of points and of values of each: [17, 3]")
    return shape[0] * shape[1]


def images_by_split(content: Mapping[str, Any], file: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """(split -> its images, notes), as the file says; nothing where it names no train part that is there.

    Raises: DataError for an image that is in two splits, and a list that names what is not there
    """
    base = _base(content, file)
    named = {SPLIT_NAMES[key]: content[key] for key in content if key in SPLIT_NAMES and content[key]}
    found: dict[str, list[Path]] = {}
    notes = []
    for split, places in in_order(named).items():
        images: list[Path] = []
        for place in places if isinstance(places, list) else [places]:
            where = _found(str(place), base, file.parent)
            if where is None and split != "train":
                notes.append(f"{file.name}: {split}: {place} does not exist and is not used")
            elif where is not None:
                images += _images(where, file.parent)
        if split != "train" and images and set(images) == set(found.get("train", ())):
            notes.append(
                f"{file.name}: {split} is the same folder as train, and is not used: rows are drawn from train instead"
            )
        elif images:
            found[split] = images
    if "train" not in found:
        return {}, []
    _check_once(found, file)
    return found, notes


def _base(content: Mapping[str, Any], file: Path) -> Path:
    path = Path(str(content.get("path") or ".")).expanduser()
    return path if path.is_absolute() else file.parent / path


def _found(place: str, base: Path, folder: Path) -> Path | None:
    """A folder or list that a YAML file names: as written, or by the longest end of its path that is there."""
    written = Path(place.replace("\\", "/"))
    parts = parts_of(place)
    tails = [Path(*parts[start:]) for start in range(len(parts))]
    for candidate in (base / written, folder / written, *(root / tail for tail in tails for root in (base, folder))):
        if candidate.exists():
            return candidate.resolve() if ".." in candidate.parts else candidate
    return None


def _images(place: Path, folder: Path) -> list[Path]:
    """Of a folder, or a text file with a path a line. Raises: DataError for a line that names no image"""
    if place.is_dir():
        return images_below(place)
    if place.suffix.lower() != ".txt":
        return [place] if is_image(place) else []
    locator, found = Locator(folder), []
    for number, line in enumerate(text_of(place).splitlines(), start=1):
        if not line.strip():
            continue
        image = locator.find(place.parent, line)
        if not image.is_file():
            raise DataError(f"{place} line {number}: {line.strip()!r} names no image; fix the list")
        found.append(image)
    return found


def _check_once(found: Mapping[str, Sequence[Path]], file: Path) -> None:
    owner: dict[Path, str] = {}
    for split, images in found.items():
        for image in images:
            if owner.setdefault(image, split) != split:
                raise DataError(f"{file}: {image} is in {owner[image]} and in {split}; an image belongs to one split")


def labels_of(image: Path) -> Path:
    """The text file of an image: under labels/ in the place of the last images/ of its path, or beside it."""
    parts = list(image.parts)
    lower = [part.lower() for part in parts[:-1]]
    if "images" in lower:
        place = len(lower) - 1 - lower[::-1].index("images")
        found = Path(*parts[:place], "labels", *parts[place + 1 :]).with_suffix(".txt")
        if found.is_file() or not image.with_suffix(".txt").is_file():
            return found
    return image.with_suffix(".txt")
