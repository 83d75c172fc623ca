"""Observations of several pictures, each kept once."""

import numpy as np
import pytest

from sonde.acting.experience.frame_store import Frames
from sonde.acting.experience.ring import Ring
from sonde.core.acting import Transition

STACK, COUNT, CAPACITY = 4, 2, 12


def shown(steps: int, ends: dict[int, set[int]], *, channels: int = 1, seed: int = 0) -> np.ndarray:
    """(steps, n, stack * channels, 3, 2) what n environments show. ends: step -> in which an episode begins"""
    random = np.random.default_rng(seed)
    stack = np.zeros((COUNT, STACK, channels, 3, 2), np.uint8)
    found = []
    for step in range(steps):
        newest = random.integers(1, 256, stack[:, -1:].shape, np.uint8)
        begins = [number in ends.get(step, set()) for number in range(COUNT)]
        stack = np.concatenate([stack[:, 1:], newest], 1)
        stack[begins, :-1] = 0
        found.append(stack.reshape(COUNT, -1, 3, 2).copy())
    return np.stack(found)


ENDS = {0: {0, 1}, 5: {0}, 6: {0}, 7: {1}, 15: {0, 1}, 30: {1}}


def everything(frames: Frames, last: int) -> np.ndarray:
    steps = np.arange(max(0, last - CAPACITY), last)
    return np.stack([frames.read(steps, np.full(len(steps), number)) for number in range(COUNT)], 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_read_is_what_was_shown(channels: int) -> None:
    seen, frames = shown(50, ENDS, channels=channels), Frames(CAPACITY, COUNT, STACK)
    for step, observation in enumerate(seen):
        frames.add(step, observation)
        expected = seen[max(0, step + 1 - CAPACITY) : step + 1]
        np.testing.assert_array_equal(everything(frames, step + 1), expected)


@pytest.mark.parametrize("stopped", [1, 6, 17, 40])
def test_put_back_it_goes_on_the_same(stopped: int) -> None:
    seen, one, other = shown(50, ENDS), Frames(CAPACITY, COUNT, STACK), Frames(CAPACITY, COUNT, STACK)
    for step in range(stopped):
        one.add(step, seen[step])
    other.load_state_dict(one.state_dict(stopped))
    for step in range(stopped, 50):
        one.add(step, seen[step])
        other.add(step, seen[step])
        np.testing.assert_array_equal(everything(one, step + 1), everything(other, step + 1))


def test_it_keeps_each_picture_once_and_forgets_the_old() -> None:
    frames, seen = Frames(CAPACITY, COUNT, STACK), shown(50, ENDS)
    for step in range(50):
        frames.add(step, seen[step])
    kept = frames.state_dict(50)
    assert kept["newest"].shape == (CAPACITY + STACK - 1, COUNT, 1, 3, 2)
    assert kept["whole_at"].tolist() == []


def test_a_ring_of_pictures_reads_what_a_plain_one_does() -> None:
    plain, thrifty, seen = Ring(CAPACITY, COUNT), Ring(CAPACITY, COUNT, frames=STACK), shown(41, ENDS)
    for step in range(40):
        ended = np.array([number in ENDS.get(step + 1, set()) for number in range(COUNT)])
        cut = ended & (step % 2 == 0)
        following = np.where(ended[:, None, None, None], 255 - seen[step], seen[step + 1])
        found = Transition(np.full(COUNT, 1.0), ended & ~cut, cut, following, seen[step + 1])
        for ring in (plain, thrifty):
            ring.add(seen[step], np.full(COUNT, step), found)
    again = Ring(CAPACITY, COUNT, frames=STACK)
    again.load_state_dict(thrifty.state_dict())
    first, envs = plain.draw(200, 3, np.random.default_rng(0))
    expected = plain.read(first, envs, steps=3, discount=0.9)
    for ring in (thrifty, again):
        for name, values in ring.read(first, envs, steps=3, discount=0.9).items():
            np.testing.assert_array_equal(values, expected[name])
