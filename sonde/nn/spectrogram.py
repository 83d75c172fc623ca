"""Sound as a picture: how much of each pitch there is in every hundredth of a second."""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.errors import ConfigError
from sonde.nn.attention import within

MelScale = Literal["slaney", "htk"]

LINEAR_HZ = 1000.0  # up to here Slaney's scale is linear: 3 mel for every 200 Hz
LINEAR_MEL = 15.0  # what 1000 Hz are on it
LOG_STEP = 27 / math.log(6.4)  # mel for a factor of e above that: 27 from 1 kHz to 6.4 kHz
FLOOR_DB = 80.0  # what lies so far below the loudest of a recording counts as silence
SILENCE = 1e-10  # of the power; what digital silence is taken for

# B rows, S samples, N samples of a frame, F frames, K bins of its spectrum, M mels


def hz_to_mel(hz: Tensor, scale: MelScale = "slaney") -> Tensor:
    """Perceived pitch.

    slaney: linear up to 1 kHz, logarithmic above (Slaney 1998, Auditory toolbox, Interval technical report 1998-010)
    htk:    2595 log10(1 + f / 700) (O'Shaughnessy 1987; Young et al., The HTK book)
    """
    if scale == "htk":
        return 2595.0 * torch.log10(1 + hz / 700)
    above = LINEAR_MEL + LOG_STEP * (hz.clamp(min=LINEAR_HZ) / LINEAR_HZ).log()
    return torch.where(hz < LINEAR_HZ, hz * LINEAR_MEL / LINEAR_HZ, above)


def mel_to_hz(mel: Tensor, scale: MelScale = "slaney") -> Tensor:
    """The inverse of `hz_to_mel`."""
    if scale == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    above = LINEAR_HZ * ((mel - LINEAR_MEL) / LOG_STEP).exp()
    return torch.where(mel < LINEAR_MEL, mel * LINEAR_HZ / LINEAR_MEL, above)


def mel_filters(mels: int, samples: int, rate: int, *, scale: MelScale = "slaney") -> Tensor:
    """(K, M) float32: triangles over the bins of a spectrum of `samples` samples, each as wide as its two neighbours reach.

    Their heights make all of one area, as in Slaney's toolbox, so that noise of all frequencies is flat.
    Raises: ConfigError for more mels than the spectrum can resolve
    """
    ends = hz_to_mel(torch.tensor([0.0, rate / 2], dtype=torch.float64), scale)
    edges = mel_to_hz(torch.linspace(float(ends[0]), float(ends[1]), mels + 2, dtype=torch.float64), scale)
    bins = torch.arange(samples // 2 + 1, dtype=torch.float64) * rate / samples
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    filters = torch.minimum(rising, falling).clamp(min=0) * 2 / (edges[2:] - edges[:-2])
    if not bool((filters.sum(0) > 0).all()):
        raise ConfigError(
            f"--mels {mels}: {mels} mels are more than {samples} samples at {rate} Hz can resolve; use fewer"
        )
    return filters.float()


class LogMel(nn.Module):
    """Log-mel spectrogram of waveforms (B, S) with lengths (B,): (B, F, M) and how many frames each has, (B,).

    Frame f is centred on sample f · hop, under a Hann window; beyond both ends lies silence, so that what is padded behind a
    recording changes none of its frames. Each recording is standardised over all its frames and mels: how loud it was
    recorded has no effect. Frames behind its end are zero.
    rate: samples a second;  window_s, hop_s: seconds
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self, rate: int, *, mels: int = 64, window_s: float = 0.025, hop_s: float = 0.010, scale: MelScale = "slaney"
    ) -> None:
        super().__init__()
        width = round(rate * window_s)
        self.hop = round(rate * hop_s)
        self.samples = 1 << (width - 1).bit_length()  # of the transform: the next power of two
        before = (self.samples - width) // 2
        # made on the CPU even where a model is built on the meta device, since sizes are checked
        with torch.device("cpu"):
            window = F.pad(torch.hann_window(width), (before, self.samples - width - before))
            filters = mel_filters(mels, self.samples, rate, scale=scale)
        self.register_buffer("window", window.to(torch.get_default_device()), persistent=False)
        self.register_buffer("filters", filters.to(torch.get_default_device()), persistent=False)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, F, M) float32, (B,) int64."""
        with in_float32(waveform.device):  # powers span more than 16 bits hold
            audible = waveform.float() * within(lengths, waveform.shape[1])
            power = self.power(audible) @ self.filters  # (B, F, M)
        frames = self.frames(lengths)
        return _standardised(power, within(frames, power.shape[1])[..., None]), frames

    def power(self, waveform: Tensor) -> Tensor:
        """(B, S) -> (B, F, K): the squared magnitudes of each frame's spectrum, divided by what the window lets through."""
        half = self.samples // 2
        frames = F.pad(waveform, (half, half)).unfold(1, self.samples, self.hop)  # (B, F, N)
        spectrum = torch.fft.rfft(frames * self.window)
        return (spectrum.real.square() + spectrum.imag.square()) / self.window.square().sum()

    def frames(self, lengths: Tensor) -> Tensor:
        """How many frames a recording of so many samples has."""
        return lengths // self.hop + 1


def _standardised(power: Tensor, inside: Tensor) -> Tensor:
    """Logarithms of (B, F, M) less their mean and over their deviation, of each row over what is inside (B, F, 1)."""
    power = power * inside
    loudest = power.amax((1, 2), keepdim=True)
    logs = power.maximum(loudest * 10 ** (-FLOOR_DB / 10)).clamp(min=SILENCE).log()
    count = inside.sum((1, 2), keepdim=True) * power.shape[2]
    mean = (logs * inside).sum((1, 2), keepdim=True) / count
    apart = (logs - mean) * inside
    return apart / (apart.square().sum((1, 2), keepdim=True) / count + 1e-5).sqrt()


def in_float32(device: torch.device) -> AbstractContextManager[object]:
    """Inside it nothing is computed in fewer bits, whatever the run's precision."""
    known = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if known else nullcontext()
