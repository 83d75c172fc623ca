"""Logs of observations as environments show them: of choices and parts, in arrays and tables."""

import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet
import pytest
from gymnasium import spaces

from sonde.acting.config import EnvironmentConfig
from sonde.acting.environments.spaces import space_of
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.spaces import encoder, from_text
from sonde.modalities.environment.as_logged import space_in
from sonde.modalities.open import open_data, open_like

PLACES, ROOM = spaces.MultiDiscrete([3, 2], start=[1, 0]), spaces.Discrete(5, start=-1)
ARM = spaces.Dict({"angle": spaces.Box(-1, 1, (2,), np.float32), "grip": spaces.MultiBinary(2)})
WHOLE = spaces.Dict({"room": ROOM, "arm": ARM})
PAIR = spaces.Tuple((ROOM, spaces.Box(-1, 1, (1,), np.float32)))
STEPS, EPISODES = 4, 6
COUNT = STEPS * EPISODES


class Shown(gymnasium.Env[Any, Any]):
    """Shows what its space draws; whatever is done is worth nothing."""

    observation_space: Any
    action_space: Any = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.observation_space.seed(int(self.np_random.integers(2**20)))
        self.steps = 0
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        return self.observation_space.sample(), 0.0, self.steps >= STEPS, False, {}


class Placed(Shown):
    observation_space = PLACES


class Roomed(Shown):
    observation_space = ROOM


class Parted(Shown):
    observation_space = WHOLE


class Paired(Shown):
    observation_space = PAIR


class Pumped(Shown):
    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Box(np.array([0, 0.2], np.float32), np.array([24, 0.9], np.float32))


def drawn(space: Any) -> list[Any]:
    space.seed(0)
    return [space.sample() for _ in range(COUNT)]


def log(**observations: Any) -> dict[str, Any]:
    ends = np.arange(COUNT) % STEPS == STEPS - 1
    rest = {"actions": np.arange(COUNT) % 2, "rewards": np.zeros(COUNT), "terminated": ends, "truncated": ~ends & False}
    return {name: values for name, values in {**rest, **observations}.items() if values is not None}


def written(folder: Path, **observations: Any) -> Path:
    np.savez(folder / "log.npz", **log(**observations))
    return folder / "log.npz"


def opened(place: Path, environment: str = "") -> Dataset:
    name = f"env:tests.modalities.environment.test_as_logged:{environment}" if environment else ""
    return open_data(place, DataConfig(given=(EnvironmentConfig(environment=name),)))


def minari_episodes(file: Any, shown: list[Any]) -> None:
    for number in range(EPISODES):
        rows = [*range(number * STEPS, (number + 1) * STEPS), number * STEPS]
        group = file.create_group(f"episode_{number}")
        group["observations/room"] = np.array([shown[row]["room"] for row in rows])
        for name in ARM:
            group[f"observations/arm/{name}"] = np.stack([shown[row]["arm"][name] for row in rows])
        group["actions"], group["rewards"] = np.arange(STEPS) % 2, np.zeros(STEPS)
        group["terminations"], group["truncations"] = np.arange(STEPS) == STEPS - 1, np.zeros(STEPS, bool)


def check(dataset: Dataset, space: Any, shown: list[Any]) -> None:
    encode = encoder(space_of(space), dataset.schema.input.shape, pixels=False)
    train = dataset.splits["train"]
    read = train.read(np.arange(len(train)))
    np.testing.assert_array_equal(read["input"], np.stack([encode(each) for each in shown]))
    inside = np.arange(COUNT) % STEPS < STEPS - 1
    np.testing.assert_array_equal(read["following"][inside], read["input"][1:][inside[:-1]])


def test_choices_are_encoded_as_the_environment_does(tmp_path: Path) -> None:
    shown = drawn(PLACES)
    check(opened(written(tmp_path, observations=np.stack(shown)), "Placed"), PLACES, shown)
    columns = {f"observation_{k}": np.stack(shown)[:, k].astype(float) for k in range(2)}  # as pandas has some
    csv.write_csv(pa.table(log(**columns)), tmp_path / "log.csv")
    check(opened(tmp_path / "log.csv", "Placed"), PLACES, shown)
    rooms = drawn(ROOM)
    for given in (np.array(rooms), np.array(rooms)[:, None]):
        check(opened(written(tmp_path, observations=given), "Roomed"), ROOM, rooms)


def test_what_the_log_s_own_episodes_returned_is_known(tmp_path: Path) -> None:
    rewards, cut = np.arange(COUNT) / 6, np.arange(COUNT) % STEPS == STEPS - 1
    whole = rewards.reshape(EPISODES, STEPS).sum(1)
    given = {"observations": np.array(drawn(ROOM)), "rewards": rewards}
    assert opened(written(tmp_path, **given)).references == {}  # nothing is scored by returns
    (found,) = opened(written(tmp_path, **given), "Roomed").references.values()
    assert (found["count"], found["value"], found["std"]) == pytest.approx((EPISODES, whole.mean(), whole.std()))
    cut[-1] = False  # it breaks off
    (found,) = opened(written(tmp_path, **given, terminated=cut), "Roomed").references.values()
    assert (found["count"], found["value"]) == pytest.approx((EPISODES - 1, whole[:-1].mean()))
    assert opened(written(tmp_path, observations=given["observations"], rewards=None), "Roomed").references == {}


def test_rows_as_networks_see_them_are_read_as_well(tmp_path: Path) -> None:
    """As `sonde eval --log` once wrote them."""
    for space, name in ((PLACES, "Placed"), (ROOM, "Roomed"), (WHOLE, "Parted"), (PAIR, "Paired")):
        shown, kind = drawn(space), space_of(space)
        encode = encoder(kind, (kind.size,), pixels=False)
        check(opened(written(tmp_path, observations=np.stack([encode(each) for each in shown])), name), space, shown)


def test_parts_are_arrays_and_columns_of_their_own(tmp_path: Path) -> None:
    shown = drawn(WHOLE)
    room = np.array([each["room"] for each in shown])
    arm = {name: np.stack([each["arm"][name] for each in shown]) for name in ARM}
    arrays = {f"observations.arm.{name}": values for name, values in arm.items()}
    check(opened(written(tmp_path, **{"observations.room": room, **arrays}), "Parted"), WHOLE, shown)
    columns = {f"observation.arm.{name}_{k}": values[:, k] for name, values in arm.items() for k in range(2)}
    csv.write_csv(pa.table(log(**{"observation.room": room, **columns})), tmp_path / "log.csv")
    check(opened(tmp_path / "log.csv", "Parted"), WHOLE, shown)
    dicts = [{"room": int(each["room"]), "arm": {k: each["arm"][k].tolist() for k in ARM}} for each in shown]
    parquet.write_table(pa.table(log(observations=dicts)), tmp_path / "log.parquet")
    check(opened(tmp_path / "log.parquet", "Parted"), WHOLE, shown)


def test_parts_of_a_tuple_are_numbered(tmp_path: Path) -> None:
    shown = drawn(PAIR)
    first, second = np.array([each[0] for each in shown]), np.stack([each[1] for each in shown])
    check(opened(written(tmp_path, **{"observations.0": first, "observations.1": second}), "Paired"), PAIR, shown)
    columns = {"observation_0": first, "observation_1": second[:, 0]}
    csv.write_csv(pa.table(log(**columns)), tmp_path / "log.csv")
    check(opened(tmp_path / "log.csv", "Paired"), PAIR, shown)


def test_parts_of_minari_s_layout_are_groups(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    shown = drawn(WHOLE)
    with h5py.File(tmp_path / "main_data.hdf5", "w") as file:
        minari_episodes(file, shown)
    check(opened(tmp_path / "main_data.hdf5", "Parted"), WHOLE, shown)


def test_a_space_that_the_log_holds_is_encoded_by(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    shown = drawn(WHOLE)
    angle = {"type": "Box", "dtype": "float32", "shape": [2], "low": [-1, -1], "high": [1, 1]}
    arm = {"type": "Dict", "subspaces": {"angle": angle, "grip": {"type": "MultiBinary", "n": 2}}}
    room = {"type": "Discrete", "dtype": "int64", "start": -1, "n": 5}
    with h5py.File(tmp_path / "main_data.hdf5", "w") as file:
        file.attrs["observation_space"] = json.dumps({"type": "Dict", "subspaces": {"arm": arm, "room": room}})
        minari_episodes(file, shown)
    dataset = opened(tmp_path / "main_data.hdf5")
    assert dataset.warnings == []
    assert from_text(dataset.schema.input.space)[0] is not None
    encode = encoder(space_of(WHOLE), (9,), pixels=False)
    found = [rows.read(np.arange(len(rows)))["input"] for rows in dataset.splits.values()]
    wanted = {encode(each).tobytes() for each in shown}
    assert {row.tobytes() for part in found for row in part} == wanted


def test_spaces_are_read_as_minari_writes_them() -> None:
    choices = {"type": "MultiDiscrete", "dtype": "int64", "nvec": [3, 2], "start": [1, 0]}
    pair = {"type": "Tuple", "subspaces": [choices, {"type": "Discrete", "n": 4}]}
    found = space_in(json.dumps(pair))
    assert found is not None
    assert found.parts[0] == space_of(PLACES)
    assert found.parts[1].first == (0,)
    for other in (None, "no JSON", json.dumps({"type": "Text", "max_length": 4}), json.dumps({})):
        assert space_in(other) is None


def test_a_log_without_an_environment_is_read_as_it_says(tmp_path: Path) -> None:
    arrays = {"observations.speed": np.arange(COUNT) / 7, "observations.place": np.arange(2 * COUNT).reshape(COUNT, 2)}
    dataset = opened(written(tmp_path, **arrays))
    assert dataset.schema.input.shape == (3,)
    assert any("observations.place: whole numbers, read as numbers" in each for each in dataset.warnings)
    kept = open_like(written(tmp_path, **arrays), dataset.schema, DataConfig()).splits["test"]
    row = kept.read(np.array([5]))["input"][0]
    np.testing.assert_allclose(row, [5 / 7, 10, 11], rtol=1e-6)
    shown = from_text(dataset.schema.input.space)[0]  # which a policy then is asked with
    assert shown is not None
    np.testing.assert_allclose(encoder(shown, (3,), pixels=False)({"speed": 1.0, "place": [2, 3]}), [1, 2, 3])


@pytest.mark.parametrize(
    ("environment", "observations", "said"),
    [
        (
            "Placed",
            {"observations": np.zeros((COUNT, 2), int)},
            "observations of row 0 hold 0 at entry 0, and there are 1 to 3",
        ),
        ("Roomed", {"observations": np.full(COUNT, 0.5)}, "observations of row 0 hold 0.5, and there are -1 to 3"),
        (
            "Placed",
            {"observations": np.zeros((COUNT, 4))},
            r"observations of shape \(4,\), and 2 choices, of 3 x 2 is needed",
        ),
        (
            "Parted",
            {"observations": np.zeros((COUNT, 5))},
            "of each part .observations.arm.angle, observations.arm.grip, obs",
        ),
        (
            "Parted",
            {"observations.room": np.zeros(COUNT)},
            "has observations.room, and observations.arm.angle, observations.arm",
        ),
        (
            "Pumped",
            {"observations.level": np.zeros(COUNT)},
            "observations.level, and observations without parts are needed",
        ),
        ("", {"observations": np.zeros(COUNT), "observations.a": np.zeros(COUNT)}, "with parts and without; leave one"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, environment: str, observations: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        opened(written(tmp_path, **observations), environment)


def test_actions_are_read_as_the_environment_takes_them(tmp_path: Path) -> None:
    rooms = np.array(drawn(ROOM))
    chosen = opened(written(tmp_path, observations=rooms, actions=np.arange(COUNT) % 2.0), "Roomed").splits["train"]
    assert chosen.read(np.arange(2))["target"].tolist() == [0, 1]
    whole = np.tile([12, 1], (COUNT, 1))
    pumped = opened(written(tmp_path, observations=np.zeros(COUNT), actions=whole), "Pumped")
    assert pumped.splits["train"].read(np.arange(1))["target"].shape == (1, 2)
    (said,) = [each for each in pumped.warnings if "outside the action space" in each]
    assert f"action 1 in {COUNT} of {COUNT} steps (logged from 1 to 1, taken from 0.2 to 0.9)" in said
    assert "action 0" not in said
    alone = opened(written(tmp_path, observations=np.zeros(COUNT), actions=np.arange(COUNT) % 2.0))
    assert any("store them as integers" in each for each in alone.warnings)
