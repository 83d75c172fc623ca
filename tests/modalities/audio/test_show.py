import numpy as np
import pytest

from sonde.modalities.audio.show import HEIGHT, WIDEST, spectrogram_picture


def tone(hz: float, samples: int = 4000, rate: int = 8000) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(samples) / rate)).astype(np.float32)


def test_high_pitches_are_drawn_above_low_ones() -> None:
    lines = []
    for hz in (300.0, 1000.0, 3000.0):
        picture = spectrogram_picture(tone(hz), 8000)
        assert (picture.dtype, picture.shape[:2]) == (np.uint8, (3, HEIGHT))
        lines.append(int(picture.sum(0).astype(int)[:, 60].argmax()))
    assert lines[0] > lines[1] > lines[2]


def test_time_runs_to_the_right() -> None:
    picture = spectrogram_picture(np.concatenate([tone(500), np.zeros(4000, np.float32)]), 8000).sum(0).astype(int)
    half = picture.shape[1] // 2
    assert picture[:, : half - 20].max() > 2 * picture[:, half + 20 :].max()


@pytest.mark.parametrize(("samples", "rate"), [(1, 8000), (50, 4000), (8000 * 20, 16_000)])
def test_the_shortest_and_the_longest_have_a_picture(samples: int, rate: int) -> None:
    picture = spectrogram_picture(tone(500, samples, rate), rate)
    assert picture.shape[1] == HEIGHT
    assert 1 <= picture.shape[2] <= WIDEST
