"""Augmentation of sound: other speeds, other places, noise, and parts of the time or of the pitches made faint."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sonde.augment.parse import ABOVE_ZERO, Reader, number, read_parts
from sonde.core.batch import Batch

FAINT = 10 ** (-30 / 20)  # amplitude of what is masked: 30 dB down, below speech but not the silence that no room has
NOISE_SPAN = 30.0  # decibels: noise is so much fainter at times than the given limit

# B rows, S samples, N masks of a row


@dataclass(frozen=True, kw_only=True)
class SoundPolicy:
    """Augmentation of `input` (B, S) float with `lengths` (B,); 0 leaves a part out.

    All parameters are drawn from the generator that is given, on the host, so a GPU gets the same as a CPU.
    Source: speed of Ko et al. 2015, Audio augmentation for speech recognition, Interspeech; masks after Park et al. 2019,
    SpecAugment, arXiv:1904.08779, on the waveform, where a mask takes away a part of the time, or of the pitches all the time
    """

    speed: float = 0.0  # played up to this share faster or slower, with the pitch that follows
    shift: float = 0.0  # begins up to this share of its length sooner or later; what falls out is lost
    noise: float = 0.0  # decibels that white noise lies below the recording at least
    time_masks: tuple[int, float] = (0, 0.0)  # how many, and the largest share of the recording of one
    band_masks: tuple[int, float] = (0, 0.0)  # how many, and the largest share of the pitches of one

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch with changed `input`, and `lengths` where the speed differs."""
        sound, lengths = batch["input"], batch["lengths"]
        if self.speed:
            factor = 1 + self.speed * (2 * torch.rand(len(sound), generator=generator) - 1)
            sound, lengths = faster(sound, lengths, factor)
        if self.shift:
            share = self.shift * (2 * torch.rand(len(sound), generator=generator) - 1)
            sound = shifted(sound, lengths, share)
        if self.band_masks[0]:
            sound = without_bands(sound, *_spans(self.band_masks, len(sound), generator))
        if self.time_masks[0]:
            sound = without_times(sound, lengths, *_spans(self.time_masks, len(sound), generator))
        if self.noise:
            below = self.noise + NOISE_SPAN * torch.rand(len(sound), generator=generator)
            sound = noisy(sound, lengths, below, torch.randn(sound.shape, generator=generator))
        sound = sound * _inside(sound, lengths)
        return Batch({**batch.fields, "input": sound, "lengths": lengths}, batch.index)


def faster(sound: Tensor, lengths: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Played `factor` (B,) times as fast: (B, S), (B,) -> (B, S'), (B,). Between samples a cubic is laid through four of them.

    Source: Keys 1981, Cubic convolution interpolation for digital image processing, IEEE ASSP 29(6), a = -1/2
    """
    factor = factor.to(sound.device, torch.float64)
    lengths = (lengths / factor).round().long().clamp(min=1)
    places = torch.arange(int(lengths.max()), device=sound.device) * factor[:, None]  # (B, S')
    below = places.floor().long()
    t = (places - below).to(sound.dtype)
    padded = torch.nn.functional.pad(sound, (1, 2))  # silence beyond both ends
    last = sound.shape[1]
    a, b, c, d = (padded.gather(1, (below + step).clamp(max=last + 2)) for step in range(4))
    found = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return found, lengths


def shifted(sound: Tensor, lengths: Tensor, share: Tensor) -> Tensor:
    """Later by `share` (B,) of each length, sooner where it is negative: (B, S) -> (B, S)."""
    later = (share.to(sound.device) * lengths).round().long()
    places = torch.arange(sound.shape[1], device=sound.device) - later[:, None]
    there = (places >= 0) & (places < lengths[:, None])
    return sound.gather(1, places.clamp(0, sound.shape[1] - 1)) * there


def without_times(sound: Tensor, lengths: Tensor, start: Tensor, width: Tensor) -> Tensor:
    """Faint from `start` on for `width`, (B, N) each, as shares of each length: (B, S) -> (B, S)."""
    places = torch.arange(sound.shape[1], device=sound.device) / lengths[:, None]
    return sound * _faint(places[:, None], start, width)


def without_bands(sound: Tensor, start: Tensor, width: Tensor) -> Tensor:
    """Faint at pitches from `start` on for `width`, (B, N) each, as shares of all pitches: (B, S) -> (B, S).

    A pitch is the square root of a frequency, so that bands are narrow where hearing resolves most.
    """
    spectrum = torch.fft.rfft(sound)
    pitches = torch.linspace(0, 1, spectrum.shape[1], device=sound.device).sqrt()
    return torch.fft.irfft(spectrum * _faint(pitches, start, width), n=sound.shape[1])


def noisy(sound: Tensor, lengths: Tensor, below: Tensor, noise: Tensor) -> Tensor:
    """With `noise` (B, S) of variance 1 laid over it, `below` (B,) decibels fainter than each recording: (B, S) -> (B, S)."""
    power = sound.square().sum(1) / lengths
    amplitude = power.sqrt() * 10 ** (-below.to(sound.device) / 20)
    return sound + amplitude[:, None] * noise.to(sound.device)


def parse_sound(text: str) -> SoundPolicy | None:
    """A policy from text; None for "none", which changes nothing.

    Raises: ConfigError for an unknown name (with the nearest), a value out of range, a name that comes twice

    >>> parse_sound("speed=0.1,time-mask=2x0.1").time_masks
    (2, 0.1)
    """
    fields = read_parts(text, READERS, kind="augmentation of sound")
    return SoundPolicy(**fields) if fields else None


def _masks(field: str) -> Reader:
    def read(value: str) -> dict[str, Any]:
        count, _, share = value.partition("x")
        if not (1 <= int(count) <= 20 and 0 < float(share) <= 1):
            raise ValueError
        return {field: (int(count), float(share))}

    return read


def _spans(masks: tuple[int, float], rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(B, N) starts and widths, as shares of the whole that no mask reaches beyond."""
    count, most = masks
    place, size = torch.rand(2, rows, count, generator=generator)
    width = most * size
    return place * (1 - width), width


def _faint(places: Tensor, start: Tensor, width: Tensor) -> Tensor:
    """`FAINT` where any of the masks (B, N) lies over places (B, 1, S) or (S,), 1 elsewhere: (B, S)."""
    start, width = start.to(places.device)[..., None], width.to(places.device)[..., None]
    hidden = ((places >= start) & (places < start + width)).any(1)
    return 1 - (1 - FAINT) * hidden


def _inside(sound: Tensor, lengths: Tensor) -> Tensor:
    return torch.arange(sound.shape[1], device=sound.device) < lengths[:, None]


READERS: dict[str, tuple[Reader, str]] = {
    "speed": (number("speed", float, ABOVE_ZERO, 0.5), "write speed=S with a share S in 0..0.5"),
    "shift": (number("shift", float, ABOVE_ZERO, 0.5), "write shift=S with a share S of the length in 0..0.5"),
    "noise": (
        number("noise", float, ABOVE_ZERO, 100),
        "write noise=D with a signal-to-noise ratio D in 0..100 decibels",
    ),
    "time-mask": (_masks("time_masks"), "write time-mask=NxS with N masks in 1..20 of a share S of the time in 0..1"),
    "band-mask": (
        _masks("band_masks"),
        "write band-mask=NxS with N masks in 1..20 of a share S of the mel bands in 0..1",
    ),
}
