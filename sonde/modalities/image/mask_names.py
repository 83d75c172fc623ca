"""Files beside masks that name their classes: by number, or by colour."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sonde.core.errors import DataError
from sonde.data.unzipped import text_of

LOOKED_AT = 20  # masks of a split
NAMES = ("classes.txt", "codes.txt", "labels.txt", "names.txt", "class_names.txt")  # of classes, one a line
UNUSED = "__ignore__"  # LabelMe's name of 255, which stands before that of 0
COLOURS = ("class_dict.csv", "class_dict_seg.csv", "labelmap.txt", "label_colors.txt", "label_colours.txt")
# Cordts et al. 2016, arXiv:1604.01685: the classes of *_labelIds.png, in the order of their numbers
CITYSCAPES = tuple(
    re.split(
        ", ",
        "unlabeled, ego vehicle, rectification border, out of roi, static, dynamic, ground, road, sidewalk, parking, rail track, "
        "building, wall, fence, guard rail, bridge, tunnel, pole, polegroup, traffic light, traffic sign, vegetation, terrain, "
        "sky, person, rider, car, truck, bus, caravan, trailer, train, motorcycle, bicycle",
    )
)
VALUES = "_classes.csv"  # Roboflow: the value of a pixel, its class


def class_names(path: Path) -> tuple[list[str], str]:
    """(names in the order of their numbers, the file that has them); empty where there is none.

    Raises: DataError for numbers that leave one out
    """
    file = next((path / name for name in NAMES if (path / name).is_file()), None)
    if file is not None:
        lines = text_of(file).splitlines()
        return [name for line in lines if (name := line.strip()) and name != UNUSED], str(file)
    for file in (path / VALUES, path / "train" / VALUES):
        if file.is_file():
            rows = [[cell.strip() for cell in row] for row in csv.reader(text_of(file).splitlines())]
            named = {int(row[0]): row[1] for row in rows if len(row) == 2 and row[0].isdigit()}
            if not named or sorted(named) != list(range(len(named))):
                raise DataError(
                    f"{file} has to name the class of every pixel value from 0 on; write one a line: 0,background"
                )
            return [named[value] for value in range(len(named))], str(file)
    return [], ""


def colour_names(path: Path) -> dict[str, int]:
    """Class -> its colour as 0xRRGGBB, in the file's order; empty where no file lists colours.

    class_dict.csv:    name,r,g,b            (a header, then one a line)
    label_colors.txt:  64 128 64<tab>Animal  (CamVid)
    labelmap.txt:      road:128,64,128::     (CVAT)

    Raises: DataError for two classes of one colour, and a line that is none of these
    """
    file = next((path / name for name in COLOURS if (path / name).is_file()), None)
    if file is None:
        return {}
    found: dict[str, int] = {}
    for number, line in enumerate(text_of(file).splitlines(), start=1):
        if not line.strip() or line.startswith("#") or (number == 1 and not re.search(r"\d", line)):
            continue
        values = re.findall(r"(?<![\w.])\d{1,3}(?![\w.])", line)
        name = re.sub(r"(?<![\w.])\d{1,3}(?![\w.])|[,;:\t\"]", " ", line).strip()
        if len(values) != 3 or not name or any(int(value) > 255 for value in values):
            raise DataError(f"{file} line {number} is not a class with its colour; write it like roof,128,0,0")
        red, green, blue = map(int, values)
        colour = red << 16 | green << 8 | blue
        other = next((known for known, used in found.items() if used == colour), None)
        if other is not None:
            raise DataError(f"{file}: {other} and {name} have the same colour #{colour:06x}; give each its own")
        found[name] = colour
    return found


def says_nothing(files: Sequence[Path]) -> bool:
    """Whether Cityscapes' masks are those of its test part, whose truth is not published: nothing but the car and the frame."""
    void = {"labelIds": (0, 3), "labelTrainIds": (255, 255)}  # the smallest and largest number then
    limits = next((limit for end, limit in void.items() if files[0].stem.endswith(end)), None)
    if limits is None:
        return False
    for file in files[:LOOKED_AT]:
        with Image.open(file) as image:
            values = np.asarray(image.convert("L"))
        if values.min() < limits[0] or values.max() > limits[1]:
            return False
    return True
