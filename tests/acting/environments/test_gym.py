"""Environments of gymnasium by name, out of a module in the current folder too."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sonde.acting.environments.gym import GymEnvironment, recorded
from sonde.core.errors import DataError, MissingDependency

gymnasium = pytest.importorskip("gymnasium")

OWN = """
import gymnasium
from gymnasium import spaces

class Mine(gymnasium.Env):
    def __init__(self):  # without a render_mode
        pass

    observation_space = spaces.Box(0, 1, (2,))
    action_space = spaces.Discrete(3)

gymnasium.register("Mine-v0", entry_point=Mine)
"""


@pytest.fixture
def as_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In a folder that is not searched for modules, as where `sonde` is an installed script."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each not in ("", str(tmp_path))])
    return tmp_path


def test_a_module_beside_is_found(as_a_script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (as_a_script / "envs_beside.py").write_text(OWN)
    before = [*sys.path]
    env = GymEnvironment(name="envs_beside:Mine-v0")()
    assert env.action_space.n == 3
    assert sys.path == before
    monkeypatch.delitem(sys.modules, "envs_beside")


def test_what_is_wrong_with_a_module_is_told(as_a_script: Path) -> None:
    with pytest.raises(DataError, match=r"no module envs_gone is installed, and .* holds no envs_gone\.py"):
        GymEnvironment(name="envs_gone:Mine-v0")()
    (as_a_script / "envs_lacking.py").write_text("import nothing_like_it")
    with pytest.raises(DataError, match=r"envs_lacking needs nothing_like_it, which is not installed"):
        GymEnvironment(name="envs_lacking:Mine-v0")()
    (as_a_script / "envs_broken.py").write_text("1 / 0")
    with pytest.raises(DataError, match=r"envs_broken does not run: ZeroDivisionError: division by zero"):
        GymEnvironment(name="envs_broken:Mine-v0")()


@pytest.mark.parametrize(
    ("name", "missing", "others"),
    [("Hopper-v5", "mujoco", ["imageio"]), ("Hopper-v5", "imageio", ["mujoco"]), ("LunarLander-v3", "Box2D", [])],
)
def test_what_is_missing_is_named_with_the_line_that_installs_it(
    name: str, missing: str, others: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.import_module

    def imported(wanted: str) -> Any:
        if wanted == missing:
            raise ModuleNotFoundError(f"No module named {wanted!r}", name=wanted)
        return SimpleNamespace() if wanted in others else there(wanted)

    monkeypatch.setattr("sonde.core.catalogue.importlib.import_module", imported)
    said = f"(?i)gym:{name} needs {missing}; install it with: pip install .*{missing}"
    with pytest.raises(MissingDependency, match=said):
        GymEnvironment(name=name)()


def test_arguments_of_a_name_are_those_of_the_environment() -> None:
    env = GymEnvironment(name="FrozenLake-v1(is_slippery=False, map_name=8x8)")()
    assert env.observation_space.n == 64
    assert {len(ways) for ways in env.unwrapped.P[0].values()} == {1}  # where it slips there are three
    for given, told in (
        ("slippery=False", r"no argument slippery; did you mean is_slippery\? \(it takes desc, map_name, is_slippery"),
        ("map_name=9x9", r"gym:FrozenLake-v1\(map_name=9x9\) cannot be made: KeyError: '9x9'"),
        ("max_episode_steps=3", "--max-episode-steps cuts episodes off"),
        ("render_mode=human", "films are drawn without it"),
    ):
        with pytest.raises(DataError, match=told):
            GymEnvironment(name=f"FrozenLake-v1({given})")()
    with pytest.raises(DataError, match=r"did you mean gym:FrozenLake-v1\(map_name=8x8\)"):
        GymEnvironment(name="FrozenLak-v1(map_name=8x8)")()


def test_a_record_of_gymnasium_s_is_a_name_with_what_is_unusual() -> None:
    for given, name in (
        ({}, "FrozenLake-v1"),
        ({"render_mode": "rgb_array", "map_name": "4x4"}, "FrozenLake-v1"),
        ({"is_slippery": False, "desc": ["SF", "HG"]}, "FrozenLake-v1(desc=['SF', 'HG'], is_slippery=False)"),
    ):
        spec = json.loads(gymnasium.make("FrozenLake-v1", **given).spec.to_json())  # type: ignore[union-attr]
        found = recorded({**spec, "kwargs": dict(sorted(spec["kwargs"].items()))})
        assert found == name
        assert GymEnvironment(name=found)().observation_space.n == (4 if "desc" in given else 16)
    assert recorded({"id": "Own-v0", "kwargs": {"size": 3}}) == "Own-v0(size=3)"
