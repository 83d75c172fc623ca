from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.modalities.image.made import GAP, columns_for, picture, plain, sheet, write


def schema(channels: int = 1) -> Schema:
    spec = InputSpec(kind="image", shape=(channels, 4, 4), mean=(0.5,) * channels, std=(0.25,) * channels)
    return Schema(input=spec, target=TargetSpec(kind="class", names=("a", "b/c")))


def test_pixels_are_on_the_data_s_own_scale_and_cut_off_at_its_ends() -> None:
    values = torch.tensor([-2.0, 0.0, 2.0, 9.0]).view(1, 1, 1, 4).expand(1, 1, 4, 4)
    assert plain(values, schema())[0, 0].tolist() == [0, 128, 255, 255]
    assert plain(values.expand(1, 3, 4, 4), schema(3)).shape == (1, 4, 4, 3)


def test_a_sheet_has_each_image_in_its_place() -> None:
    images = np.zeros((3, 60, 60), np.uint8)
    images[2] = 99
    page = np.asarray(sheet(images, columns=2))
    assert page.shape == (2 * (60 + GAP) + GAP, 2 * (60 + GAP) + GAP)
    assert page[GAP + 60 + GAP + 5, GAP + 5] == 99
    assert page[GAP + 60 + GAP + 5, GAP + 60 + GAP + 5] == 255


def test_few_classes_stand_in_columns() -> None:
    assert columns_for(60, 10) == 10
    assert columns_for(64, 0) == 8
    assert columns_for(64, 100) == 8


def test_a_folder_holds_a_file_each_whatever_a_class_is_called(tmp_path: Path) -> None:
    write(tmp_path / "made", np.zeros((2, 4, 4, 3), np.uint8), ["a", "b/c"], schema(3))
    assert sorted(each.name for each in (tmp_path / "made").iterdir()) == ["00000-a.png", "00001-b_c.png"]


def test_a_picture_for_a_page_is_light(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = picture(
        torch.randn(64, 3, 32, 32),
        Schema(input=InputSpec(kind="image", shape=(3, 32, 32)), target=TargetSpec(kind="none", names=("image",))),
        tmp_path / "samples",
    )
    assert path.stat().st_size <= 60_000
    with Image.open(path) as opened:
        assert opened.size[0] > 200
