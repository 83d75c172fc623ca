"""Clips that are made: digits that move in straight lines through a small frame and bounce off its sides.

Source: after Srivastava, Mansimov and Salakhutdinov 2015, Unsupervised learning of video representations using LSTMs,
arXiv:1502.04681 (Moving MNIST)
"""

import numpy as np

SEED = 0
FRAMES = 8
TRAIN, HELD_OUT = 4000, 500  # clips; as many for validation and for test
ROWS = TRAIN + 2 * HELD_OUT
SLOWEST, FASTEST = 1.0, 2.5  # pixels a frame

# n clips, d digits in each, t frames


def moving(
    images: np.ndarray, number: int, *, digits: int, side: int, frames: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(clips (number, frames, side, side) uint8, which images each shows (number, digits)).

    Each digit has a place, a direction and a speed of `SLOWEST` to `FASTEST` pixels a frame, drawn evenly; it is drawn at whole
    pixels, and where digits lie over one another the brighter pixel is seen.
    images: (m, height, width) uint8, smaller than the frame
    """
    height, width = images.shape[1:]
    room = np.array([side - height, side - width], np.float64)
    chosen = random.integers(len(images), size=(number, digits))
    begin = random.uniform(0, 1, (number, digits, 2)) * room
    direction, speed = (
        random.uniform(0, 2 * np.pi, (number, digits)),
        random.uniform(SLOWEST, FASTEST, (number, digits)),
    )
    step = speed[..., None] * np.stack([np.sin(direction), np.cos(direction)], -1)
    time = np.arange(frames)[None, :, None, None]
    places = np.rint(reflected(begin[:, None] + time * step[:, None], room)).astype(int)  # (n, t, d, 2)
    clips = np.zeros((number, frames, side, side), np.uint8)
    for clip, (where, which) in enumerate(zip(places, chosen, strict=True)):
        for frame, at in enumerate(where):
            for (top, left), image in zip(at, which, strict=True):
                window = clips[clip, frame, top : top + height, left : left + width]
                np.maximum(window, images[image], out=window)
    return clips, chosen


def reflected(places: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Places on an endless line, folded into 0 to `room` by a bounce at either end.

    >>> reflected(np.array([-1.0, 2.0, 5.0, 7.0]), np.array(4.0)).tolist()
    [1.0, 2.0, 3.0, 1.0]
    """
    return room - np.abs(np.mod(places, 2 * room) - room)


def splits_of(
    images: np.ndarray, labels: np.ndarray, *, digits: int, side: int, seed: int = SEED
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Split -> (clips, the digits that each shows (n, digits)); no image of a digit moves in two splits."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(images))
    cuts = [8 * len(order) // 10, 9 * len(order) // 10]
    found = {}
    for split, rows in zip(("train", "validation", "test"), np.split(order, cuts), strict=True):
        number = TRAIN if split == "train" else HELD_OUT
        clips, chosen = moving(images[rows], number, digits=digits, side=side, frames=FRAMES, random=random)
        found[split] = clips, labels[rows][chosen]
    return found
