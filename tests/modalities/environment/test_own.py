"""Environments that a program gives: what makes them, or one that is made."""

import itertools
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils import EzPickle

import sonde
from sonde.acting.config import EnvironmentConfig
from sonde.acting.environments.endless import limit_of
from sonde.acting.environments.own import importable, own
from sonde.cli.main import main
from sonde.core.config import DataConfig
from sonde.core.config_file import read_config
from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError, DataError, RunFolderError, SondeError
from sonde.modalities.open import open_data
from tests.acting.small_environments import Corridor, Walk, Wander

SHORT: dict[str, Any] = {
    "threads": 1, "quiet": True, "steps": 3, "environments": 2, "rollout": 4, "reuse": 1, "batch_size": 8, "episodes": 1,
    "test_episodes": 2, "schedule": "constant", "evaluate_every": "100 steps",
}  # fmt: skip


def opened(data: Any, **settings: Any) -> Dataset:
    return open_data(data, DataConfig(**settings))


def first_of(dataset: Dataset) -> Any:
    return dataset.splits["train"].make()  # type: ignore[attr-defined]


def test_a_run_on_a_function_is_evaluated_predicts_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make() -> Corridor:
        return Corridor(2)

    run = sonde.train(make, out=tmp_path / "run", **SHORT)
    assert run.metrics == {"return": 2.0, "length": 2.0} | run.metrics
    assert run.evaluate(make)["return"] == 2.0
    with pytest.raises(
        ConfigError, match=r"acted in an environment that a program made.*; give what makes it: evaluate\(MAKE"
    ):
        sonde.load(tmp_path / "run").evaluate(episodes=1)
    assert main(["eval", str(tmp_path / "run")]) == 2
    assert "env:MODULE:NAME, or give it in Python: sonde.load(" in capsys.readouterr().err
    assert len(run.predict(np.eye(3, dtype=np.float32))) == 3
    assert "in memory (make)" in (read_config(tmp_path / "run" / "config.yaml").data or "")
    with pytest.raises(SondeError, match="pass them again"):
        sonde.resume(tmp_path / "run", steps=5, quiet=True)
    sonde.resume(tmp_path / "run", data=make, steps=5, quiet=True)
    longer: dict[str, Any] = {**SHORT, "steps": 7}
    assert sonde.train(make, out=tmp_path / "run", **longer).result["steps"] == 7


def length_of(dataset: Dataset) -> int:
    """Of an episode of random actions."""
    env, over = first_of(dataset), False
    env.reset(seed=0)
    while not over:
        _, _, terminated, truncated, _ = env.step(0)
        over = terminated or truncated
    return env.steps


def test_a_limit_that_is_given_takes_the_place_of_gymnasium_s_own() -> None:
    def make() -> Any:
        return gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.wrappers.TimeLimit(Wander(), 5))

    def settings(longest: int) -> Any:
        return (EnvironmentConfig(max_episode_steps=longest),)

    assert length_of(opened(make)) == 5
    for given in (make, make(), lambda: gymnasium.make("CartPole-v1", max_episode_steps=3)):
        for longest in (2, 9):
            dataset = opened(given, given=settings(longest))
            assert length_of(dataset) == longest
            assert not [each for each in dataset.findings if each.name == "cut-off-earlier"]
            assert limit_of(first_of(dataset)) == longest
    assert "an episode is cut off after 9 steps (max_episode_steps)" in [
        f"{each.what} ({each.why})" for each in dataset.facts
    ]


def test_a_limit_that_an_environment_s_own_code_comes_before_is_warned_of() -> None:
    def found(longest: int, *, cut: bool) -> list[str]:
        given = (EnvironmentConfig(max_episode_steps=longest),)
        dataset = opened(lambda: Corridor(50, cut=cut), given=given)
        return [f"{each.evidence}; {each.action}" for each in dataset.findings if each.name == "cut-off-earlier"]

    (told,) = found(250, cut=True)
    assert "itself cut an episode of random actions off after 50 steps, before --max-episode-steps 250" in told
    assert "raise the limit in the environment's own code" in told
    for same in (found(50, cut=True), found(20, cut=True), found(250, cut=False)):
        assert same == []  # the given limit comes first, or episodes end by the rules


def test_what_can_be_imported_is_found_again_by_its_name(tmp_path: Path) -> None:
    assert opened(Walk).source == "env:tests.acting.small_environments:Walk"
    assert importable(lambda: Walk()) == ""
    sonde.train(Corridor, out=tmp_path / "run", **SHORT)
    assert (
        sonde.resume(tmp_path / "run", steps=5, quiet=True).evaluate("env:tests.acting.small_environments:Corridor")[
            "return"
        ]
        == 3
    )
    with pytest.raises(DataError, match="tests.acting.small_environments has no function or class Gone"):
        opened("env:tests.acting.small_environments:Gone")
    with pytest.raises(DataError, match="has no function or class Coridor; did you mean Corridor"):
        opened("env:tests.acting.small_environments:Coridor")
    with pytest.raises(
        DataError, match="names a file; write the module, without .py: env:tests.acting.small_environments:Walk"
    ):
        opened("env:./tests/acting/small_environments.py:Walk")
    with pytest.raises(DataError, match="names a file; write env:envs:Walk in the folder that holds it"):
        opened("env:../envs.py:Walk")
    with pytest.raises(DataError, match="write env:MODULE:NAME"):
        opened("env:tests")


def test_other_code_is_told_when_a_run_goes_on(tmp_path: Path) -> None:
    length = 2

    def make() -> Corridor:
        return Corridor(length)

    sonde.train(make, out=tmp_path / "run", **SHORT)
    length = 3
    with pytest.raises(RunFolderError, match="another training data"):
        sonde.train(make, out=tmp_path / "run", **SHORT)


def test_an_environment_that_is_made_is_copied_as_it_is() -> None:
    env = gymnasium.make("CartPole-v1")
    env.unwrapped.length = 0.9  # type: ignore[attr-defined]
    made = first_of(opened(env))
    assert (made.unwrapped.length, made.unwrapped is not env.unwrapped) == (0.9, True)


class Forgetful(Walk, EzPickle):
    """Copies of it are made by its constructor, whatever was changed since."""

    def __init__(self, slope: float = 1.0) -> None:
        EzPickle.__init__(self, slope)
        Walk.__init__(self)
        self.slope = slope

    def step(self, action: Any) -> Any:
        shown, reward, *rest = super().step(action)
        return shown, reward * self.slope, *rest


def test_copies_that_do_otherwise_are_refused() -> None:
    env = Forgetful(2.0)
    assert first_of(opened(env)).slope == 2.0
    env.slope = 3.0
    with pytest.raises(DataError, match="Forgetful is needed many times, and a copy of it does otherwise.*sonde.train"):
        opened(env)


def test_one_that_cannot_be_copied_is_made_by_its_spec_or_refused() -> None:
    env = gymnasium.make("CartPole-v1")
    env.unwrapped.held = (each for each in ())  # type: ignore[attr-defined]
    assert first_of(opened(env)).spec.id == "CartPole-v1"
    walk = Walk()
    walk.held = (each for each in ())  # type: ignore[attr-defined]
    with pytest.raises(
        DataError, match=r"Walk is needed many times, and it cannot be copied \(TypeError: cannot pickle"
    ):
        opened(walk)


@pytest.mark.parametrize("mode", gymnasium.vector.AutoresetMode)
def test_vectors_give_how_one_of_theirs_is_made_whatever_their_way_to_reset(mode: Any) -> None:
    """Of rewards of 1 that are worth half a step later three return 1.75; the first seen of the next episode is no step."""
    from tests.acting.experience.test_rollouts import source

    given = gymnasium.vector.SyncVectorEnv([lambda: Corridor(3) for _ in range(4)], autoreset_mode=mode)
    batches = iter(source(own(given, None)))
    seen = [next(batches) for _ in range(3)]
    places = [place for one in seen for place in one["observation"].argmax(1).tolist()]
    found = set(zip(places, [value for one in seen for value in one["return"].tolist()], strict=True))
    assert found == {(0, 1.75), (1, 1.5), (2, 1.0)}


def test_vectors_of_other_kinds_are_refused_with_a_way() -> None:
    with pytest.raises(
        DataError, match="CartPoleVectorEnv: .* makes a single one.*it is registered as gym:CartPole-v1"
    ):
        opened(gymnasium.make_vec("CartPole-v1", num_envs=2, vectorization_mode="vector_entry_point"))
    with pytest.raises(DataError, match="made by functions that differ"):
        opened(gymnasium.vector.SyncVectorEnv([lambda n=n: Corridor(n) for n in (2, 2)] + [lambda: Corridor(2)]))
    with pytest.raises(DataError, match="the function made a SyncVectorEnv; its environments step together"):
        opened(lambda: gymnasium.vector.SyncVectorEnv([Corridor]))


def test_what_makes_no_environment_is_told() -> None:
    class Sized(Corridor):
        def __init__(self, size: int) -> None:
            super().__init__(size)

    class Blind(Corridor):
        def __init__(self) -> None:
            super().__init__()
            self.observation_space = None  # type: ignore[assignment]

    for given, told in (
        (lambda: 3, "the function returned a int and no environment; give a function that makes a gymnasium.Env"),
        (
            Sized,
            r"Sized made no environment \(TypeError: .*missing 1 required positional argument: 'size'\); a call without",
        ),
        (Blind, "Blind has no observation_space; give it one of gymnasium.spaces"),
    ):
        with pytest.raises(DataError, match=told):
            opened(given)


def test_one_whose_seeds_do_not_reproduce_is_told_before_anything_is_learned() -> None:
    class Drifting(Walk):
        drawn = itertools.count()

        def step(self, action: Any) -> Any:
            return np.array([next(self.drawn)], np.float32), 0.0, False, False, {}

    class Later(Walk):
        """Pays otherwise after its fiftieth step."""

        played = 0

        def step(self, action: Any) -> Any:
            self.played += 1
            shown, reward, over, cut, info = super().step(action)
            return shown, reward if self.played < 50 else 2 * reward, over, cut, info

    for kind, remedy in ((Drifting, "draw from self.np_random"), (Later, "something is kept from one episode")):
        (found,) = (each for each in opened(kind).findings if each.name == "seeds-do-not-reproduce")
        assert found.severity == "warning"
        assert found.action.startswith(remedy)
    assert not opened(Walk).findings


def test_a_task_that_learns_from_logs_does_not_act() -> None:
    with pytest.raises(DataError, match="task cql learns from a log of what others did, and env:.*Walk is acted in"):
        open_data(Walk, DataConfig(), task="cql")


def test_spaces_with_parts() -> None:
    class Parts(Corridor):
        def __init__(self, space: Any, action: Any = None) -> None:
            super().__init__()
            self.observation_space = space
            self.action_space = action or self.action_space

        def _shown(self) -> Any:
            self.observation_space.seed(self._place)
            return self.observation_space.sample()

    inner = spaces.Dict({"a": spaces.Box(0, 1, (2, 2)), "b": spaces.Discrete(3), "c": spaces.MultiBinary(2)})
    dataset = opened(lambda: Parts(spaces.Tuple((inner, spaces.Box(0, 1, (1,))))))
    assert dataset.schema.input.shape == (4 + 3 + 2 + 1,)
    shown = first_of(dataset).reset(seed=0)[0]
    assert shown.dtype == np.float32
    assert sorted(shown[4:7].tolist()) == [0, 0, 1]
    with pytest.raises(DataError, match=r"the function shows observations of Sequence, whose size changes; wrap it"):
        opened(lambda: Parts(spaces.Sequence(spaces.Discrete(2))))
    for action in (spaces.Dict({"a": spaces.Discrete(2)}), spaces.Tuple((spaces.Discrete(2),))):
        with pytest.raises(
            DataError, match=f"the function takes actions of {type(action).__name__}; .* wrap it so that"
        ):
            opened(lambda action=action: Parts(inner, action))


def test_an_environment_without_rewards_is_told_before_anything_is_learned() -> None:
    class Silent(Corridor):
        def step(self, action: Any) -> Any:
            shown, _, *rest = super().step(action)
            return shown, None, *rest

    with pytest.raises(DataError, match=r"Silent: seed 0, step 1: step returned no reward \(None\)"):
        opened(Silent)


def test_a_model_of_other_observations_or_actions_is_told(tmp_path: Path) -> None:
    run = sonde.train(Corridor, out=tmp_path / "run", **SHORT)
    with pytest.raises(
        DataError,
        match=r"gym:Acrobot-v1 shows \(6,\), and the model was trained on \(4,\)",
    ):
        run.evaluate("gym:Acrobot-v1")


def test_a_name_with_arguments_is_what_a_run_remembers(tmp_path: Path) -> None:
    place = "env:tests.acting.small_environments:Corridor"
    given: dict[str, Any] = {**SHORT, "workers": 1}
    run = sonde.train(f"{place}(length=5)", out=tmp_path / "run", **given)
    assert run.metrics["return"] == 5.0
    assert read_config(tmp_path / "run" / "config.yaml").data == f"{place}(length=5)"
    assert sonde.load(tmp_path / "run").evaluate(episodes=1)["return"] == 5.0
    assert opened(f"{place}(length=5)").name == "corridor"
    assert opened(f"{place}(length=5)").fingerprint != opened(f"{place}(length=6)").fingerprint
    with pytest.raises(DataError, match=r"no argument lenght; did you mean length\? \(it takes length, cut\)"):
        opened(f"{place}(lenght=5)")
    with pytest.raises(DataError, match=r"Corridor\(length=-5\) made no environment \(ValueError: [^;]*\) \(--debug"):
        opened(f"{place}(length=-5)")


class Drawn(Walk):
    """Draws frames where it is made for that."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012 (as gymnasium has it)

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__()
        self.render_mode = render_mode


class Undrawn(Drawn):
    def __init__(self) -> None:
        super().__init__()


def rendered(data: Any) -> Any:
    return opened(data).splits["test"]


def drawn(size: int = 3, *, render_mode: str | None = None) -> Drawn:
    return Drawn(render_mode)


@pytest.mark.parametrize(
    "data", [Drawn, drawn, f"env:{__name__}:Drawn", f"env:{__name__}:drawn(size=2)", Drawn("rgb_array")]
)
def test_what_takes_a_render_mode_is_made_with_it_for_films(data: Any) -> None:
    rows = rendered(data)
    assert rows.undrawn == ""
    assert rows.rendered().render_mode == "rgb_array"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (Walk, 'it draws no frames ("rgb_array" is not among the render_modes of its metadata)'),
        (Undrawn, 'it was made without render_mode="rgb_array", and Undrawn takes no render_mode; let it make one'),
        (lambda: Drawn(), "and the function takes no render_mode"),
        (Drawn(), 'it was given without render_mode="rgb_array"; give one that was made with it'),
    ],
)
def test_why_there_is_no_film_is_told_as_it_is(data: Any, why: str) -> None:
    rows = rendered(data)
    assert rows.rendered is None
    assert why in rows.undrawn
