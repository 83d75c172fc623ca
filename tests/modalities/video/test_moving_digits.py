import numpy as np
import pytest

from sonde.core.config import DataConfig
from sonde.core.dataset import Schema
from sonde.core.errors import DataError
from sonde.modalities.open import open_data
from sonde.modalities.settings import data_config
from sonde.modalities.video.moving_digits import FASTEST, SLOWEST, moving, reflected, splits_of


def test_a_path_is_folded_at_both_ends() -> None:
    times = np.arange(12)
    assert reflected(1.5 * times, np.array(4.0)).tolist() == [0, 1.5, 3, 3.5, 2, 0.5, 1, 2.5, 4, 2.5, 1, 0.5]


def test_each_clip_shows_its_images_whole_at_every_moment() -> None:
    images = np.stack([np.full((2, 3), 100, np.uint8), np.full((2, 3), 200, np.uint8)])
    clips, chosen = moving(images, 50, digits=1, side=9, frames=6, random=np.random.default_rng(0))
    assert clips.shape == (50, 6, 9, 9)
    for clip, which in zip(clips, chosen, strict=True):
        assert (clip > 0).sum((1, 2)).tolist() == [6] * 6
        assert set(np.unique(clip)) == {0, images[which[0], 0, 0]}


def test_things_move_as_fast_as_is_said() -> None:
    images = np.full((1, 1, 1), 255, np.uint8)
    clips, _ = moving(images, 300, digits=1, side=40, frames=3, random=np.random.default_rng(0))
    places = np.stack(np.nonzero(clips)[2:], 1).reshape(300, 3, 2).astype(float)
    steps = np.linalg.norm(np.diff(places, axis=1), axis=2)
    assert SLOWEST - 1 < steps.mean() < FASTEST
    assert steps.max() <= FASTEST + 2**0.5  # places are rounded to whole pixels at either end
    assert steps.mean() == pytest.approx((SLOWEST + FASTEST) / 2, abs=0.1)


def test_no_digit_moves_in_two_splits_and_the_seed_decides() -> None:
    images = np.arange(1, 101, dtype=np.uint8).reshape(100, 1, 1)
    first, again = (splits_of(images, images[:, 0, 0], digits=2, side=6) for _ in range(2))
    other = splits_of(images, images[:, 0, 0], digits=2, side=6, seed=1)
    assert all(np.array_equal(first[split][0], again[split][0]) for split in first)
    assert not np.array_equal(first["train"][0], other["train"][0])
    seen = [set(shown.ravel().tolist()) for _, shown in first.values()]
    assert not seen[0] & seen[1]
    assert not seen[1] & seen[2]
    assert len(seen[0] | seen[1] | seen[2]) == 100


@pytest.mark.parametrize(("name", "side", "kind"), [("moving-digits", 20, "none"), ("moving-digit", 16, "class")])
def test_they_are_opened_by_name_and_said_to_be_made(name: str, side: int, kind: str) -> None:
    found = open_data(name, DataConfig(), task="diffusion")
    assert found.schema.input.shape == (8, 1, side, side)
    assert found.schema.target.kind == kind
    assert "made, not filmed" in found.facts[0].why
    assert "seed 0" in found.facts[0].why
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 4000, "validation": 500, "test": 500}
    back = open_data(name, data_config({"clip_frames": 3}))
    assert back.schema.input.shape[0] == 3
    assert back.suggestion == "flow-matching"


def test_what_they_are_not_is_refused() -> None:
    with pytest.raises(DataError, match="moving-digits holds clips of 8 frames of 20x20 pixels"):
        open_data("moving-digits", data_config({"clip_frames": 9}))


def test_a_schema_of_clips_survives_json() -> None:
    schema = open_data("moving-digit", DataConfig()).schema
    assert Schema.from_dict(schema.as_dict()) == schema
