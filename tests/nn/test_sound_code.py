"""Clips of sound as pictures and back: pitch, loudness and length survive."""

import math

import pytest
import torch
from tones import RATE, tone

from sonde.core.dataset import InputSpec
from sonde.nn.sound_code import FEW, MANY, SoundCode, clip_samples, code_of, levels_of
from sonde.nn.spectrogram import hz_to_mel, mel_to_hz

SIZE = clip_samples(0.3, RATE)


def tones(*pitches: float, seconds: float = 0.25) -> torch.Tensor:
    return torch.stack([torch.from_numpy(tone(hz, seconds)).float() for hz in pitches])


@pytest.fixture(scope="module")
def code() -> SoundCode:
    return SoundCode(RATE, SIZE, levels_of([tones(200, 700), tones(1500, 3000)], RATE, SIZE))


def pitch(sound: torch.Tensor) -> float:
    """Hz of the loudest frequency, to within a hertz."""
    power = torch.fft.rfft(sound * torch.hann_window(len(sound)), RATE).abs()
    return float(power.argmax())


def mel_at(hz: float) -> float:
    """Hz from a mel's centre to the next there, below which pitches are not told apart."""
    ends = hz_to_mel(torch.tensor([0.0, RATE / 2, hz], dtype=torch.float64))
    step = ends[1] / (FEW + 1)
    return float(mel_to_hz(ends[2] + step) - hz)


def test_clips_are_whole_numbers_of_eight_frames() -> None:
    assert SIZE == 4 * 8 * 96  # 0.3 s of 0.012 s a frame are 25
    assert clip_samples(0.96, RATE) == 80 * 96
    assert clip_samples(0.961, RATE) == 88 * 96


def test_a_code_is_a_picture_of_levels(code: SoundCode) -> None:
    assert code.shape == (1, FEW, SIZE // 96)
    picture = code.encode(tones(1000))[0, 0]
    assert picture.shape == code.shape[1:]
    loudest = int(picture[:, 10].argmax())
    below = torch.linspace(0, 15 + 27 * math.log(4) / math.log(6.4), FEW + 2)[
        loudest + 1
    ]  # mel, of its filter's centre
    assert float(below) == pytest.approx(15, abs=0.6)  # which is where Slaney has 1 kHz


def test_what_levels_are_known_by_has_mean_0_and_deviation_1() -> None:
    given = tones(200, 700, 1500, 3000)
    found = SoundCode(RATE, SIZE, levels_of([given], RATE, SIZE)).encode(given)
    torch.testing.assert_close(found.mean((0, 1, 3)), torch.zeros(FEW), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.std((0, 1, 3), correction=0), torch.ones(FEW), atol=1e-3, rtol=0)


@pytest.mark.parametrize("hz", [250.0, 1000.0, 2600.0])
def test_a_tone_comes_back_with_its_pitch_its_loudness_and_its_end(hz: float, code: SoundCode) -> None:
    back = code.decode(code.encode(tones(hz)))[0]
    assert len(back) == SIZE
    inside = back[400:1600]
    assert pitch(inside) == pytest.approx(hz, abs=mel_at(hz))
    assert float(inside.square().mean().sqrt()) == pytest.approx(0.5 / math.sqrt(2), rel=0.35)
    assert float(back[2300:].abs().max()) < 0.05  # a window behind the end


def test_longer_ones_are_cut_and_shorter_ones_followed_by_silence(code: SoundCode) -> None:
    long = tones(500, seconds=1.0)
    torch.testing.assert_close(code.encode(long), code.encode(long[:, :SIZE]))
    short = tones(500, seconds=0.1)
    torch.testing.assert_close(code.encode(short), code.encode(torch.nn.functional.pad(short, (0, 50))))


def test_silence_comes_back_as_silence(code: SoundCode) -> None:
    assert float(code.decode(code.encode(torch.zeros(1, SIZE))).abs().max()) < 1e-3


def test_rates_have_as_many_mels_as_their_spectra_resolve() -> None:
    noise = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    assert len(levels_of([noise], 16000, 3840).mean) == MANY
    low = levels_of([noise], 1000, clip_samples(0.5, 1000))
    assert 0 < len(low.mean) < FEW
    assert len(low.mean) % 8 == 0


def test_a_schema_holds_what_a_code_needs() -> None:
    levels = levels_of([tones(200, 700)], RATE, SIZE)
    spec = InputSpec(kind="audio", shape=(SIZE,), rate=RATE, mean=levels.mean, std=levels.std, scale=levels.floor)
    given = tones(300)
    assert spec.is_clip
    torch.testing.assert_close(code_of(spec).encode(given), SoundCode(RATE, SIZE, levels).encode(given))
