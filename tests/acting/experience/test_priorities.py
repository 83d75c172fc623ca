"""Transitions that are drawn by how far off their values were."""

import numpy as np
import pytest

from sonde.acting.experience.priorities import Priorities


def after(steps: int, *, capacity: int = 4, count: int = 2, exponent: float = 0.5, known: int = 1) -> Priorities:
    found = Priorities(capacity, count, exponent=exponent, steps=known)
    for written in range(1, steps + 1):
        found.added(written)
    return found


def drawn(priorities: Priorities, written: int, number: int = 4000) -> dict[tuple[int, int], float]:
    first, envs = priorities.draw(number, written, np.random.default_rng(0))
    pairs, counts = np.unique(np.stack([first, envs], 1), axis=0, return_counts=True)
    return {(int(step), int(env)): int(each) / number for (step, env), each in zip(pairs, counts, strict=True)}


def test_only_what_is_kept_and_followed_is_drawn_and_the_new_alike() -> None:
    assert drawn(after(3), 3) == pytest.approx({(0, 0): 0.25, (0, 1): 0.25, (1, 0): 0.25, (1, 1): 0.25}, abs=1e-3)
    assert sorted({step for step, _ in drawn(after(11), 11)}) == [7, 8, 9]
    assert sorted({step for step, _ in drawn(after(11, known=2), 11)}) == [7, 8]


def test_draws_are_in_proportion_to_a_power_of_the_errors() -> None:
    priorities = after(3)
    priorities.learned(np.array([0, 1, 2, 3]), np.array([-1.0, 4.0, 9.0, 0.0]))
    whole = 1 + 2 + 3 + 1e-3
    expected = {(0, 0): 1 / whole, (0, 1): 2 / whole, (1, 0): 3 / whole}
    assert {pair: share for pair, share in drawn(priorities, 3).items() if share > 1e-2} == pytest.approx(
        expected, abs=1e-3
    )


def test_weights_make_up_for_it() -> None:
    """(1 / N P(i))^beta over the largest of the batch: Schaul et al. 2016, section 3.4."""
    priorities = after(3)
    priorities.learned(np.array([0, 1, 2]), np.array([1.0, 4.0, 9.0]) - 1e-6)
    shares = np.array([1, 2, 3]) / 7  # the fourth, new, has 1
    for beta in (0.0, 0.4, 1.0):
        exact = (1 / (4 * shares)) ** beta
        found = priorities.weights(np.array([0, 0, 1]), np.array([0, 1, 0]), beta)
        np.testing.assert_allclose(found, exact / exact.max(), rtol=1e-6)


def test_a_new_one_is_as_likely_as_the_worst_there_was() -> None:
    priorities = after(3, count=1)
    priorities.learned(np.array([0, 1]), np.array([16.0, 1.0]))
    priorities.learned(np.array([0]), np.array([1.0]))
    priorities.added(4)
    assert drawn(priorities, 4) == pytest.approx({(0, 0): 1 / 6, (1, 0): 1 / 6, (2, 0): 4 / 6}, abs=1e-3)


def test_an_error_that_is_no_number_counts_as_the_worst() -> None:
    priorities = after(3, count=1)
    priorities.learned(np.array([0, 1]), np.array([np.nan, 0.25]))
    assert drawn(priorities, 3) == pytest.approx({(0, 0): 2 / 3, (1, 0): 1 / 3}, abs=1e-3)


def test_restored_they_draw_the_same() -> None:
    one, other = after(9), Priorities(4, 2, exponent=0.5, steps=1)
    one.learned(np.array([12, 13, 15]), np.array([0.3, 5.0, 0.01]))
    other.load_state_dict(one.state_dict())
    for each in (one, other):
        each.added(10)
    assert drawn(one, 10) == drawn(other, 10)
