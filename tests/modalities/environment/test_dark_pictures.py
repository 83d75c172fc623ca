"""Pictures of few bytes: by the bounds of their space they are scaled; where these do not tell, a warning says so."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import sonde
from sonde.acting.config import EnvironmentConfig
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError, RunFolderError
from sonde.modalities.environment.dark_pictures import NAME, dark_log, dark_pictures
from sonde.modalities.environment.inputs import rows_to_predict
from sonde.modalities.inspect import inspect
from sonde.modalities.open import open_data, open_like
from tests.acting.catch import Catch


class Board(Catch):
    """The same, in bytes of 0 and 1, as its space says."""

    observation_space = spaces.Box(0, 1, (10, 10, 1), np.uint8)

    def _shown(self) -> np.ndarray:
        return super()._shown() // 255


class Unbounded(Board):
    """The same, whose space says nothing of it."""

    observation_space = Catch.observation_space


def first_of(dataset: Dataset) -> np.ndarray:
    env: Any = dataset.splits["train"].make()  # type: ignore[attr-defined]
    return np.asarray(env.reset(seed=3)[0])


def test_pictures_are_seen_as_bright_as_their_bounds_allow() -> None:
    dark, bright = (open_data(kind, DataConfig()) for kind in (Board, Catch))
    np.testing.assert_array_equal(first_of(dark), first_of(bright))
    assert (dark.schema.input.scale, bright.schema.input.scale) == (255, 0)
    assert dark.facts[0].what == "observations of 10x10x1 pixels, from 0 to 1, times 255"
    assert dark.findings == bright.findings == []


def test_a_model_of_before_sees_them_as_it_was_trained() -> None:
    schema = open_data(Board, DataConfig()).schema
    before = replace(schema, input=replace(schema.input, scale=0.0))
    assert first_of(open_like(Board, before, DataConfig())).max() == 1
    assert first_of(open_like(Board, schema, DataConfig())).max() == 255


def test_observations_to_predict_on_are_scaled_alike() -> None:
    schema = open_data(Board, DataConfig()).schema
    shown = np.stack([Board().reset(seed=seed)[0] for seed in range(3)])
    rows, _ = rows_to_predict(shown, schema, lambda *_: None)
    assert np.asarray(rows.read(np.arange(3))["input"]).max() == 255


def test_where_bounds_do_not_tell_training_and_an_inspection_warn() -> None:
    dataset = open_data(Unbounded, DataConfig())
    assert [each.name for each in dataset.findings] == [NAME]
    assert re.search(r"no pixel of \d+ pictures is above 1,", dataset.findings[0].evidence)
    (found,) = inspect(Unbounded, DataConfig(), seconds=0.2).findings
    assert (found.check, "pictures is above 1," in found.evidence) == ("pictures nearly black", True)
    assert dark_pictures([np.zeros((1, 10, 10), np.uint8)] * 50, "black") == []


def test_of_a_log_of_dark_pictures_it_is_said() -> None:
    (said,) = dark_log(np.full((30, 1, 9, 9), 3, np.uint8))
    assert "above 3" in said
    assert "times 85" in said
    assert dark_log(np.full((30, 9), 3.0, np.float32)) == dark_log(np.full((30, 1, 9, 9), 99, np.uint8)) == []


def test_means_of_few_bytes_are_refused() -> None:
    class Coloured(gymnasium.Env[np.ndarray, Any]):
        observation_space = spaces.Box(0, 2, (12, 12, 3), np.uint8)
        action_space = spaces.Discrete(2)

    with pytest.raises(DataError, match=r"shows pictures from 0 to 2, .* show them times 127"):
        open_data(Coloured, DataConfig(given=(EnvironmentConfig(frame_size=8),)))


def test_a_policy_takes_them_as_shown_and_a_run_of_before_is_not_trained_further(tmp_path: Path) -> None:
    out = tmp_path / "run"
    small: dict[str, Any] = {
        "widths": (4,),
        "features": 8,
        "environments": 1,
        "rollout": 8,
        "batch_size": 8,
        "episodes": 1,
    }
    run = sonde.train(Board, task="ppo", steps=4, test_episodes=1, threads=1, quiet=True, films=False, out=out, **small)
    shown = Board().reset(seed=3)[0]
    assert run.policy().encoded(shown).max() == 255
    schema = json.loads((out / "schema.json").read_text())
    schema["input"]["scale"] = 0.0
    (out / "schema.json").write_text(json.dumps(schema))
    assert sonde.load(out).policy().encoded(shown).max() == 1
    with pytest.raises(
        RunFolderError, match="begun by an earlier version, which scaled or shaped these data in another way"
    ):
        sonde.resume(out, data=Board, steps=8, quiet=True)
