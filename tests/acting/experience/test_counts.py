"""What is counted while training: ranges since the beginning, means of late, and whether anything else was ever shown."""

import numpy as np

from sonde.acting.experience.counts import Counts
from sonde.core.acting import Transition


def step(reward: list[float], ended: list[bool], shown: list[float]) -> Transition:
    following = np.asarray(shown, np.float32)[:, None]
    over = np.asarray(ended)
    return Transition(np.asarray(reward), over, np.zeros_like(over), following, following)


def test_figures_are_those_of_all_episodes_and_of_the_last() -> None:
    counts = Counts(2)
    counts.add(step([1, -2], [False, False], [5, 5]))
    assert counts.figures == {
        "episodes": 0,
        "observations_alike": 1,
        "reward_lowest": -2,
        "reward_highest": 1,
        "length_going": 1,
    }
    counts.add(step([3, 0], [True, False], [5, 5]))
    counts.add(step([0.5, 0], [False, True], [5, 7]))
    found = counts.figures
    assert (found["reward_lowest"], found["reward_highest"]) == (-2, 3)
    assert (found["return_lowest"], found["return_highest"]) == (-2, 4)
    assert (found["length_lowest"], found["length_highest"]) == (2, 3)
    assert (found["train_return"], found["train_length"], found["episodes"]) == (1, 2.5, 2)
    assert found["observations_alike"] == 0


def test_they_are_put_back() -> None:
    counts, again, other = Counts(1), Counts(1), Counts(1)
    for reward, ended, shown in ((1, False, 2), (4, True, 2), (-1, False, 2)):
        counts.add(step([reward], [ended], [shown]))
    again.load_state_dict(counts.state_dict())
    for each in (counts, again):
        each.add(step([7], [True], [2]))
    assert again.figures == counts.figures
    assert again.figures["return_highest"] == 6
    assert again.figures["observations_alike"] == 1
    again.add(step([0], [False], [3]))
    assert again.figures["observations_alike"] == 0
    other.load_state_dict(Counts(1).state_dict())
    other.add(step([0], [False], [3]))  # the first there is
    assert other.figures["observations_alike"] == 1


def test_a_state_stays_what_it_was_while_counting_goes_on() -> None:
    """As a plan's trial takes it, plays on and puts it back: what was played in the trial is not counted."""
    counts = Counts(1)
    before = counts.state_dict()
    counts.add(step([5], [False], [2]))
    counts.load_state_dict(before)
    counts.add(step([1], [True], [2]))
    assert (counts.figures["train_return"], counts.figures["train_length"]) == (1, 1)
