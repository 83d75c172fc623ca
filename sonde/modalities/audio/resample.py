"""Recordings at another sampling rate."""

from math import gcd

import numpy as np

CROSSINGS = 24  # of zero by the kernel on either side: a sharper filter with more
ROLL_OFF = 0.95  # of what the lower rate can carry: beyond, the kernel's own slope would let aliases through
CHUNK = 16_384  # samples at a time, for memory

# N output samples, K taps of the kernel, L phases: places between two samples that occur


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """(S,) at `rate` samples a second -> float32 (about S · wanted / rate,) at `wanted`.

    Each new sample is the sum of those around it under a sinc with a Hann window; silence lies beyond both ends. Frequencies
    that the new rate cannot carry are taken away, not folded back.
    Source: Smith, Digital audio resampling, https://ccrma.stanford.edu/~jos/resample
    """
    if rate == wanted:
        return samples.astype(np.float32)
    common = gcd(rate, wanted)
    step, phases = rate // common, wanted // common
    kernel = _kernel(step, phases)  # (L, K)
    half = kernel.shape[1] // 2
    padded = np.pad(samples.astype(np.float32), half)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[1])  # (S, K): the samples around each
    places = np.arange(resampled_length(len(samples), rate, wanted), dtype=np.int64) * step
    found = np.empty(len(places), dtype=np.float32)
    for start in range(0, len(places), CHUNK):
        chosen = places[start : start + CHUNK]
        found[start : start + CHUNK] = np.einsum("nk,nk->n", windows[chosen // phases], kernel[chosen % phases])
    return found


def resampled_length(samples: int, rate: int, wanted: int) -> int:
    """How many samples `resampled` gives: those that fall before the end.

    >>> resampled_length(44_100, 44_100, 16_000), resampled_length(3, 2, 4), resampled_length(0, 8000, 16_000)
    (16000, 6, 0)
    """
    return -(-samples * wanted // rate)


def _kernel(step: int, phases: int) -> np.ndarray:
    """(L, K) float32: weights of the samples around a place, for each fraction of a sample that it may lie behind the middle one.

    The weights of a place add up to 1, so that a constant stays what it is.
    """
    cutoff = ROLL_OFF * min(1.0, phases / step)  # as a share of what the old rate can carry
    half = int(np.ceil(CROSSINGS / cutoff))
    taps = np.arange(-half, half + 1)
    apart = taps - np.arange(phases)[:, None] / phases  # (L, K), in samples
    window = np.cos(np.clip(apart * cutoff / CROSSINGS, -1, 1) * np.pi / 2) ** 2
    weights = np.sinc(apart * cutoff) * window
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
