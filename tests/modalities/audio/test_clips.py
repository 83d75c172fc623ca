from pathlib import Path

import numpy as np
import pytest
from sample_settings import data_config
from tones import RATE, folders, tone

from sonde.core.errors import ConfigError
from sonde.modalities.audio.waveforms import write_wav
from sonde.modalities.open import open_data, open_like
from sonde.nn.sound_code import clip_samples


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 tones of 0.15 to 0.171 s, and one of a second."""
    found = folders(tmp_path_factory.mktemp("sounds") / "tones")
    write_wav(found / "high" / "long.wav", tone(2400.0, 1.0), RATE)
    return found


def test_clips_are_as_long_as_nearly_all_recordings(place: Path) -> None:
    dataset = open_data(place, data_config(validation=0.0, test=0.0, clip_seconds=0.0), task="flow-matching")
    given = dataset.schema.input
    lengths = [len(row) / RATE for row in dataset.splits["train"].read(np.arange(25))["input"]]
    assert max(lengths) == 1.0
    assert given.is_clip
    assert given.read_as == "image"
    assert given.shape == (clip_samples(float(np.quantile([*_tones(), 1.0], 0.98)), RATE),)
    assert len(given.mean) == len(given.std) == 64
    assert any(fact.what.startswith("clips of 0.6") for fact in dataset.facts)
    (warning,) = [each for each in dataset.warnings if "clip" in each]
    assert warning == (
        "of 1 recording longer than a clip only the first 0.672 s count: high/long.wav; --clip-seconds 1 keeps all of each"
    )


def _tones() -> list[float]:
    return [round(0.15 * (1 + 0.02 * number) * RATE) / RATE for number in range(8)] * 3


def test_a_length_that_is_named_is_kept(place: Path) -> None:
    dataset = open_data(place, data_config(validation=0.0, test=0.0, clip_seconds=1.0), task="vae")
    assert dataset.schema.input.shape == (clip_samples(1.0, RATE),)
    assert not [each for each in dataset.warnings if "clip" in each]
    again = open_like(place, dataset.schema, data_config(validation=0.0, test=0.0))
    assert again.schema == dataset.schema


def test_clips_are_for_tasks_that_learn_from_them(place: Path) -> None:
    dataset = open_data(place, data_config(validation=0.0, test=0.0), task="classification")
    assert not dataset.schema.input.is_clip
    assert dataset.schema.input.shape == (RATE,)
    with pytest.raises(ConfigError, match="--clip-seconds is for tasks that make sound"):
        open_data(place, data_config(clip_seconds=1.0), task="classification")
