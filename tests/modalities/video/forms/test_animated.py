from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.modalities.open import open_data, open_like
from sonde.modalities.settings import data_config
from sonde.modalities.video.files import read_clip, write_animated


def clip(frames: int = 5, seed: int = 0, side: int = 8, colours: tuple[int, ...] = ()) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, side, side, *colours)).astype(np.uint8)


def saved(path: Path, frames: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_animated(path, [Image.fromarray(frame) for frame in frames])
    return path


def folder(tmp_path: Path, classes: tuple[str, ...] = ("",), number: int = 12, ending: str = ".gif") -> Path:
    for place, name in enumerate(classes):
        for row in range(number):
            saved(tmp_path / "data" / name / f"{row}{ending}", clip(5 + (row == 3), seed=100 * place + row))
    return tmp_path / "data"


def told(dataset: Dataset) -> str:
    return " | ".join(f"{fact.what} ({fact.why})" for fact in dataset.facts)


@pytest.mark.parametrize("ending", [".gif", ".png"])
def test_a_grey_clip_comes_back_as_it_was(ending: str, tmp_path: Path) -> None:
    frames = clip()
    path = saved(tmp_path / f"a{ending}", frames)
    np.testing.assert_array_equal(read_clip(path, (5, 1, 8, 8))[:, 0], frames)
    assert read_clip(path, (3, 3, 4, 4)).shape == (3, 3, 4, 4)


def test_animated_pictures_are_clips_for_a_task_that_takes_them(tmp_path: Path) -> None:
    place = folder(tmp_path)
    found = open_data(place, data_config({}), task="flow-matching")
    assert found.schema.input.shape == (5, 1, 8, 8)
    assert found.schema.target.kind == "none"
    assert "read as clips (they are animated; --clips no reads the first frame of each as an image)" in told(found)
    assert "5 frames of 8x8 (their common size; the longest has 6, --clip-frames reads fewer)" in told(found)
    assert open_data(place, data_config({"clips": "no"}), task="flow-matching").schema.input.kind == "image"


def test_folders_are_classes_or_splits(tmp_path: Path) -> None:
    found = open_data(folder(tmp_path, ("run", "walk")), data_config({}), task="diffusion")
    assert found.schema.target.names == ("run", "walk")
    again = open_like(tmp_path / "data", found.schema, data_config({}))
    assert again.schema == found.schema
    parts = folder(tmp_path / "other", ("train", "test"))
    held = open_data(parts, data_config({}), task="diffusion")
    assert held.schema.target.kind == "none"
    assert len(held.splits["test"]) == 12


def test_for_other_tasks_and_pictures_that_stand_still_nothing_changes(tmp_path: Path) -> None:
    assert open_data(folder(tmp_path, ("a", "b")), data_config({})).schema.input.kind == "image"
    still = tmp_path / "still"
    still.mkdir()
    for row in range(6):
        Image.fromarray(clip(1)[0]).save(still / f"{row}.png")
    assert open_data(still, data_config({}), task="diffusion").schema.input.kind == "image"


def test_a_clip_of_one_frame_is_named(tmp_path: Path) -> None:
    place = folder(tmp_path)
    Image.fromarray(clip(1)[0]).save(place / "still.gif")
    with pytest.raises(DataError, match="still.gif has 1 frame; remove it, or give --clips no"):
        open_data(place, data_config({"clips": "yes"}), task="diffusion")
    (place / "still.gif").unlink()
    with pytest.raises(DataError, match="has 5 frames, and --clip-frames asks for 6"):
        open_data(place, data_config({"clip_frames": 6}), task="diffusion")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (place / "0.gif").write_bytes(b"GIF89a")
    with pytest.raises(DataError, match=r"0\.gif cannot be read"):
        open_data(place, data_config({"clips": "yes"}), task="diffusion")
