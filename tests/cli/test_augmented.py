"""The sheet of augmented images, read back pixel by pixel."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sonde.cli.augmented import IMAGES, LINE, VERSIONS, caption, write_augmented
from sonde.cli.contact_sheet import GAP, TILE
from sonde.cli.main import main
from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError, DataError


class Kept:
    """Rows in memory."""

    def __init__(self, **fields: np.ndarray) -> None:
        self.fields = fields

    def __len__(self) -> int:
        return len(self.fields["input"])

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values[indices] for name, values in self.fields.items()}

    def describe(self, index: int) -> str:
        return f"row {index}"

    def nbytes(self) -> int:
        return sum(values.nbytes for values in self.fields.values())


def halves(count: int = IMAGES) -> np.ndarray:
    """(n, 3, 32, 32): red to the left, blue to the right."""
    images = np.zeros((count, 3, 32, 32), np.uint8)
    images[:, 0, :, :16] = 250
    images[:, 2, :, 16:] = 250
    return images


def dataset(wanted: TargetSpec, **fields: np.ndarray) -> Dataset:
    spec = InputSpec(kind="image", shape=(3, 32, 32), mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
    rows = Kept(**fields)
    schema = Schema(input=spec, target=wanted)
    return Dataset(name="d", source="d", form="arrays", schema=schema, splits={"train": rows}, facts=())


def classes() -> Dataset:
    target = TargetSpec(kind="class", names=("cat", "dog", "cow"))
    return dataset(target, input=halves(), target=np.arange(IMAGES) % 3)


def tiles(path: Path, *, below: bool) -> np.ndarray:
    """(images, 1 + versions, TILE, TILE, 3), the first of each line as it is."""
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    height = LINE + TILE + (LINE if below else 0) + GAP
    assert pixels.shape == (GAP + IMAGES * height, 3 * GAP + (1 + VERSIONS) * (TILE + GAP), 3)
    lefts = [GAP + number * (TILE + GAP) + (2 * GAP if number else 0) for number in range(1 + VERSIONS)]
    tops = [GAP + line * height + LINE for line in range(IMAGES)]
    return np.stack([[pixels[top : top + TILE, left : left + TILE] for left in lefts] for top in tops])


def test_each_image_stands_beside_its_versions(tmp_path: Path):
    assert write_augmented(tmp_path / "s.png", classes(), "flip=1") == "flip=1"
    found = tiles(tmp_path / "s.png", below=True)
    assert (found[:, 0, :, : TILE // 2] == [250, 0, 0]).all()
    assert (found[:, 1:, :, : TILE // 2] == [0, 0, 250]).all()  # mirrored, every one
    assert (found[:, 1:, :, TILE // 2 :] == [250, 0, 0]).all()


def test_versions_differ_and_a_second_sheet_does_not(tmp_path: Path):
    for name in ("a", "b"):
        write_augmented(tmp_path / f"{name}.png", classes(), "flip,crop=8")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    versions = tiles(tmp_path / "a.png", below=True)[0, 1:]
    assert len({version.tobytes() for version in versions}) > 3


def test_masks_are_drawn_where_they_went(tmp_path: Path):
    mask = np.zeros((IMAGES, 32, 32), np.uint8)
    mask[:, :, :16] = 1  # on red
    target = TargetSpec(kind="mask", names=("background", "thing"))
    write_augmented(tmp_path / "s.png", dataset(target, input=halves(), target=mask), "flip=1")
    found = tiles(tmp_path / "s.png", below=False)
    inside = np.s_[:, TILE // 4 : TILE // 2]
    for line in found:
        before, after = line[0], line[1][:, ::-1]
        assert np.array_equal(before, after)  # the mirror image, colours and all
        assert (before[inside][..., 1] > 20).all()  # something green or blue lies on the red
        assert (before[:, -20:] == [0, 0, 250]).all()  # and nothing on the background


def test_boxes_are_drawn_where_they_went(tmp_path: Path):
    boxes = np.full((IMAGES, 2, 5), -1, np.float32)
    boxes[:, 0] = [1, 4, 8, 12, 24]  # left, top, right, bottom
    target = TargetSpec(kind="boxes", names=("a", "b"))
    images = np.zeros((IMAGES, 3, 32, 32), np.uint8)
    write_augmented(tmp_path / "s.png", dataset(target, input=images, target=boxes), "flip=1")
    line = tiles(tmp_path / "s.png", below=False)[0]
    for tile, (left, right) in ((line[0], (16, 47)), (line[1], (80, 111))):  # four times as large, then mirrored
        drawn = np.argwhere((tile == [0x00, 0x72, 0xB2]).all(-1))
        assert drawn.min(0).tolist() == [32, left]
        assert drawn.max(0).tolist() == [95, right]


def test_what_was_mixed_is_told():
    target = TargetSpec(kind="class", names=("cat", "dog"))
    fields: dict[str, Tensor] = {"target": torch.tensor([0, 1])}
    assert caption(fields, 1, target) == "dog"
    fields |= {"mix_target": torch.tensor([1, 0]), "mix_weight": torch.tensor([0.7, 1.0])}
    assert caption(fields, 0, target) == "cat (70 %), dog (30 %)"


@pytest.mark.parametrize(
    ("data", "text", "message"),
    [
        (classes(), "flop", "unknown augmentation 'flop'; did you mean 'flip'"),
        (
            dataset(
                TargetSpec(kind="mask", names=("a", "b")), input=halves(), target=np.zeros((IMAGES, 32, 32), np.uint8)
            ),
            "mixup=0.2",
            "masks cannot be transformed along with the image",
        ),
        (
            dataset(
                TargetSpec(kind="boxes", names=("a", "b")), input=halves(), target=np.zeros((IMAGES, 1, 5), np.float32)
            ),
            "cutout=3",
            "unknown augmentation of images with boxes 'cutout'",
        ),
    ],
)
def test_a_policy_must_suit_the_data(tmp_path: Path, data: Dataset, text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        write_augmented(tmp_path / "s.png", data, text)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path):
    (tmp_path / "s.png").mkdir()
    with pytest.raises(DataError, match=r"cannot write .*s\.png: Is a directory"):
        write_augmented(tmp_path / "s.png", classes(), "flip")


def test_inspect_draws_what_the_recipe_would_do(tmp_path: Path, monkeypatch: Any, capsys: Any):
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "digits", "--augment", "auto"]) == 0
    assert "wrote augmented.png: training images with --augment crop=1:zero" in capsys.readouterr().out
    assert tiles(tmp_path / "augmented.png", below=True)[0, 0].any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--augment", "flip", "--out", "s.jpg"],
            "--out s.jpg: augmented images are written as PNG; use a name ending in .png",
        ),
        (["--augment", "flip", "--out", "nowhere/s.png"], "--out nowhere/s.png: there is no folder nowhere"),
    ],
)
def test_inspect_refuses_at_once(words: list[str], message: str, tmp_path: Path, monkeypatch: Any, capsys: Any):
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "digits", *words]) == 2
    assert message in capsys.readouterr().err


def test_tables_are_not_augmented(tmp_path: Path, monkeypatch: Any, capsys: Any):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{row * row % 17},{row % 2}\n" for row in range(40)))
    assert main(["inspect", "t.csv", "--target", "b", "--augment", "flip"]) == 2
    assert "holds none; leave it out" in capsys.readouterr().err
