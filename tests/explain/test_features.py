"""Features as they are written into a run folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sonde.core.dataset import TargetSpec
from sonde.explain.features import MOST_ROWS, Seen, write_features


class Stripes:
    """Rows of grey images: class 0 has a bright row, class 1 a bright column, where the row's number says."""

    def __init__(self, count: int, *, labelled: bool = True) -> None:
        self.labelled = labelled
        self.images = np.zeros((count, 1, 12, 12), np.uint8)
        for row in range(count):
            place = 3 + row // 2 % 6
            self.images[(row, 0, place) if row % 2 == 0 else (row, 0, slice(None), place)] = 60 + row % 180

    def __len__(self) -> int:
        return len(self.images)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        return {"input": self.images[indices]} | ({"target": indices % 2} if self.labelled else {})

    def describe(self, index: int) -> str:
        return f"image {index}"

    def nbytes(self) -> int:
        return self.images.nbytes


def seen(rows: Stripes, kind: str = "class") -> Seen:
    def read(numbers: Sequence[int]) -> Tensor:
        return torch.from_numpy(rows.images[np.asarray(numbers)]).float() / 255

    names = ("across", "down")
    target = TargetSpec(kind="class", names=names) if kind == "class" else TargetSpec(kind="value", names=("x",))
    return Seen(split="test", rows=rows, target=target, read=read, shape=(1, 12, 12))


def edges() -> nn.Sequential:
    """A channel for rows and one for columns, then a head."""
    convolution = nn.Conv2d(1, 2, 3, padding=1, bias=False)
    row = torch.tensor([[-1.0, -1, -1], [2, 2, 2], [-1, -1, -1]])
    convolution.weight.data = torch.stack([row, row.T])[:, None]
    return nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))


def written(folder: Path, model: nn.Sequential, images: Seen, *, seconds: float = 100) -> dict[str, Any]:
    write_features(folder, model, {"0": [model[0], model[1]]}, images, seconds=seconds)
    return json.loads((folder / "features.json").read_text())


def test_a_detector_of_rows_is_told_from_one_of_columns(tmp_path: Path):
    found = written(tmp_path, edges(), seen(Stripes(400)))
    assert (found["split"], found["rows"], found["reason"]) == ("test", MOST_ROWS, "")
    layer = found["layers"][0]
    assert (layer["name"], layer["channels"], layer["side"]) == ("0", 2, 3)
    classes = {entry["channel"]: entry["classes"] for entry in layer["shown"]}
    assert classes == {0: {"across": 6}, 1: {"down": 6}}
    for entry in layer["shown"]:
        assert {int(row.split()[1]) % 2 for row in entry["rows"]} == {entry["channel"]}
        with Image.open(tmp_path / entry["picture"]) as image:
            first = np.asarray(image)[1:52, 1:52]  # 17 times 3 pixels
        bright = first[17:34] if entry["channel"] == 0 else first[:, 17:34]
        assert (bright >= 60).all()
        assert (first < 60).sum() == 2 * first.size // 3


def test_filters_are_a_picture_too(tmp_path: Path):
    found = written(tmp_path, edges(), seen(Stripes(60)))["filters"]
    assert {name: found[name] for name in ("layer", "count", "shown", "size", "reason")} == {
        "layer": "0", "count": 2, "shown": 2, "size": [3, 3], "reason": "",
    }  # fmt: skip
    with Image.open(tmp_path / found["picture"]) as image:
        pixels = np.asarray(image)
    assert pixels[16].tolist()[1:31] == [255] * 30  # the middle row of the first, ten times 3 pixels


def test_without_classes_none_are_told(tmp_path: Path):
    found = written(tmp_path, edges(), seen(Stripes(60, labelled=False), kind="value"))
    assert [entry["classes"] for entry in found["layers"][0]["shown"]] == [{}, {}]


def test_what_is_missing_has_its_reason_and_old_pictures_go(tmp_path: Path):
    written(tmp_path, edges(), seen(Stripes(60)))
    assert len(list((tmp_path / "features").iterdir())) == 3
    found = written(tmp_path, edges(), seen(Stripes(60)), seconds=0)
    assert (found["layers"], found["rows"]) == ([], 0)
    assert "s per image, too slow" in found["reason"]
    assert [path.name for path in (tmp_path / "features").iterdir()] == ["filters.png"]


def test_a_head_alone_has_filters_and_no_layers(tmp_path: Path):
    model = nn.Sequential(nn.Flatten(), nn.Linear(144, 2))
    write_features(tmp_path, model, {}, seen(Stripes(60)), seconds=100)
    found = json.loads((tmp_path / "features.json").read_text())
    assert found["reason"] == "no layer before the output has channels to show"
    assert (found["filters"]["layer"], found["filters"]["size"]) == ("1", [12, 12])


@pytest.mark.parametrize("count", [1, 5])
def test_few_rows_are_enough_to_go_on(tmp_path: Path, count: int):
    found = written(tmp_path, edges(), seen(Stripes(count)))
    assert found["rows"] in (0, count)
