"""The latest transitions."""

import numpy as np
import pytest

from sonde.acting.experience.ring import Ring
from sonde.core.acting import Transition


def filled(capacity: int, ends: dict[int, str], steps: int, count: int = 1) -> Ring:
    """Step t shows t, earns 10 t and leads to t + 1; at its end an episode shows -t, and the next begins."""
    ring = Ring(capacity, count)
    for step in range(steps):
        over, cut = ends.get(step) == "over", ends.get(step) == "cut"
        following = np.full((count, 1), -step if over or cut else step + 1, np.float32)
        flags = np.full(count, over), np.full(count, cut)
        observation = np.full((count, 1), step + 1, np.float32)
        found = Transition(np.full(count, 10.0 * step), *flags, following, observation)
        ring.add(np.full((count, 1), step, np.float32), np.full(count, step), found)
    return ring


def read(ring: Ring, first: int, steps: int) -> dict[str, float]:
    found = ring.read(np.array([first]), np.array([0]), steps=steps, discount=0.5)
    return {name: float(value.ravel()[0]) for name, value in found.items()}


def test_rewards_of_several_steps_are_summed_and_discounted() -> None:
    ring = filled(10, {}, 8)
    assert read(ring, 2, 3) == {
        "observation": 2, "action": 2, "reward": 20 + 15 + 10, "following": 5, "discount": 0.125,
    }  # fmt: skip


def test_a_termination_ends_the_sum_and_nothing_follows() -> None:
    found = read(filled(10, {3: "over"}, 8), 2, 3)
    assert (found["reward"], found["discount"]) == (20 + 15, 0)


def test_a_truncation_ends_the_sum_and_its_last_observation_follows() -> None:
    found = read(filled(10, {3: "cut"}, 8), 2, 3)
    assert (found["reward"], found["discount"], found["following"]) == (20 + 15, 0.25, -3)


def test_the_oldest_are_overwritten_and_never_drawn() -> None:
    ring = filled(5, {6: "cut"}, 13)
    first, _ = ring.draw(1000, 2, np.random.default_rng(0))
    assert sorted(set(first.tolist())) == [8, 9, 10]
    assert read(ring, 8, 2) == {
        "observation": 8, "action": 8, "reward": 80 + 45, "following": 10, "discount": 0.25,
    }  # fmt: skip
    assert not ring.state_dict()["last_at"].numel()


@pytest.mark.parametrize("steps", [3, 5, 12])
def test_a_restored_ring_reads_the_same(steps: int) -> None:
    one, other = filled(5, {2: "cut", 4: "over", 10: "cut"}, steps), Ring(5, 1)
    other.load_state_dict(one.state_dict())
    first, envs = one.draw(50, 1, np.random.default_rng(0))
    for name, value in one.read(first, envs, steps=1, discount=0.9).items():
        np.testing.assert_array_equal(value, other.read(first, envs, steps=1, discount=0.9)[name])
