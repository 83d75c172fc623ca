"""Sound of one length as a picture that noise can be added to, log-mel levels over time, and back."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.nn.griffin_lim import Spectra, griffin_lim
from sonde.nn.spectrogram import FLOOR_DB, in_float32, mel_filters

WINDOW_S, HOP_S = 0.048, 0.012  # four frames see each sample, as inversion needs
TELEPHONE = 8000  # samples a second: up to here there is nothing above 4 kHz
FEW, MANY = 64, 80  # mels, up to that rate and above
MULTIPLE = 8  # of frames and mels, so that networks can halve both
HEADROOM_DB = 10.0  # above the loudest of the training rows

# B rows, S samples of a clip, T samples as given, M mels, F frames, K bins of a spectrum


def clip_samples(seconds: float, rate: int) -> int:
    """The length of clips that are at least so long, in samples: a whole number of times `MULTIPLE` frames."""
    return math.ceil(round(seconds * rate) / (_hop(rate) * MULTIPLE)) * _hop(rate) * MULTIPLE


class Levels(NamedTuple):
    """What is known of the training rows' levels.

    mean, std: (M,) of each mel's;  floor: power that is added before the logarithm, 80 dB below the loudest
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    floor: float


class SoundCode:
    """Waveforms (B, T) <-> codes (B, 1, M, F): the logarithms of power by mel and frame, standardised by mel, low pitches first.

    Longer ones are cut after S samples, and shorter ones followed by silence. What a code does not hold, the phases, is found by
    the algorithm of Griffin and Lim; magnitudes come from mels by the pseudo-inverse of the filters.
    """

    def __init__(self, rate: int, samples: int, levels: Levels) -> None:
        """samples: of a clip, S"""
        self.samples, self.rate = samples, rate
        self._mels = Mels(rate, len(levels.mean))
        self.shape = (1, len(levels.mean), samples // self._mels.spectra.hop)
        self._mean, self._std = (torch.tensor(each)[:, None] for each in (levels.mean, levels.std))
        self._floor = levels.floor
        self._most = math.log(levels.floor) + (FLOOR_DB + HEADROOM_DB) / 10 * math.log(10)

    def encode(self, waveform: Tensor) -> Tensor:
        """(B, T) in -1..1 -> (B, 1, M, F) float32."""
        logs = (self._mels.power(clipped(waveform, self.samples)) + self._floor).log()
        return ((logs - self._mean.to(logs.device)) / self._std.to(logs.device))[:, None]

    def decode(self, code: Tensor) -> Tensor:
        """(B, 1, M, F) -> (B, S)."""
        with in_float32(code.device):
            logs = code[:, 0].float() * self._std.to(code.device) + self._mean.to(code.device)
            logs = logs.clamp(max=self._most)
            return griffin_lim(self._mels.magnitude((logs.exp() - self._floor).clamp(min=0)), self._mels.spectra)


def code_of(input: InputSpec) -> SoundCode:
    """Of clips (`InputSpec.is_clip`)."""
    return SoundCode(input.rate, input.shape[0], Levels(input.mean, input.std, input.scale))


class Mels:
    """Power by mel and frame."""

    def __init__(self, rate: int, mels: int) -> None:
        width = round(rate * WINDOW_S)
        samples = 1 << (width - 1).bit_length()
        self.spectra = Spectra(width, _hop(rate), samples)
        self._filters = mel_filters(mels, samples, rate)
        self._inverse = torch.linalg.pinv(self._filters.double()).float()
        self._scale = float(self.spectra.window.square().sum())

    def power(self, waveform: Tensor) -> Tensor:
        """(B, S) -> (B, M, F)."""
        with in_float32(waveform.device):
            power = self.spectra.of(waveform).abs().square() / self._scale
            return (power @ self._filters.to(waveform.device)).transpose(1, 2)

    def magnitude(self, power: Tensor) -> Tensor:
        """(B, M, F) -> (B, F, K) of spectra with about that power, the smallest such."""
        spread = power.transpose(1, 2) @ self._inverse.to(power.device)
        return (spread.clamp(min=0) * self._scale).sqrt()


def levels_of(waveforms: Iterable[Tensor], rate: int, samples: int) -> Levels:
    """Of clips, from some rows (B, T) at a time. Raises: ConfigError for a rate too low for as many mels"""
    mels = _most_mels(rate)
    power = torch.cat([mels.power(clipped(rows, samples)) for rows in waveforms])
    floor = max(float(power.amax()), torch.finfo(torch.float32).tiny) * 10 ** (-FLOOR_DB / 10)
    logs = (power + floor).log().double()
    mean, std = logs.mean((0, 2)), logs.std((0, 2), correction=0).clamp(min=1e-3)
    return Levels(tuple(mean.tolist()), tuple(std.tolist()), floor)


def _most_mels(rate: int) -> Mels:
    """As many as are usual, or as spectra can resolve."""
    for number in range(FEW if rate <= TELEPHONE else MANY, 0, -MULTIPLE):
        try:
            return Mels(rate, number)
        except ConfigError:
            continue
    raise ConfigError(f"recordings of {rate} Hz have no pitches to be told apart; give recordings of 1000 Hz or more")


def clipped(waveform: Tensor, samples: int) -> Tensor:
    """(B, T) -> (B, S): cut, or followed by silence."""
    return F.pad(waveform[:, :samples], (0, max(0, samples - waveform.shape[1]))).float()


def vectors_of(waves: Sequence[Tensor], code: SoundCode) -> Tensor:
    """Waveforms of any lengths -> (N, M * F), near to one another where they sound alike."""
    rows = [clipped(wave[None], code.samples) for wave in waves]
    return code.encode(torch.cat(rows)).flatten(1)


def _hop(rate: int) -> int:
    return max(1, round(rate * HOP_S))
