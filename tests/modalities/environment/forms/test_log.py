"""Logged transitions as data."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet
import pytest

from sonde.acting.config import EnvironmentConfig
from sonde.acting.seeds import SeedRows
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.modalities.open import open_data

LENGTHS = (3, 1, 4, 2, 5)
ENDS = np.cumsum(LENGTHS) - 1
ROWS = sum(LENGTHS)
EPISODE = np.repeat(np.arange(5), LENGTHS)


def log(**other: Any) -> dict[str, Any]:
    """Episodes of which those with an even number end by the rules; row t shows t and t / 2, and after the last step -t."""
    place = np.arange(ROWS, dtype=np.float64)
    last = np.isin(np.arange(ROWS), ENDS)
    found = {
        "observations": np.stack([place, place / 2], 1),
        "actions": np.arange(ROWS) % 3,
        "rewards": 10.0 * place,
        "terminated": last & (EPISODE % 2 == 0),
        "truncated": last & (EPISODE % 2 == 1),
        "final_observations": np.stack([-ENDS, -ENDS / 2], 1).astype(np.float64),
    }
    return {name: value for name, value in {**found, **other}.items() if value is not None}


def written(folder: Path, **other: Any) -> Path:
    np.savez(folder / "log.npz", **log(**other))
    return folder / "log.npz"


def opened(place: Path, *, task: str | None = None, validation: float = 0.2, **settings: Any) -> Dataset:
    config = DataConfig(validation=validation, test=0.2, given=(EnvironmentConfig(**settings),))
    return open_data(place, config, task=task)


def whole(dataset: Dataset) -> dict[str, np.ndarray]:
    """All rows of all splits, in the order of the log."""
    read = [rows.read(np.arange(len(rows))) for rows in dataset.splits.values()]
    found = {name: np.concatenate([each[name] for each in read]) for name in read[0]}
    order = np.argsort(found["input"][:, 0])
    return {name: values[order] for name, values in found.items()}


def check_whole(found: dict[str, np.ndarray]) -> None:
    place = np.arange(ROWS, dtype=np.float32)
    following = np.where(np.isin(place, ENDS), -place, place + 1)
    np.testing.assert_array_equal(found["input"], np.stack([place, place / 2], 1))
    np.testing.assert_array_equal(found["target"], np.arange(ROWS) % 3)
    np.testing.assert_array_equal(found["reward"], 10 * place)
    np.testing.assert_array_equal(found["following"][:, 0], following)
    np.testing.assert_array_equal(found["goes_on"], 1 - np.isin(place, ENDS[[0, 2, 4]]))
    assert found["known"].all()


def test_steps_are_told_what_followed_them(tmp_path: Path) -> None:
    dataset = opened(written(tmp_path))
    check_whole(whole(dataset))
    assert (dataset.schema.target.kind, dataset.schema.target.names) == ("logged-action", ("0", "1", "2"))
    assert any(fact.what == "15 steps of 5 episodes" for fact in dataset.facts)


def test_whole_episodes_are_held_back(tmp_path: Path) -> None:
    dataset = opened(written(tmp_path))
    held = {
        name: set(EPISODE[rows.read(np.arange(len(rows)))["input"][:, 0].astype(int)])
        for name, rows in dataset.splits.items()
    }
    assert sorted(held) == ["test", "train", "validation"]
    assert sorted(number for numbers in held.values() for number in numbers) == [0, 1, 2, 3, 4]  # none is in two


def test_other_files_and_names_are_the_same(tmp_path: Path) -> None:
    """As D4RL and others call it, and in tables."""
    named = log()
    final = named.pop("final_observations")
    following = np.concatenate([named["observations"][1:], final[-1:]])
    following[ENDS] = final
    np.savez(
        tmp_path / "other.npz",
        obs=named["observations"], action=named["actions"], reward=named["rewards"], terminals=named["terminated"],
        timeouts=named["truncated"], next_obs=following,
    )  # fmt: skip
    check_whole(whole(opened(tmp_path / "other.npz")))
    columns = {f"observation_{k}": named["observations"][:, k] for k in range(2)}
    columns |= {f"next_observation_{k}": following[:, k] for k in range(2)}
    columns |= {
        "action": named["actions"],
        "reward": named["rewards"],
        "terminated": named["terminated"],
        "episode": EPISODE + 7,
    }
    csv.write_csv(pa.table(columns), tmp_path / "log.csv")
    check_whole(whole(opened(tmp_path / "log.csv")))
    lists = {name: list(values) for name, values in log(final_observations=None).items()}
    parquet.write_table(pa.table({**lists, "next_observations": list(following)}), tmp_path / "log.parquet")
    check_whole(whole(opened(tmp_path / "log.parquet")))


def test_minari_s_layout_has_one_observation_more(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    named, starts = log(), np.cumsum((0, *LENGTHS))
    with h5py.File(tmp_path / "main_data.hdf5", "w") as file:
        for number in (3, 0, 4, 1, 2):
            part, group = slice(starts[number], starts[number + 1]), file.create_group(f"episode_{number}")
            last = named["final_observations"][number : number + 1]
            group["observations"] = np.concatenate([named["observations"][part], last])
            for name, stored in (
                ("actions", "actions"),
                ("rewards", "rewards"),
                ("terminated", "terminations"),
                ("truncated", "truncations"),
            ):
                group[stored] = named[name][part]
    check_whole(whole(opened(tmp_path / "main_data.hdf5")))


def test_dones_are_ends_by_the_rules_where_nothing_was_cut_off(tmp_path: Path) -> None:
    dones = np.isin(np.arange(ROWS), ENDS)
    check_whole(whole(opened(written(tmp_path, terminated=None, dones=dones))))
    check_whole(whole(opened(written(tmp_path, dones=dones))))  # said better by the others


def test_numbers_are_scaled_to_their_bounds(tmp_path: Path) -> None:
    dataset = opened(written(tmp_path, actions=np.linspace(0, 14, ROWS)[:, None] / 7))
    assert (dataset.schema.target.mean, dataset.schema.target.std) == ((1.0,), (1.0,))
    np.testing.assert_allclose(whole(dataset)["target"][:, 0], np.linspace(-1, 1, ROWS), atol=1e-6)


def test_where_a_log_breaks_off_what_follows_is_not_known(tmp_path: Path) -> None:
    """An episode that was cut off, of which nobody kept the last observation, and the end of the log."""
    found = whole(opened(written(tmp_path, final_observations=None)))
    assert np.flatnonzero(found["known"] == 0).tolist() == ENDS[[1, 3]].tolist()
    unended = {"terminated": np.zeros(ROWS, bool), "truncated": np.isin(np.arange(ROWS), ENDS[:-1])}
    found = whole(opened(written(tmp_path, final_observations=None, **unended)))
    assert np.flatnonzero(found["known"] == 0).tolist() == ENDS.tolist()
    assert found["goes_on"].all()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"terminated": None}, "has no terminated; add 1 where an episode was over by the rules"),
        ({"truncated": None}, "neither truncated nor episodes, so an episode that was cut off could not be told"),
        (
            {"terminated": None, "truncated": None, "dones": np.zeros(ROWS)},
            "has dones and no truncated, so an episode that was",
        ),
        ({"terminated": None, "dones": np.zeros(4)}, "dones has 4 rows and truncated 15"),
        ({"terminated": np.zeros(4)}, "terminated has 4 rows and actions 15"),
        ({"rewards": np.full(ROWS, np.nan)}, "rewards of row 0 are not finite"),
        ({"actions": np.zeros((ROWS, 2, 2))}, r"actions are float64 of shape \(15, 2, 2\); one whole number a step"),
        ({"actions": np.full((ROWS, 2), -1)}, "the log has action -1; actions are numbered from 0"),
        ({"actions": np.arange(ROWS) - 1}, "the log has action -1; actions are numbered from 0"),
        ({"episodes": np.zeros(ROWS, int)}, "episode 0 goes on after row 2, where it ended"),
        ({"episodes": EPISODE % 4}, "the steps of an episode do not stand together"),
        ({"final_observations": np.zeros((2, 2))}, "2 final_observations for 5 episodes"),
        ({"observations": np.array(["a"] * ROWS)}, "observations are <U1, and must be numbers"),
        (
            {"next_observations": np.stack([np.arange(ROWS), np.arange(ROWS) / 2], 1)},
            "next_observations are the observations themselves in every row; give what was seen after each step",
        ),
        ({"obs": np.zeros((ROWS, 2))}, "observations, obs are called the same; leave one of them out"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, other: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        opened(written(tmp_path, **other))


def test_too_few_episodes_to_hold_back_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="15 steps of 1 episodes, too few to hold some back"):
        opened(written(tmp_path, terminated=np.zeros(ROWS), truncated=np.zeros(ROWS), final_observations=None))


def test_settings_of_an_environment_need_one(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="--episodes is for an environment to evaluate in; name one by --environment, such as gym:NAME"
    ):
        opened(written(tmp_path), episodes=3)
    with pytest.raises(DataError, match="is a log, and ppo learns by acting"):
        opened(written(tmp_path), task="ppo")


def test_an_unknown_environment_of_the_log_is_said(tmp_path: Path) -> None:
    dataset = opened(written(tmp_path, environment="gym:NoSuch-v7"))
    assert any(
        "gym:NoSuch-v7, which cannot be made here, so held-out episodes are evaluated" in each
        for each in dataset.warnings
    )
    with pytest.raises(DataError, match="NoSuch"):
        opened(written(tmp_path), environment="gym:NoSuch-v7")


@pytest.mark.parametrize("typed", [False, True])
def test_an_environment_of_a_persons_own_is_evaluated_in(typed: bool, tmp_path: Path) -> None:
    pytest.importorskip("gymnasium")
    name, seen = "env:tests.acting.small_environments:Corridor", np.zeros((ROWS, 4))
    named: dict[str, Any] = {} if typed else {"environment": name}
    place = written(tmp_path, observations=seen, actions=np.arange(ROWS) % 2, final_observations=None, **named)
    settings: dict[str, Any] = {"environment": name} if typed else {}
    dataset = open_data(place, DataConfig(given=(EnvironmentConfig(episodes=3, max_episode_steps=2, **settings),)))
    assert dataset.warnings == []
    assert type(dataset.splits["validation"]) is SeedRows
    assert len(dataset.splits["validation"]) == 3
    assert dataset.schema.input.extra == name
    with pytest.raises(
        DataError, match="--environment game:chess: give gym:NAME, env:MODULE:CLASS or atari:NAME, or none"
    ):
        open_data(place, DataConfig(given=(EnvironmentConfig(environment="game:chess"),)))


def test_an_environment_is_evaluated_in(tmp_path: Path) -> None:
    pytest.importorskip("gymnasium")
    place = written(
        tmp_path,
        environment="gym:CartPole-v1",
        observations=np.zeros((ROWS, 4)),
        actions=np.arange(ROWS) % 2,
        final_observations=None,
    )
    config = DataConfig(given=(EnvironmentConfig(episodes=3),))
    dataset = open_data(place, config)
    assert [type(dataset.splits[name]) is SeedRows for name in ("train", "validation", "test")] == [False, True, True]
    assert len(dataset.splits["train"]) == ROWS
    assert dataset.schema.input.extra == "gym:CartPole-v1"
    with pytest.raises(DataError, match="--validation is for held-out rows, and gym:CartPole-v1 is evaluated in"):
        open_data(place, DataConfig(validation=0.3))
    wrong = {"observations": np.zeros((ROWS, 4)), "final_observations": None}
    for other, said in (
        ({}, r"observations of shape \(2,\), and \(4,\) is needed"),
        ({**wrong, "actions": np.eye(2)[[0] * ROWS]}, "log the number of the action, 0 to 1, and no 0 or 1 for each"),
        (wrong, "has action 2 in row 2; there are 0 to 1"),
    ):
        with pytest.raises(DataError, match=said):
            open_data(written(tmp_path, environment="gym:CartPole-v1", **other), DataConfig())


def test_a_task_that_learns_from_logs_does_not_act() -> None:
    pytest.importorskip("gymnasium")
    with pytest.raises(
        DataError, match="task cloning learns from a log of what others did, and gym:CartPole-v1 is acted in"
    ):
        open_data("gym:CartPole-v1", DataConfig(), task="cloning")


def test_values_look_ahead_as_far_as_the_episode_goes_and_what_is_known(tmp_path: Path) -> None:
    found = whole(opened(written(tmp_path), task="cql", log_steps=3))
    for t in range(ROWS):
        end = int(ENDS[EPISODE[t]])
        last = min(t + 2, end)
        rewards = [10.0 * step for step in range(t, last + 1)]
        assert found["reward"][t].tolist() == rewards + [0.0] * (3 - len(rewards))
        assert found["steps"][t] == len(rewards)
        assert found["following"][t, 0] == (-last if last == end else last + 1)
        assert found["goes_on"][t] == (last != end or EPISODE[t] % 2 == 1)
    assert found["known"].all()


def test_of_a_log_that_breaks_off_values_are_taken_where_something_was_seen(tmp_path: Path) -> None:
    found = whole(opened(written(tmp_path, final_observations=None), task="cql", log_steps=10))
    first = int(ENDS[2]) + 1  # of the fourth episode, of two steps, which was cut off
    assert found["known"][first] == 1
    assert found["known"][first + 1] == 0
    assert found["steps"][first] == 1
    assert found["following"][first, 0] == first + 1
    assert found["reward"][first].tolist() == [10.0 * first] + [0.0] * 9


def test_how_far_values_look_ahead_is_for_tasks_that_learn_them(tmp_path: Path) -> None:
    place = written(tmp_path)
    assert whole(opened(place, task="cql"))["reward"].shape == (ROWS, 10)
    assert whole(opened(place, task="cloning"))["reward"].shape == (ROWS,)
    for task in ("cloning", None):
        with pytest.raises(DataError, match="--log-steps is for values that are learned from a log; give --task cql"):
            opened(place, task=task, log_steps=3)
    with pytest.raises(DataError, match="--log-steps is for logs, and gym:CartPole-v1 is an environment"):
        open_data("gym:CartPole-v1", DataConfig(given=(EnvironmentConfig(log_steps=3),)))


def test_what_rewards_are_divided_by_is_told_where_values_are_learned_of_them(tmp_path: Path) -> None:
    def told(rewards: np.ndarray, task: str) -> list[str]:
        facts = opened(written(tmp_path, rewards=rewards), task=task).facts
        return [fact.what for fact in facts if "divided" in fact.what]

    rewards = np.where(np.arange(ROWS) % 3 == 0, 2000.0, 0.0)
    assert told(rewards, "cql") == ["values are learned from rewards divided by about 2,000"]
    assert told(rewards, "cloning") == told(np.ones(ROWS), "cql") == told(np.zeros(ROWS), "cql") == []


def test_cloning_needs_no_rewards(tmp_path: Path) -> None:
    place = written(tmp_path, rewards=None)
    for task in ("cloning", None):
        found = whole(opened(place, task=task))
        np.testing.assert_array_equal(found["target"], np.arange(ROWS) % 3)
        assert "reward" not in found
    with pytest.raises(DataError, match="has no rewards; add what came of each action, or clone the actions"):
        opened(place, task="cql")
    bare = {"rewards": None, "final_observations": None, "terminated": None, "truncated": None, "episodes": EPISODE}
    with pytest.raises(DataError, match="has no terminated; add 1 where"):
        opened(written(tmp_path, **bare), task="cloning")
    np.savez(tmp_path / "other.npz", states=np.zeros((4, 2)), actions=np.zeros(4, int))
    with pytest.raises(
        DataError, match="is no log, which cloning learns from: it needs observations and actions, and holds st"
    ):
        opened(tmp_path / "other.npz", task="cloning")


def test_actions_of_several_parts_are_rows_of_whole_numbers(tmp_path: Path) -> None:
    taken = np.stack([np.arange(ROWS) % 3, np.arange(ROWS) % 2], 1)
    dataset = opened(written(tmp_path, actions=taken))
    assert (dataset.schema.target.kind, dataset.schema.target.shape) == ("logged-actions", (3, 2))
    np.testing.assert_array_equal(whole(dataset)["target"], taken)
    assert any("rows of 2 whole numbers, learned as parts" in each for each in dataset.warnings)
    with pytest.raises(DataError, match="actions are of several parts, which cql does not learn; give --task cloning"):
        opened(written(tmp_path, actions=taken), task="cql")


def test_a_log_under_other_names_is_told_which_are_read(tmp_path: Path) -> None:
    other = {"states": np.zeros((4, 2)), "actions": np.zeros(4, int), "rewards": np.zeros(4), "done": np.zeros(4, bool)}
    np.savez(tmp_path / "other.npz", **other)
    read = r"holds states, actions, rewards, done; rename them: observations, actions, rewards, terminated, truncated \(or ep"
    with pytest.raises(
        DataError, match=f"other.npz is no log, as its names look like: it needs observations and actions, and {read}"
    ):
        opened(tmp_path / "other.npz")
    np.savez(tmp_path / "other.npz", state=np.zeros((4, 2)), deed=np.zeros((4, 1)))
    with pytest.raises(
        DataError, match="which --environment is given for: it needs observations and actions, and holds state, deed"
    ):
        opened(tmp_path / "other.npz", environment="gym:CartPole-v1")
    np.savez(tmp_path / "other.npz", x=np.zeros((9, 2)), y=np.arange(9) % 2, action=np.zeros(9), reward=np.zeros(9))
    assert opened(tmp_path / "other.npz").schema.input.kind == "array", "what is named as input and target is that"


def test_names_of_imitation_are_read(tmp_path: Path) -> None:
    found = log()
    names = {
        "obs": "observations",
        "acts": "actions",
        "rews": "rewards",
        "terminal": "terminated",
        "truncated": "truncated",
    }
    infos = np.array([{"seed": 3}] * ROWS)  # which needs pickle, and is not looked at
    np.savez(tmp_path / "other.npz", infos=infos, **{name: found[role] for name, role in names.items()})
    given, same = (
        opened(tmp_path / "other.npz", task="cql"),
        opened(written(tmp_path, final_observations=None), task="cql"),
    )
    for name, values in whole(same).items():
        np.testing.assert_array_equal(whole(given)[name], values)


def test_rows_that_do_not_follow_one_another_are_said(tmp_path: Path) -> None:
    seen = log()["observations"]
    ordered = opened(written(tmp_path, next_observations=seen + [1, 0.5]))
    assert ordered.warnings == []
    mixed = opened(written(tmp_path, next_observations=seen + [2, 1]))
    assert any("100% of the steps are not the observations of the row behind them" in each for each in mixed.warnings)
