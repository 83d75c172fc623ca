import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from tones import RATE, tone

from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.modalities.audio.made import GAP_S, MADE, ended, plain
from sonde.nn.sound_code import clip_samples, levels_of

SIZE = clip_samples(0.3, RATE)
SOUND = torch.nn.functional.pad(torch.from_numpy(tone(500.0, 0.2)).float(), (0, SIZE - 1600))
LEVELS = levels_of([SOUND[None]], RATE, SIZE)
SCHEMA = Schema(
    input=InputSpec(kind="audio", shape=(SIZE,), rate=RATE, mean=LEVELS.mean, std=LEVELS.std, scale=LEVELS.floor),
    target=TargetSpec(kind="class", names=("low", "a/b")),
)


def read(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768, file.getframerate()


def test_silence_behind_the_end_is_cut_off_and_what_is_too_loud_is_made_softer() -> None:
    quiet, loud = plain(torch.stack([SOUND, 4 * SOUND]), SCHEMA)
    assert quiet["sampling_rate"] == RATE
    np.testing.assert_array_equal(quiet["array"], SOUND[:1600].numpy())
    np.testing.assert_allclose(loud["array"], SOUND[:1600].numpy() * 2, rtol=1e-5)  # 4 · 0.5 is 1 then


def test_what_is_60_db_below_the_loudest_is_silence() -> None:
    steps = np.repeat([1.0, 0.01, 0.0005], 800).astype(np.float32)
    assert len(ended(steps, RATE)) == 1600
    assert len(ended(np.zeros(1000, np.float32), RATE)) == 80  # something is left


def test_files_are_called_by_number_and_class(tmp_path: Path) -> None:
    MADE.write(tmp_path / "out", plain(torch.stack([SOUND, SOUND]), SCHEMA), ["low", "a/b"], SCHEMA)
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["00000-low.wav", "00001-a_b.wav"]
    samples, rate = read(tmp_path / "out" / "00000-low.wav")
    assert rate == RATE
    np.testing.assert_allclose(samples, SOUND[:1600], atol=1 / 32768)


def test_one_file_has_all_with_gaps(tmp_path: Path) -> None:
    MADE.write(tmp_path / "all.wav", plain(torch.stack([SOUND, SOUND]), SCHEMA), None, SCHEMA)
    samples, _ = read(tmp_path / "all.wav")
    assert len(samples) == 2 * (1600 + round(GAP_S * RATE))


def test_cards_are_a_picture_and_a_sound_each(tmp_path: Path) -> None:
    assert MADE.cards is not None
    (card,) = MADE.cards(plain(SOUND[None], SCHEMA), tmp_path, "samples")
    assert card == {"picture": "samples/0.png", "sound": "samples/0.wav"}
    assert read(tmp_path / card["sound"])[1] == RATE
    assert (tmp_path / card["picture"]).is_file()


def test_the_same_sound_is_nearest_whatever_its_length() -> None:
    other = torch.from_numpy(tone(2000.0, 0.2)).float()
    sounds = [{"array": each, "sampling_rate": RATE} for each in (SOUND.numpy(), SOUND[:1600].numpy(), other.numpy())]
    assert MADE.vectors is not None
    found = MADE.vectors(sounds, SCHEMA)
    assert float((found[0] - found[1]).norm()) == pytest.approx(0, abs=1e-4)
    assert float((found[0] - found[2]).norm()) > 10
