"""Small folders of images with boxes in each form on disk: coloured rectangles on grey."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (220, 40, 40), "blue": (40, 60, 220)}
NAMES = tuple(sorted(COLOURS))  # blue, red


@dataclass(frozen=True)
class Drawn:
    """An image to be written: its name without ending, size, and objects as (name, left, top, right, bottom)."""

    name: str
    height: int = 48
    width: int = 64
    objects: tuple[tuple[str, float, float, float, float], ...] = ()


def random_images(count: int, *, seed: int = 0, height: int = 48, width: int = 64) -> list[Drawn]:
    """Images with one to three rectangles that do not overlap, one in each third of the width."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        objects = []
        for third in range(int(rng.integers(1, 4))):
            wide, high = (int(side) for side in rng.integers(10, width // 3, 2))
            left = third * (width // 3) + int(rng.integers(0, width // 3 - wide + 1))
            top = int(rng.integers(0, height - high + 1))
            objects.append((NAMES[int(rng.integers(2))], left, top, left + wide, top + high))
        found.append(Drawn(f"image{number}", height, width, tuple(objects)))
    return found


def paint(folder: Path, image: Drawn, *, suffix: str = ".png") -> Path:
    """Write the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    page = np.full((image.height, image.width, 3), 130, np.uint8)
    for name, left, top, right, bottom in image.objects:
        page[max(0, int(top)) : max(0, int(bottom)), max(0, int(left)) : max(0, int(right))] = COLOURS[name]
    file = folder / f"{image.name}{suffix}"
    Image.fromarray(page).save(file)
    return file


def voc_xml(image: Drawn, file: str) -> str:
    """The annotation of one image."""
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
        "</bndbox></object>"
        for name, left, top, right, bottom in image.objects
    )
    return f"<annotation><filename>{file}</filename>{objects}</annotation>"


def write_voc(root: Path, splits: Mapping[str, Sequence[Drawn]]) -> Path:
    """Annotations/, JPEGImages/ and, for several splits, ImageSets/Main/."""
    notes = root / "Annotations"
    notes.mkdir(parents=True, exist_ok=True)
    for split, images in splits.items():
        for image in images:
            file = paint(root / "JPEGImages", image)
            (notes / f"{image.name}.xml").write_text(voc_xml(image, file.name), encoding="utf-8")
        if len(splits) > 1:
            lists = root / "ImageSets" / "Main"
            lists.mkdir(parents=True, exist_ok=True)
            (lists / f"{split}.txt").write_text("\n".join(image.name for image in images), encoding="utf-8")
    return root


def coco_content(
    images: Sequence[Drawn], *, names: Sequence[str] = NAMES, suffix: str = ".png"
) -> dict[str, list[dict]]:
    """What a COCO file holds; ids of categories begin at 1."""
    content: dict[str, list[dict]] = {"images": [], "annotations": [], "categories": []}
    content["categories"] = [{"id": place + 1, "name": name} for place, name in enumerate(names)]
    for number, image in enumerate(images):
        entry = {"id": 10 + number, "file_name": image.name + suffix, "height": image.height, "width": image.width}
        content["images"].append(entry)
        for name, left, top, right, bottom in image.objects:
            box = [left, top, right - left, bottom - top]
            annotation = {"id": len(content["annotations"]), "image_id": 10 + number, "bbox": box, "iscrowd": 0}
            content["annotations"].append({**annotation, "category_id": names.index(name) + 1})
    return content


def write_coco(root: Path, splits: Mapping[str, Sequence[Drawn]]) -> Path:
    """annotations/instances_SPLIT.json and SPLIT/ with the images."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for split, images in splits.items():
        for image in images:
            paint(root / split, image)
        file = root / "annotations" / f"instances_{split}.json"
        file.write_text(json.dumps(coco_content(images)), encoding="utf-8")
    return root


def yolo_lines(image: Drawn) -> str:
    """The text file of one image."""
    return "".join(
        f"{NAMES.index(name)} {(left + right) / 2 / image.width:.6f} {(top + bottom) / 2 / image.height:.6f} "
        f"{(right - left) / image.width:.6f} {(bottom - top) / image.height:.6f}\n"
        for name, left, top, right, bottom in image.objects
    )


def write_yolo(root: Path, splits: Mapping[str, Sequence[Drawn]]) -> Path:
    """images/SPLIT, labels/SPLIT and data.yaml; an image without objects has no text file."""
    for split, images in splits.items():
        for image in images:
            paint(root / "images" / split, image)
            labels = root / "labels" / split
            labels.mkdir(parents=True, exist_ok=True)
            if image.objects:
                (labels / f"{image.name}.txt").write_text(yolo_lines(image), encoding="utf-8")
    (root / "data.yaml").write_text(f"names: [{', '.join(NAMES)}]\n", encoding="utf-8")
    return root


def write_imglab(root: Path, splits: Mapping[str, Sequence[Drawn]]) -> Path:
    """SPLIT.xml beside the images."""
    for split, images in splits.items():
        entries = []
        for image in images:
            file = paint(root, image)
            boxes = "".join(
                f"<box top='{top}' left='{left}' width='{right - left}' height='{bottom - top}'><label>{name}</label></box>"
                for name, left, top, right, bottom in image.objects
            )
            entries.append(f"<image file='{file.name}'>{boxes}</image>")
        text = f"<?xml version='1.0'?><dataset><images>{''.join(entries)}</images></dataset>"
        (root / f"{split}.xml").write_text(text, encoding="utf-8")
    return root
