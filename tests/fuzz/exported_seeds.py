"""A small sound example of each export of boxes by another program: what the fuzzer changes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drawn import picture

COUNT = 6


def _pictures(folder: Path, ending: str = "png") -> list[str]:
    """The names of images that are written."""
    for n in range(COUNT):
        picture(folder / f"{n:06d}.{ending}", 20 * n)
    return [f"{n:06d}.{ending}" for n in range(COUNT)]


def _written(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


def kitti(root: Path) -> None:
    line = "{} 0.00 0 -1.58 1 2 8 9.5 1.41 1.58 4.36 3.18 2.27 34.38 -1.58\n"
    for n, name in enumerate(_pictures(root / "training" / "image_2")):
        _written(root / "training" / "label_2" / f"{name[:-4]}.txt", line.format("Car") + line.format("Van") * (n % 2))


def label_studio(root: Path) -> None:
    value = {"x": 25, "y": 50, "width": 12.5, "height": 25, "rotation": 0, "rectanglelabels": ["cat"]}
    region = {"type": "rectanglelabels", "value": value, "original_width": 12, "original_height": 12}
    tasks = [
        {"data": {"image": f"/data/upload/1/{name}"}, "annotations": [{"result": [region], "was_cancelled": False}]}
        for name in _pictures(root / "images")
    ]
    _written(root / "project.json", tasks)


def fiftyone(root: Path) -> None:
    box = {"label": 1, "bounding_box": [0.25, 0.5, 0.125, 0.25]}
    labels = {name[:-4]: [box] for name in _pictures(root / "data")}
    _written(root / "labels.json", {"classes": ["cat", "dog"], "labels": labels})


def labelme(root: Path) -> None:
    shapes = [
        {"label": "cat", "points": [[1, 2], [8, 2], [8, 9]], "shape_type": "polygon"},
        {"label": "dog", "points": [[3, 3], [9, 9]], "shape_type": "rectangle"},
    ]
    for name in _pictures(root):
        content = {"shapes": shapes, "imagePath": name, "imageHeight": 12, "imageWidth": 12, "imageData": None}
        _written(root / f"{name[:-4]}.json", content)


def via(root: Path) -> None:
    shape = {"name": "rect", "x": 1, "y": 2, "width": 5, "height": 6}
    region = {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
    entries = {f"{name}9": {"filename": name, "size": 9, "regions": [region]} for name in _pictures(root)}
    _written(root / "via.json", entries)


def createml(root: Path) -> None:
    box = {"label": "cat", "coordinates": {"x": 5, "y": 6, "width": 4, "height": 3}}
    _written(root / "_annotations.createml.json", [{"image": n, "annotations": [box]} for n in _pictures(root)])


def supervisely(root: Path) -> None:
    box = {"classTitle": "cat", "geometryType": "rectangle", "points": {"exterior": [[1, 2], [8, 9]], "interior": []}}
    _written(root / "meta.json", {"classes": [{"title": "cat", "shape": "rectangle"}]})
    for name in _pictures(root / "set" / "img"):
        content = {"size": {"height": 12, "width": 12}, "objects": [box]}
        _written(root / "set" / "ann" / f"{name}.json", content)


def wider_face(root: Path) -> None:
    for split in ("train", "val"):
        names = _pictures(root / f"WIDER_{split}" / "images" / "0--Parade", "jpg")
        lines = "".join(f"0--Parade/{name}\n1\n1 2 5 6 0 0 0 0 0 0 \n" for name in names)
        _written(root / "wider_face_split" / f"wider_face_{split}_bbx_gt.txt", lines)


def mot(root: Path) -> None:
    video = root / "train" / "MOT17-02"
    for n in range(1, COUNT + 1):
        picture(video / "img1" / f"{n:06d}.png", 20 * n)
    _written(video / "gt" / "gt.txt", "".join(f"{n},7,1,2,5,6,1,1,0.9\n" for n in range(1, COUNT + 1)))


def open_images(root: Path) -> None:
    head = "ImageID,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf\n"
    for split in ("train", "validation"):
        rows = "".join(f"{name[:-4]},/m/1,1,0.25,0.5,0.5,1.0,0\n" for name in _pictures(root / split))
        _written(root / f"{split}-annotations-bbox.csv", head + rows)
    _written(root / "class-descriptions-boxable.csv", "/m/1,Cat\n")


EXPORTS: dict[str, Callable[[Path], None]] = {
    "kitti": kitti, "label studio": label_studio, "fiftyone": fiftyone, "labelme": labelme, "via": via, "create ml": createml,
    "supervisely": supervisely, "wider face": wider_face, "mot": mot, "open images": open_images,
}  # fmt: skip
"""Name -> what makes it in an empty folder, which is given as DATA."""
