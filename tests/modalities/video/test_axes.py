from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sonde
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.modalities.open import open_data, open_like
from sonde.modalities.settings import data_config

T, H, W = 6, 8, 10


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def opened(tmp_path: Path, arrays: dict[str, Any], task: str | None = "flow-matching", **settings: Any) -> Dataset:
    np.savez(tmp_path / "data.npz", **arrays)
    return open_data(tmp_path / "data.npz", data_config(settings), task=task)


def told(dataset: Dataset) -> str:
    return " | ".join([*(f"{fact.what} ({fact.why})" for fact in dataset.facts), *dataset.warnings])


@pytest.mark.parametrize("shape", [(30, T, H, W), (30, T, H, W, 1), (30, T, 1, H, W)])
def test_an_array_called_clips_has_time_as_its_second_axis(shape: tuple[int, ...], tmp_path: Path) -> None:
    given = pixels(*shape)
    found = opened(tmp_path, {"clips": given})
    assert found.schema.input.kind == "video"
    assert found.schema.input.shape == (T, 1, H, W)
    assert found.schema.target.kind == "none"
    assert "read as clips, axis 1 as time ('clips' in its name; --clips no reads it otherwise)" in told(found)
    rows = found.splits["train"]
    read = rows.read(np.array([0]))["input"][0]
    assert read.shape == (T, 1, H, W)
    assert any(np.array_equal(read.reshape(T, H, W), clip) for clip in given.reshape(30, T, H, W))


def test_five_axes_are_clips_for_a_task_that_takes_them_and_colours_keep_their_place(tmp_path: Path) -> None:
    given = pixels(30, T, H, W, 3)
    found = opened(tmp_path, {"x": given, "y": np.arange(30) % 2})
    assert found.schema.input.shape == (T, 3, H, W)
    assert found.schema.target.names == ("0", "1")
    assert "five axes; --clips no reads flat rows" in told(found)
    mean = found.schema.input.mean
    np.testing.assert_allclose(mean, given.mean((0, 1, 2, 3)) / 255, atol=0.02)
    assert opened(tmp_path, {"x": given, "y": np.arange(30) % 2}, task=None).schema.input.kind == "array"
    assert opened(tmp_path, {"x": given, "y": np.arange(30) % 2}, clips="no").schema.input.kind == "array"


def test_four_axes_that_could_be_channels_are_said_to_be_taken_for_those(tmp_path: Path) -> None:
    arrays = {"x": pixels(30, T, H, W), "y": np.arange(30) % 2}
    found = opened(tmp_path, arrays)
    assert found.schema.input.kind == "image"
    assert "(30, 6, 8, 10) is read as images of 6 channels; if those are frames of clips, give --clips yes" in told(
        found
    )
    assert opened(tmp_path, arrays, clips="yes").schema.input.shape == (T, 1, H, W)
    assert "give --clips yes" not in told(opened(tmp_path, arrays, clips="no"))


def test_pixels_of_another_range_become_bytes_and_so_do_those_that_come_later(tmp_path: Path) -> None:
    given = pixels(30, T, H, W)
    found = opened(tmp_path, {"clips": given / 255.0})
    assert found.schema.input.scale == 255
    assert "stored in 8 bits" in told(found)
    np.savez(tmp_path / "dark.npz", clips=given[:5] / 2550.0)
    dark = open_like(tmp_path / "dark.npz", found.schema, data_config({}))
    read = dark.splits["test"].read(np.arange(5))["input"]
    np.testing.assert_array_equal(read[:, :, 0], np.rint(given[:5] / 10))


def test_fewer_frames_can_be_read(tmp_path: Path) -> None:
    given = pixels(30, T, H, W)
    assert opened(tmp_path, {"clips": given}, clip_frames=4).schema.input.shape == (4, 1, H, W)
    with pytest.raises(DataError, match="has clips of 6 frames, and 7 are asked for"):
        opened(tmp_path, {"clips": given}, clip_frames=7)


@pytest.mark.parametrize(
    ("array", "settings", "message"),
    [
        (pixels(30, H, W), {"clips": "yes"}, "holds no clips, which are .rows, time, height, width."),
        (pixels(30, T, 2, 9), {}, "frames of 2x9 pixels are no clips; give --clips no"),
        (
            np.random.default_rng(0).normal(size=(30, T, H, W)),
            {},
            "holds values from -.*, which are no pixels of clips",
        ),
    ],
)
def test_what_is_no_clip_is_refused_in_a_line(
    array: np.ndarray, settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        opened(tmp_path, {"clips": array}, **settings)


def test_settings_of_clips_are_refused_for_other_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="was not read as clips; leave --clip-frames out"):
        opened(tmp_path, {"x": pixels(30, H, W), "y": np.arange(30) % 2}, task=None, clip_frames=2)


def test_an_array_without_labels_is_enough_for_tasks_that_need_none(tmp_path: Path) -> None:
    np.save(tmp_path / "clips.npy", pixels(30, T, H, W))
    found = open_data(tmp_path / "clips.npy", data_config({}), task="diffusion")
    assert found.schema.input.shape == (T, 1, H, W)
    images = opened(tmp_path, {"x": pixels(30, H, W)})
    assert (images.schema.input.kind, images.schema.target.kind) == ("image", "none")
    with pytest.raises(DataError, match="has no array named as the input or target"):
        opened(tmp_path, {"x": pixels(30, H, W)}, task="classification")


def test_arrays_in_memory_are_clips_when_that_is_said() -> None:
    given = (pixels(30, T, H, W), np.arange(30) % 2)
    assert open_data(given, data_config({"clips": "yes"}), task="diffusion").schema.input.shape == (T, 1, H, W)


def test_a_task_that_takes_no_clips_says_so(tmp_path: Path) -> None:
    with pytest.raises(sonde.SondeError, match="of kind 'video'; task=.diffusion. or task=.flow-matching. makes clips"):
        sonde.train("moving-digit", task="gan", out=tmp_path / "run", quiet=True)
