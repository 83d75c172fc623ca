"""Reading `atari:NAME`."""

import json
from typing import Any

import pytest

from sonde.acting.seeds import SeedRows
from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError, DataError
from sonde.modalities.inspect import inspect
from sonde.modalities.open import open_data, open_like
from sonde.modalities.settings import data_config

pytest.importorskip("ale_py")


def opened(name: str = "atari:Pong", **settings: Any) -> Dataset:
    return open_data(name, data_config(settings))


def said(dataset: Dataset) -> list[str]:
    return [f"{fact.what} ({fact.why})" for fact in dataset.facts]


def test_what_is_done_to_a_game_is_told_with_its_source() -> None:
    assert said(opened()) == [
        "4 pictures of 84x84 pixels, grey, the newest last (Mnih et al. 2015)",
        "6 actions of 4 frames each (those that do something)",
        "fewer than 30 frames, drawn, pass before the first action (Mnih et al. 2015)",
        "an episode is cut off after 27,000 actions (max_episode_steps)",
        "learned from the sign of rewards and one life at a time; returns are the real score (Mnih et al. 2015)",
    ]


def test_settings_change_what_is_seen_and_stand_in_the_schema() -> None:
    dataset = opened(
        frame_size=42,
        frame_stack=2,
        frame_skip=3,
        frame_colors="rgb",
        sticky_actions=0.25,
        noop_starts=0,
        all_actions=True,
    )
    assert dataset.schema.input.shape == (6, 42, 42)
    assert len(dataset.schema.target.names) == 18
    saved = json.loads(dataset.schema.input.extra)["atari"]
    assert saved == {
        "rom": "pong", "skip": 3, "stack": 2, "size": 42, "grey": False, "noops": 0, "sticky": 0.25, "every": True,
        "longest": 27_000, "lives": True, "filmed": False,
    }  # fmt: skip
    assert "a frame repeats the action before it with probability 0.25 (Machado et al. 2018)" in said(dataset)


def test_rewards_are_clipped_where_nothing_else_is_said() -> None:
    clipped = [opened(**settings).splits["train"] for settings in ({}, {"reward_clip": "none"})]
    assert [rows.clipped for rows in clipped if isinstance(rows, SeedRows)] == [True, False]


def test_a_policy_of_another_game_is_refused() -> None:
    trained = opened().schema
    with pytest.raises(DataError, match="atari:Breakout takes 4 actions, and the model was trained for 6 actions"):
        open_like("atari:Breakout", trained, data_config({}))
    with pytest.raises(DataError, match=r"atari:Pong shows \(4, 42, 42\), and the model was trained on \(4, 84, 84\)"):
        open_like("atari:Pong", trained, data_config({"frame_size": 42}))


def test_what_has_no_effect_is_refused() -> None:
    with pytest.raises(ConfigError, match="--opponents are of games for two, and atari:Pong is played alone"):
        opened(opponents=("random",))
    with pytest.raises(ConfigError, match="--environment-timeout is of other environments"):
        opened(environment_timeout=5.0)
    with pytest.raises(ConfigError, match="--log-steps is for logs, and atari:Pong is acted in"):
        opened(log_steps=3)
    for setting, value in (("noop_starts", 5), ("sticky_actions", 0.1), ("all_actions", True), ("ignore_lives", True)):
        flag = "--" + setting.replace("_", "-")
        with pytest.raises(ConfigError, match=f"{flag} is of Atari games, and gym:CartPole-v1 is none; leave it out"):
            opened("gym:CartPole-v1", **{setting: value})
    with pytest.raises(DataError, match=r"gym:CartPole-v1 shows 4 numbers, and .*--frame-stack.*leave them out"):
        opened("gym:CartPole-v1", frame_stack=4)


def test_a_game_is_inspected_by_playing_it() -> None:
    found = inspect("atari:Pong", data_config({}), seconds=0.5)
    assert not found.findings
    assert found.tables[0].rows[0][0] == "random"
