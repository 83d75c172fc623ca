"""Files of annotation programs: where they stand, what is in them, and shapes as the boxes around them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import cos, radians, sin
from pathlib import Path
from typing import Any

from sonde.core.errors import DataError, first_line
from sonde.core.files import parsed_json
from sonde.data.listing import Listing, head_and_tail
from sonde.data.splits import in_order
from sonde.modalities.image.annotations.annotated import SNIFFED, files_by_split, split_of

PLACES = ("annotations", "annotation", "labels", "ann", "json")  # folders where such files stand, besides split folders
OUTLINES = "outlines of objects are learned as the boxes around them"
Box = tuple[float, float, float, float]


def marked_files(listing: Listing, suffix: str, is_one: Callable[[bytes], bool]) -> list[Path]:
    """Files with an ending at a place or one folder below, by a look at the begin and end of each."""
    below = [folder for folder in listing.folders if folder.name.lower() in PLACES or split_of(folder.name)]
    files = [file for folder in (listing, *below) for file in folder.ending(suffix)]
    return [file for file in files if is_one(b"".join(listing.once(head_and_tail, file, SNIFFED)))]


def one_a_split(listing: Listing, files: Sequence[Path]) -> dict[str, Path]:
    """Split -> file, by the name of the file or its folder. Raises: DataError for two files of a split"""
    return files_by_split(listing.path, files, lambda file: split_of(file.stem) or split_of(file.parent.name))


def by_folder(listing: Listing, files: Sequence[Path]) -> dict[str, list[Path]]:
    """Split -> files, by the folders that they stand in; all are train where no folder is named train."""
    found: dict[str, list[Path]] = {}
    for file in files:
        parts = file.relative_to(listing.path).parts[:-1] if listing.is_dir else ()
        split = next((split for part in parts if (split := split_of(part)) is not None), "train")
        found.setdefault(split, []).append(file)
    return in_order(found) if "train" in found else {"train": list(files)}


def json_of(file: Path) -> Any:
    """What a file holds. Raises: DataError for one that is not valid JSON"""
    try:
        return parsed_json(file.read_bytes())
    except ValueError as error:
        raise DataError(f"{file} is not valid JSON ({error}); export it again") from None


@contextmanager
def written_by(program: str, place: str) -> Iterator[None]:
    """Reading an entry of a program's file. Raises: DataError for one that is not as the program writes it"""
    try:
        yield
    except DataError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else first_line(error)
        raise DataError(f"{place} is not as {program} writes it ({what}); export it again") from None


def hull(points: Sequence[Sequence[float]]) -> Box:
    """The box around points.

    >>> hull([(4, 2), (1, 9), (3, 3)])
    (1.0, 2.0, 4.0, 9.0)
    """
    across, down = [float(point[0]) for point in points], [float(point[1]) for point in points]
    return min(across), min(down), max(across), max(down)


def turned_hull(value: Mapping[str, Any]) -> Box:
    """The box around a rectangle of x, y, width and height that is turned about its upper left corner by `rotation` degrees.

    >>> [round(side, 6) for side in turned_hull({"x": 10, "y": 10, "width": 4, "height": 2, "rotation": 90})]
    [8.0, 10.0, 10.0, 14.0]
    """
    left, top, width, height = (float(value[side]) for side in ("x", "y", "width", "height"))
    angle = radians(float(value.get("rotation") or 0))
    corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    return hull([(left + x * cos(angle) - y * sin(angle), top + x * sin(angle) + y * cos(angle)) for x, y in corners])
