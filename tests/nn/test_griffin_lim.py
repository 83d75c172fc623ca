"""Spectra and their inversion beside scipy, and the theorem of Griffin and Lim."""

import numpy as np
import pytest
import torch
from scipy import signal

from sonde.nn.griffin_lim import Spectra, griffin_lim

WIDTH, HOP, FRAMES = 64, 16, 12
SPECTRA = Spectra(WIDTH, HOP, WIDTH)


def noise(rows: int = 2) -> torch.Tensor:
    return torch.randn(rows, FRAMES * HOP, generator=torch.Generator().manual_seed(0))


def test_spectra_are_those_of_scipy() -> None:
    sound = noise()
    _, _, theirs = signal.stft(sound.numpy(), window="hann", nperseg=WIDTH, noverlap=WIDTH - HOP, boundary="zeros")
    ours = SPECTRA.of(sound).transpose(1, 2).numpy()
    assert ours.shape == (2, WIDTH // 2 + 1, FRAMES)
    whole = float(SPECTRA.window.sum())  # by which scipy divides
    np.testing.assert_allclose(ours, theirs[..., :FRAMES] * whole, atol=1e-5)


def test_the_inverse_of_spectra_that_no_sound_has_is_that_of_scipy() -> None:
    bins = (1, WIDTH // 2 + 1, FRAMES)
    random = np.random.default_rng(0)
    given = random.normal(size=bins) + 1j * random.normal(size=bins)
    given[:, [0, -1]] = given[:, [0, -1]].real
    _, theirs = signal.istft(given, window="hann", nperseg=WIDTH, noverlap=WIDTH - HOP)
    spectra = torch.from_numpy(given * float(SPECTRA.window.sum())).to(torch.complex64).transpose(1, 2)
    ours = SPECTRA.inverse(spectra)[:, : (FRAMES - 1) * HOP]
    np.testing.assert_allclose(ours.numpy(), theirs, atol=2e-5)


@pytest.mark.parametrize("samples", [WIDTH, 128])  # of the transform: more than the window, too
def test_the_inverse_undoes_it(samples: int) -> None:
    spectra, sound = Spectra(WIDTH, HOP, samples), noise()
    torch.testing.assert_close(spectra.inverse(spectra.of(sound)), sound, atol=1e-5, rtol=1e-4)


def far(magnitude: torch.Tensor, sound: torch.Tensor) -> float:
    """Spectral convergence over all bins, those that a real spectrum repeats twice."""
    twice = torch.full((WIDTH // 2 + 1,), 2.0)
    twice[[0, -1]] = 1.0
    apart = (SPECTRA.of(sound).abs() - magnitude).square() * twice
    return float((apart.sum() / (magnitude.square() * twice).sum()).sqrt())


def test_without_momentum_no_round_makes_it_worse_and_with_it_it_gets_further() -> None:
    magnitude = SPECTRA.of(noise()).abs()
    found = [far(magnitude, griffin_lim(magnitude, SPECTRA, rounds=n, momentum=0)) for n in range(25)]
    assert all(after <= before + 1e-6 for before, after in zip(found, found[1:], strict=False))
    assert found[-1] < 0.5 * found[0]
    assert far(magnitude, griffin_lim(magnitude, SPECTRA, rounds=24)) < 0.9 * found[-1]


@pytest.mark.parametrize("hz", [220.0, 1234.0, 3000.0])
def test_a_tone_is_found_by_its_magnitudes_alone(hz: float) -> None:
    spectra, rate = Spectra(384, 96, 512), 8000
    given = torch.sin(2 * torch.pi * hz * torch.arange(40 * 96) / rate)[None]
    found = griffin_lim(spectra.of(given).abs(), spectra)[0]
    power = torch.fft.rfft(found * torch.hann_window(len(found)), rate).abs()  # a bin a hertz
    assert float(power.argmax()) == pytest.approx(hz, abs=3)


def test_a_row_does_not_depend_on_others() -> None:
    magnitude = SPECTRA.of(noise(3)).abs()
    torch.testing.assert_close(griffin_lim(magnitude, SPECTRA)[1:2], griffin_lim(magnitude[1:2], SPECTRA))


def test_silence_stays_silent() -> None:
    assert griffin_lim(torch.zeros(1, FRAMES, WIDTH // 2 + 1), SPECTRA).tolist() == [[0.0] * FRAMES * HOP]
