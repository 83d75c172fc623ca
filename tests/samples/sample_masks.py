"""Images with masks for tests: bright discs on a dark ground, written in the ways in which people write masks."""

from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 32


def discs(count: int, seed: int) -> np.ndarray:
    """(SIDE, SIDE) int32: numbers of discs from 1, later ones over earlier ones."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    objects: np.ndarray = np.zeros((SIDE, SIDE), np.int32)
    for number in range(1, count + 1):
        row, column = rng.integers(4, SIDE - 4, 2)
        objects[(rows - row) ** 2 + (columns - column) ** 2 <= 9] = number
    return objects


def picture(objects: np.ndarray, seed: int) -> Image.Image:
    """Colour noise, brighter where an object is."""
    noise = np.random.default_rng(seed).integers(0, 60, (*objects.shape, 3))
    return Image.fromarray((noise + 150 * (objects > 0)[..., None]).astype(np.uint8))


def folder(root: Path, count: int, *, images: str = "images", masks: str = "masks", kind: str = "binary") -> None:
    """`count` images of discs in root/images and their masks in root/masks. kind: binary, classes, palette or objects."""
    for name in (images, masks):
        (root / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        objects = discs(number % 3 + 1, number)
        picture(objects, number).save(root / images / f"{number}.png")
        written(objects, kind).save(root / masks / f"{number}.png")


def written(objects: np.ndarray, kind: str) -> Image.Image:
    """Object numbers as a mask of one kind; as classes every second disc is of class 2."""
    classes = np.where(objects > 0, 1 + objects % 2, 0).astype(np.uint8)
    if kind == "objects":
        return Image.fromarray(objects.astype(np.uint16))
    if kind == "binary":
        return Image.fromarray((255 * (objects > 0)).astype(np.uint8))
    image = Image.fromarray(classes)
    if kind == "palette":
        image = Image.fromarray(classes, mode=None).convert("P")
        image.putdata(classes.ravel().tolist())
        image.putpalette([0, 0, 0, 200, 0, 0, 0, 0, 200])
    return image
