"""The last episodes that were over, by which an environment that was changed is known."""

from typing import Any

import numpy as np
import pytest

from sonde.acting.environments import in_process, last_episodes
from sonde.acting.environments.in_process import InProcess
from sonde.acting.environments.making import as_shown
from sonde.acting.environments.workers import InWorkers
from sonde.core.errors import RunFolderError
from tests.acting.environments.test_checked import making
from tests.acting.small_environments import Corridor, Wander, seed_of


class Prize(Corridor):
    """Pays nothing but what is asked for, in its last step; it may draw some of that without its seed."""

    prize, noise, ends, mark = 1.0, 0.0, True, 1.0
    drawn = np.random.default_rng(0)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        seen, _, over, cut, about = super().step(action)
        last = over or cut
        seen = seen * np.float32(self.mark) if last else seen
        paid = self.prize + self.noise * float(self.drawn.random()) if last else 0.0
        return seen, paid, over and self.ends, cut, about


class Richer(Prize):
    prize = 3.0


class Endless(Prize):
    ends = False


class Marked(Prize):
    mark = 0.5


class Noisy(Prize):
    noise = 1.0


def of(make: Any, workers: int = 0) -> InProcess | InWorkers:
    if workers:
        return InWorkers(making(make), 3, workers, seed_of=seed_of)
    return InProcess(making(make), 3, encode=as_shown, seed_of=seed_of)


def stood(make: Any = Prize, steps: int = 6) -> dict[str, Any]:
    """A state in which all episodes, of 3 steps, have just begun where the steps are a multiple of that."""
    before = of(make)
    before.reset()
    for actions in np.random.default_rng(0).integers(0, 2, (steps, 3)):
        before.step(actions)
    return dict(before.state_dict())


RICHER = "a step is paid 3, and was paid 1, in environment 0 when the same episode is played again.*--fresh"


@pytest.mark.parametrize("steps", [6, 7])
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (Richer, RICHER),
        (Endless, "an episode goes on that was over in environment 0 when"),
        (Marked, "the environment shows something else in environment 0 when"),
    ],
)
def test_a_change_is_seen_where_episodes_have_only_begun(changed: Any, told: str, steps: int) -> None:
    with pytest.raises(RunFolderError, match=told):
        of(changed).load_state_dict(stood(steps=steps))


def test_so_it_is_in_worker_processes() -> None:
    with pytest.raises(RunFolderError, match=RICHER):
        of(Richer, workers=2).load_state_dict(stood())


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_environment_goes_on_and_keeps_what_is_known(workers: int) -> None:
    state = stood()
    after = of(Prize, workers)
    after.load_state_dict(state)
    again = after.state_dict()
    assert state["last_episode"].tolist() == [1, 1, 1]
    assert state["last_reward"].tolist() == [0.0, 0.0, 1.0] * 3
    for name, values in state.items():
        np.testing.assert_array_equal(values, again[name])
    if workers:
        after.close()


def test_what_is_drawn_without_a_seed_is_no_change() -> None:
    of(Noisy).load_state_dict(stood(Noisy))


def test_a_limit_given_since_is_no_change() -> None:
    class Short(Prize):
        def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
            seen, paid, over, _, about = super().step(action)
            return seen, paid, over, self._place >= 2, about

    of(Short).load_state_dict(stood())


def test_a_state_of_an_earlier_version_is_taken() -> None:
    earlier = {name: values for name, values in stood().items() if not name.startswith("last_")}
    after = of(Richer)
    after.load_state_dict(earlier)
    assert after.state_dict()["last_episode"].tolist() == [-1, -1, -1]


def test_of_a_longer_episode_the_first_steps_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (in_process, last_episodes):
        monkeypatch.setattr(module, "FIRST", 2)
    state = stood()
    assert (state["last_reward"].tolist(), state["last_whole"].any()) == ([0.0] * 6, False)
    of(Richer).load_state_dict(state)  # what is paid later is not known


def test_they_are_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "SECONDS", 0.0)
    of(Richer).load_state_dict(stood())
    monkeypatch.setattr(in_process, "SECONDS", 60.0)
    with pytest.raises(RunFolderError, match="was paid 1"):
        of(Richer).load_state_dict(stood())


class Rover(Wander):
    """A long episode, of which snapshots are taken, ended where it is asked to."""

    first, last = 1.0, 60

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        self.taken = 0
        return super().reset(seed=seed)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        seen, paid, _, cut, about = super().step(action)
        self.taken += 1
        return seen, self.first if self.taken == 1 else paid, self.taken == self.last, cut, about


class Changed(Rover):
    first = 2.0


def test_a_long_episode_is_known_by_its_beginning_where_snapshots_were_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "REPLAYED", 0.0)
    monkeypatch.setattr(in_process, "EVERY", 4)
    before = of(Rover)
    assert isinstance(before, InProcess)
    before.reset()
    chosen = np.random.default_rng(0).integers(0, 2, (120, 3))
    for actions in chosen[:59]:
        before.step(actions)
    assert any(before._snapshots.packed)
    middle = before.state_dict()
    assert middle["last_episode"].tolist() == [-1, -1, -1]
    for actions in chosen[59:62]:
        before.step(actions)
    state = before.state_dict()
    assert state["last_episode"].tolist() == [0, 0, 0]
    of(Rover).load_state_dict(state)
    with pytest.raises(RunFolderError, match="paid 2, and was paid 1, in environment 0"):
        of(Changed).load_state_dict(state)
    after = of(Rover)  # put back from a snapshot, it does not know how the episode began
    after.load_state_dict(middle)
    for actions in chosen[59:62]:
        after.step(actions)
    unknown = [bool(packed) for packed in middle["snapshot_bytes"].tolist()]
    assert [episode == -1 for episode in after.state_dict()["last_episode"].tolist()] == unknown
