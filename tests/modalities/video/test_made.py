from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.modalities.video.files import read_clip
from sonde.modalities.video.made import pairs, picture, plain, stills, vectors, write


def schema(channels: int = 1, side: int = 6) -> Schema:
    spec = InputSpec(kind="video", shape=(3, channels, side, side), mean=(0.5,) * channels, std=(0.25,) * channels)
    return Schema(input=spec, target=TargetSpec(kind="class", names=("a", "b/c")))


def clips(number: int, channels: tuple[int, ...] = ()) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (number, 3, 6, 6, *channels)).astype(np.uint8)


def frames_of(path: Path) -> int:
    with Image.open(path) as opened:
        return getattr(opened, "n_frames", 1)


def test_pixels_are_on_the_data_s_own_scale() -> None:
    values = torch.tensor([-2.0, 0.0, 2.0]).view(1, 3, 1, 1, 1).expand(2, 3, 1, 6, 6)
    assert plain(values, schema())[1, :, 0, 0].tolist() == [0, 128, 255]
    assert plain(values.expand(2, 3, 3, 6, 6), schema(3)).shape == (2, 3, 6, 6, 3)


def test_a_folder_holds_a_file_each_that_comes_back_as_it_was(tmp_path: Path) -> None:
    given = clips(2)
    write(tmp_path / "made", given, ["a", "b/c"], schema())
    assert sorted(each.name for each in (tmp_path / "made").iterdir()) == ["00000-a.gif", "00001-b_c.gif"]
    np.testing.assert_array_equal(read_clip(tmp_path / "made" / "00000-a.gif", (3, 1, 6, 6))[:, 0], given[0])


def test_one_animated_picture_of_all_and_an_array(tmp_path: Path) -> None:
    write(tmp_path / "all.gif", clips(4), None, schema())
    assert frames_of(tmp_path / "all.gif") == 3
    write(tmp_path / "all.npz", clips(4), ["a"] * 4, schema())
    held = np.load(tmp_path / "all.npz")
    np.testing.assert_array_equal(held["clips"], clips(4))
    assert held["labels"].tolist() == ["a"] * 4


def test_pictures_for_a_report_are_light_and_move(tmp_path: Path) -> None:
    torch.manual_seed(0)
    values = torch.randn(60, 3, 3, 32, 32)
    path = picture(values, schema(3, 32), tmp_path / "samples")
    assert path.stat().st_size <= 60_000
    assert frames_of(path) == 3
    still = stills(values, schema(3, 32), tmp_path / "still")
    assert frames_of(still) == 1
    assert still.stat().st_size <= 60_000
    assert frames_of(pairs(clips(4), clips(4)[::-1], tmp_path / "pairs")) == 3


def test_vectors_hold_all_frames() -> None:
    assert vectors(clips(2, (3,)), schema(3)).shape == (2, 3 * 6 * 6 * 3)
