"""Recordings as clips of one length, for tasks that make sound or encode it: how long those are, and how loud."""

from collections.abc import Iterator
from math import ceil

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import Fact, InputSpec
from sonde.data.rows import chunks
from sonde.data.targets import first_few
from sonde.modalities.audio.waveforms import Waveforms
from sonde.nn.sound_code import clip_samples, levels_of

TASKS = ("diffusion", "flow-matching", "autoencoder", "vae")  # that learn from clips
SHARE = 0.98  # of the training recordings are clips as a whole, where nobody says how long clips are
MOST = 2000  # recordings by which levels are known
AT_ONCE = 256  # of them
NAMED = 3  # names in a warning


def clips(rows: Waveforms, train: np.ndarray, rate: int, seconds: float) -> tuple[InputSpec, list[Fact]]:
    """What a network of clips is fed, and what is to be said of that.

    train: numbers of the training rows;  seconds: of a clip, 0 for as long as most are
    """
    lengths = rows.lengths()[train] / rate
    size = clip_samples(seconds or float(np.quantile(lengths, SHARE)), rate)
    some = train[np.linspace(0, len(train) - 1, min(MOST, len(train))).round().astype(int)]
    levels = levels_of(_read(rows, some), rate, size)
    spec = InputSpec(
        kind="audio", shape=(size,), rate=rate, mean=levels.mean, std=levels.std, scale=levels.floor, read_as="image"
    )
    within = float((lengths <= size / rate).mean())
    most = (
        "no training recording is longer" if within == 1 else f"{within:.0%} of the training recordings are no longer"
    )
    why = "--clip-seconds" if seconds else f"{most}; --clip-seconds sets it"
    return spec, [Fact(f"clips of {size / rate:.3g} s, shorter recordings followed by silence", why)]


def cut(rows: Waveforms, size: int, rate: int, *, training: bool = True) -> list[str]:
    """A warning that counts recordings longer than a clip of so many samples. training: whether --clip-seconds can be given"""
    lengths = rows.lengths()
    long = np.flatnonzero(lengths > size)
    if not len(long):
        return []
    named = first_few([rows.describe(int(row)) for row in long], NAMED)
    most = ceil(100 * int(lengths.max()) / rate) / 100
    more = f"--clip-seconds {most:g} keeps all of each"
    counted = f"{len(long):,} recording{'s' * (len(long) != 1)}"
    told = more if training else f"a run trained with {more}"
    return [f"of {counted} longer than a clip only the first {size / rate:.3g} s count: {named}; {told}"]


def _read(rows: Waveforms, which: np.ndarray) -> Iterator[Tensor]:
    for part in chunks(which, AT_ONCE):
        yield torch.from_numpy(rows.read(which[part])["input"])
