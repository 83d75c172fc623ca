"""Where environments stand in the middle of long episodes."""

import pickle
from typing import Any

import numpy as np
import pytest

from sonde.acting.environments import in_process as module
from sonde.acting.environments import snapshots
from sonde.acting.environments.in_process import InProcess
from sonde.acting.environments.making import as_shown
from sonde.acting.environments.workers import InWorkers
from sonde.core.errors import RunFolderError
from tests.acting.environments.test_checked import making
from tests.acting.small_environments import Anew, Held, Wander, seed_of

STEPS, PLAYED_AGAIN = (
    600,
    2 * snapshots.PROVED + 8 * 8,
)  # of each environment, at most, where every 8 steps are looked at


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots of whatever takes any time to be played again."""
    monkeypatch.setattr(module, "REPLAYED", 0.0)
    monkeypatch.setattr(module, "EVERY", 8)
    monkeypatch.setattr(module, "SPARE", 50)


def of(make: Any, count: int = 2) -> InProcess:
    return InProcess(making(make), count, encode=as_shown, seed_of=seed_of)


def stepped(make: Any) -> tuple[InProcess, InProcess, np.ndarray]:
    """Environments that are stepped, others that were put where they stood, and actions to go on with."""
    before, after = of(make), of(make)
    before.reset()
    chosen = np.random.default_rng(0).integers(0, 2, (STEPS + 50, 2))
    for actions in chosen[:STEPS]:
        before.step(actions)
    after.load_state_dict(before.state_dict())
    return before, after, chosen[STEPS:]


def check_same(one: Any, other: Any, chosen: np.ndarray) -> None:
    for actions in chosen:
        for a, b in zip(one.step(actions), other.step(actions), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("eager")
def test_a_long_episode_goes_on_from_a_snapshot() -> None:
    before, after, chosen = stepped(Wander)
    assert all(before._snapshots.packed)
    assert max(before.state_dict()["length"].tolist()) <= PLAYED_AGAIN
    assert len(before._log) <= PLAYED_AGAIN + 50
    check_same(before, after, chosen)
    again = of(Wander)
    again.load_state_dict(after.state_dict())
    check_same(after, again, chosen)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("make", [Anew, Held])
def test_what_has_no_true_copies_is_played_again(make: Any) -> None:
    before, after, chosen = stepped(make)
    assert (before._snapshots.possible, before.state_dict()["length"].tolist()) == (False, [STEPS, STEPS])
    check_same(before, after, chosen)


@pytest.mark.usefixtures("eager")
def test_processes_take_over_snapshots() -> None:
    before, _, chosen = stepped(Wander)
    other = InWorkers(making(Wander), 2, 2, seed_of=seed_of)
    other.load_state_dict(before.state_dict())
    again = of(Wander)
    again.load_state_dict(other.state_dict())
    check_same(before, other, chosen)
    other.close()
    again.load_state_dict(before.state_dict())


def test_short_episodes_have_no_snapshots() -> None:
    environments = of(Wander)
    environments.reset()
    for _ in range(600):
        environments.step(np.array([0, 1]))
    assert not any(environments._snapshots.packed)


class _Evil:
    def __reduce__(self) -> Any:
        import os

        return os.system, ("true",)


def test_a_snapshot_brings_no_code() -> None:
    environments = of(Wander)
    environments.reset()
    for _ in range(3):
        environments.step(np.array([0, 1]))
    state = environments.state_dict()
    import torch

    for value, told in (
        (_Evil(), "it names posix.system"),
        (np.memmap, "it names numpy.memmap"),
        (eval, "builtins.eval"),
    ):
        packed = pickle.dumps((value, 0, 0))
        snapshot = torch.frombuffer(bytearray(packed), dtype=torch.uint8)
        with pytest.raises(RunFolderError, match=f"environment 0 stood cannot be read back .*{told}.*--fresh"):
            environments.load_state_dict(
                {**state, "snapshot": snapshot, "snapshot_bytes": torch.tensor([len(packed), 0])}
            )
