"""Embedded clips: scikit-learn's handwritten digits in motion, made when they are opened and the same every time."""

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data import fingerprint
from sonde.data.assemble import About
from sonde.data.rows import ArrayInputs
from sonde.data.targets import raw_target
from sonde.modalities.image.config import ImageConfig
from sonde.modalities.image.forms.digits import pixels
from sonde.modalities.video.config import VideoConfig
from sonde.modalities.video.dataset import assemble_clips
from sonde.modalities.video.moving_digits import FASTEST, FRAMES, SEED, SLOWEST, splits_of

PAIR_SIDE, SINGLE_SIDE = 20, 16  # pixels; digits are 8x8


def read(config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None) -> Dataset:
    """Two digits in each clip, and no classes."""
    return _read("moving-digits", config, digits=2, side=PAIR_SIDE, task=task, tick=tick, like=like)


def read_single(
    config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """One digit in each clip, which is its class."""
    return _read("moving-digit", config, digits=1, side=SINGLE_SIDE, task=task, tick=tick, like=like)


def _read(
    name: str, config: DataConfig, *, digits: int, side: int, task: str | None, tick: Tick, like: Schema | None
) -> Dataset:
    frames = config.of(VideoConfig).clip_frames or FRAMES
    if config.of(ImageConfig).image_size is not None or frames > FRAMES or config.of(VideoConfig).clips == "no":
        raise DataError(
            f"{name} holds clips of {FRAMES} frames of {side}x{side} pixels; leave other settings of them out"
        )
    tick("making clips", 0, 0)
    images, labels = pixels()
    made = splits_of(images, labels, digits=digits, side=side)
    inputs = {split: ArrayInputs(clips[:, :frames, None], f"{name} {split}") for split, (clips, _) in made.items()}
    single = digits == 1
    targets = {split: raw_target(shown[:, 0], name) if single else None for split, (_, shown) in made.items()}
    what = "a digit" if single else "two digits"
    about = About(
        name=name,
        source=name,
        form="embedded",
        why=f"made, not filmed: {what} of scikit-learn's in motion, seed {SEED}",
        facts=[
            Fact(
                f"digits move by {SLOWEST:g} to {FASTEST:g} pixels a frame and bounce off the sides",
                "after Moving MNIST, Srivastava et al. 2015",
            )
        ],
        fingerprint=fingerprint.of_arrays({split: np.ascontiguousarray(clips) for split, (clips, _) in made.items()}),
    )
    return assemble_clips(inputs, targets, about, config, shape=(frames, 1, side, side), task=task, like=like)
