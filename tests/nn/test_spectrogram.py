import math

import numpy as np
import pytest
import torch

from sonde.core.errors import ConfigError
from sonde.nn.spectrogram import LogMel, hz_to_mel, mel_filters, mel_to_hz

# librosa.mel_frequencies(n_mels=40), as its documentation prints it: 40 places from 0 to 11,025 Hz
SLANEY = [
    0.0, 85.317, 170.635, 255.952, 341.269, 426.586, 511.904, 597.221, 682.538, 767.855, 853.173, 938.49, 1024.856,
    1119.114, 1222.042, 1334.436, 1457.167, 1591.187, 1737.532, 1897.337, 2071.84, 2262.393, 2470.47, 2697.686,
    2945.799, 3216.731, 3512.582, 3835.643, 4188.417, 4573.636, 4994.285, 5453.621, 5955.205, 6502.92, 7101.009,
    7754.107, 8467.272, 9246.028, 10096.408, 11025.0,
]  # fmt: skip


def sound(rows: int = 3, samples: int = 1600, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(rows, samples, generator=torch.Generator().manual_seed(seed))


def test_slaneys_scale_has_its_published_values() -> None:
    hz = torch.tensor(SLANEY, dtype=torch.float64)
    mel = hz_to_mel(hz)
    np.testing.assert_allclose(mel.diff().numpy(), float(mel[-1]) / 39, rtol=1e-5)  # evenly spaced
    np.testing.assert_allclose(mel_to_hz(torch.linspace(0, float(mel[-1]), 40, dtype=torch.float64)), SLANEY, atol=6e-4)
    # hz_to_mel(60), hz_to_mel([110, 220, 440]) and mel_to_hz(3) of the same documentation
    np.testing.assert_allclose(hz_to_mel(torch.tensor([60.0, 110, 220, 440])), [0.9, 1.65, 3.3, 6.6], rtol=1e-6)
    assert mel_to_hz(torch.tensor(3.0)).item() == pytest.approx(200)


def test_htks_scale_is_its_formula() -> None:
    for hz, mel in ((0.0, 0.0), (700.0, 2595 * math.log10(2)), (1000.0, 999.9855)):
        assert hz_to_mel(torch.tensor(hz, dtype=torch.float64), "htk").item() == pytest.approx(mel, abs=1e-4)
    hz = torch.linspace(0, 8000, 50, dtype=torch.float64)
    torch.testing.assert_close(mel_to_hz(hz_to_mel(hz, "htk"), "htk"), hz)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_filters_are_triangles_of_one_area_that_overlap_by_half(scale: str) -> None:
    rate, samples, mels = 16_000, 65_536, 20
    filters = mel_filters(mels, samples, rate, scale=scale).double()  # type: ignore[arg-type]
    assert filters.shape == (samples // 2 + 1, mels)
    np.testing.assert_allclose(filters.sum(0) * rate / samples, 1.0, rtol=1e-3)  # the integral over hertz
    edges = mel_to_hz(torch.linspace(0, float(hz_to_mel(torch.tensor(rate / 2.0), scale)), mels + 2), scale)  # type: ignore[arg-type]
    peaks = filters.argmax(0) * rate / samples
    np.testing.assert_allclose(peaks, edges[1:-1], atol=1.0)
    np.testing.assert_allclose(filters.amax(0), 2 / (edges[2:] - edges[:-2]), rtol=1e-2)


def test_more_mels_than_bins_can_tell_apart_are_refused() -> None:
    with pytest.raises(ConfigError, match="--mels 200: 200 mels are more than 256 samples at 8000 Hz can resolve"):
        mel_filters(200, 256, 8000)


def test_powers_are_those_of_a_direct_fourier_transform() -> None:
    front, waveform = LogMel(8000, mels=20), sound(1, 700).double()
    found = front.double().power(waveform)[0]
    width, size = 200, 256
    padded = np.pad(waveform[0].numpy(), size // 2)
    times = np.arange(size)
    window = np.zeros(size)
    window[28:228] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)  # Hann, periodic, in the middle
    matrix = np.exp(-2j * np.pi * np.outer(np.arange(size // 2 + 1), times) / size)
    for frame in (0, 3, 8):
        piece = padded[frame * 80 : frame * 80 + size] * window
        expected = np.abs(matrix @ piece) ** 2 / (window**2).sum()
        np.testing.assert_allclose(found[frame], expected, rtol=1e-5, atol=1e-8)
    assert len(found) == 700 // 80 + 1


def test_a_tone_is_loudest_where_its_pitch_is() -> None:
    front = LogMel(16_000, mels=40)
    centres = mel_to_hz(torch.linspace(0, float(hz_to_mel(torch.tensor(8000.0))), 42))[1:-1]
    for mel in (5, 20, 35):
        tone = torch.sin(2 * math.pi * centres[mel] * torch.arange(8000) / 16_000)[None]
        found, _ = front(tone, torch.tensor([8000]))
        assert (found[0, 5:-5].argmax(1) == mel).all()


def test_neither_loudness_nor_what_is_padded_changes_a_recording() -> None:
    front = LogMel(8000, mels=24)
    waveform, lengths = sound(2, 1200), torch.tensor([1200, 700])
    found, frames = front(waveform, lengths)
    assert frames.tolist() == [16, 9]
    assert (found[1, 9:] == 0).all()
    alone, _ = front(waveform[1:, :700], lengths[1:])
    torch.testing.assert_close(found[1:, :9], alone)
    loud, _ = front(100 * waveform, lengths)
    torch.testing.assert_close(loud, found, atol=1e-4, rtol=1e-4)
    inside = found[0]
    assert inside.mean().item() == pytest.approx(0, abs=1e-5)
    assert inside.std(correction=0).item() == pytest.approx(1, abs=1e-3)


def test_silence_and_short_recordings_give_finite_numbers() -> None:
    front = LogMel(8000, mels=24)
    found, frames = front(torch.zeros(2, 300), torch.tensor([300, 1]))
    assert found.isfinite().all()
    assert frames.tolist() == [4, 1]
    one, _ = front(torch.full((1, 300), 1e-4), torch.tensor([300]))
    assert one.isfinite().all()


def test_autocast_leaves_its_precision_alone() -> None:
    front, waveform, lengths = LogMel(8000, mels=24), sound(2, 900), torch.tensor([900, 900])
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = front(waveform, lengths)
    assert found.dtype == torch.float32
    assert torch.equal(found, front(waveform, lengths)[0])


def test_settings_alone_decide_it_so_nothing_is_saved() -> None:
    assert not LogMel(8000).state_dict()
