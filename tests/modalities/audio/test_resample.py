import numpy as np
import pytest

from sonde.modalities.audio.resample import resampled, resampled_length

RATES = [(8_000, 16_000), (44_100, 16_000), (16_000, 8_000), (48_000, 11_025), (11_025, 8_000)]


def tone(hz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


@pytest.mark.parametrize(("rate", "wanted"), RATES)
def test_a_tone_keeps_its_pitch_its_loudness_and_its_time(rate: int, wanted: int) -> None:
    found = resampled(tone(440.0, rate), rate, wanted)
    middle = slice(len(found) // 8, -len(found) // 8)  # the ends hear the silence beyond them
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[middle], tone(440.0, wanted, 1.0)[: len(found)][middle], atol=2e-3)


@pytest.mark.parametrize(("rate", "wanted"), [(16_000, 8_000), (44_100, 8_000)])
def test_what_the_lower_rate_cannot_carry_is_taken_away_and_not_folded_back(rate: int, wanted: int) -> None:
    high = resampled(tone(5_000.0, rate), rate, wanted)[500:-500]
    low = resampled(tone(3_000.0, rate), rate, wanted)[500:-500]
    assert np.sqrt((high**2).mean()) < 1e-3  # 57 dB down
    assert np.sqrt((low**2).mean()) == pytest.approx(0.5**0.5, rel=5e-3)


@pytest.mark.parametrize(("rate", "wanted"), RATES)
def test_a_constant_stays_what_it_is(rate: int, wanted: int) -> None:
    found = resampled(np.full(4000, 0.25, np.float32), rate, wanted)
    np.testing.assert_allclose(found[len(found) // 3 : -len(found) // 3], 0.25, rtol=1e-5)


def test_the_same_rate_changes_nothing() -> None:
    samples = tone(300.0, 8000)
    assert (resampled(samples, 8000, 8000) == samples).all()


@pytest.mark.parametrize("samples", [1, 2, 7, 100])
@pytest.mark.parametrize(("rate", "wanted"), [*RATES, (3, 2)])
def test_the_length_is_foretold(samples: int, rate: int, wanted: int) -> None:
    found = resampled(np.ones(samples, np.float32), rate, wanted)
    assert len(found) == resampled_length(samples, rate, wanted)
    assert (len(found) - 1) / wanted < samples / rate <= len(found) / wanted


def test_there_and_back_again() -> None:
    rng = np.random.default_rng(0)
    smooth = np.convolve(rng.standard_normal(2000), np.hanning(40), "same").astype(np.float32)  # nothing near the limit
    back = resampled(resampled(smooth, 8_000, 12_000), 12_000, 8_000)
    np.testing.assert_allclose(back[200:-200], smooth[200:-200], atol=2e-3 * np.abs(smooth).max())
