"""A policy of one observation at a time does what the evaluation of whole episodes does."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

import sonde
from sonde.acting.environments.spaces import space_of
from sonde.acting.evaluation.episodes import Episodes, acting_of
from sonde.acting.policy import Policy
from sonde.cli.main import main
from sonde.core.data_warning import DataWarning
from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, DataError
from sonde.core.spaces import as_text
from sonde.modalities.environment.spaces import actions, observations
from sonde.models.build import build as build_model
from sonde.run.judged_rows import Evaluation
from sonde.tasks.table import build as build_task
from tests.acting.recall_env import Recall
from tests.acting.small_environments import Corridor, Pulled, Walk

CPU = torch.device("cpu")


class Parts(gymnasium.Env[Any, Any]):
    """Shows parts, and takes several choices; what it pays depends on them."""

    observation_space = spaces.Dict(
        {"place": spaces.Discrete(4, start=1), "speed": spaces.Box(-1, 1, (2,), np.float64)}
    )
    action_space = spaces.MultiDiscrete([2, 3], start=[1, -1])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        super().reset(seed=seed)
        self._steps = 0
        return self._shown(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict]:
        assert self.action_space.contains(np.asarray(action))
        self._steps += 1
        return self._shown(), float(action[0] * 10 + action[1]), self._steps == 5, False, {}

    def _shown(self) -> Any:
        return {"place": int(self.np_random.integers(1, 5)), "speed": self.np_random.uniform(-1, 1, 2)}


def made(env: gymnasium.Env, task: str, model: str = "policy-mlp") -> tuple[Any, InputSpec, Any]:
    """(a task that has learned nothing, what it sees, the encoding)."""
    seen = observations(env.observation_space, "mine")
    text = as_text(observation=space_of(env.observation_space), action=space_of(env.action_space))
    input, target = replace(seen.spec, space=text), actions(env.action_space, "mine")
    if task in ("cloning", "cql"):
        target, input = replace(target, kind=f"logged-{target.kind}"), replace(input, extra="gym:Mine-v0")
    torch.manual_seed(0)
    network = build_model(model, input, target.out_dim)
    found = build_task(task, network, target, input=input)
    for weight in found.modules.parameters():  # heads begin near 0, where all actions are alike
        weight.data += 0.3 * torch.randn(weight.shape)
    found.modules.eval()
    return found, input, seen.encode


@pytest.mark.parametrize(
    ("make", "task", "model"),
    [
        (Walk, "ppo", "policy-mlp"),
        (Walk, "dqn", "policy-mlp"),
        (Walk, "cql", "policy-mlp"),
        (Pulled, "sac", "policy-mlp"),
        (Pulled, "td3", "policy-mlp"),
        (Pulled, "cloning", "policy-mlp"),
        (Recall, "ppo", "policy-gru"),
        (Parts, "a2c", "policy-mlp"),
        (Parts, "reinforce", "policy-mlp"),
    ],
)
def test_its_episodes_return_what_those_of_an_evaluation_do(make: Any, task: str, model: str) -> None:
    learned, input, encode = made(make(), task, model)
    acting, seeds = acting_of(learned), range(6)
    (batch,) = Episodes(make, encode, acting, seeds=seeds, sampled=False, seed=0, device=CPU)
    policy, env, returns = Policy(acting, learned.modules, input, sampled=False, seed=0, device=CPU), make(), []
    for seed in seeds:
        policy.reset()
        seen, returned, going = env.reset(seed=seed)[0], 0.0, True
        while going:
            action = policy(seen)
            assert env.action_space.contains(action)
            seen, reward, over, cut, _ = env.step(action)
            returned, going = returned + reward, not (over or cut)
        returns.append(returned)
    np.testing.assert_allclose(returns, batch["return"].numpy(), rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "task"),
    [(Walk, "ppo"), (Walk, "dqn"), (Walk, "cql"), (Pulled, "ppo"), (Pulled, "sac"), (Pulled, "td3"), (Pulled, "cloning"),
     (Parts, "a2c")],
)  # fmt: skip
def test_its_module_does_the_same_for_many_observations_and_is_exported(make: Any, task: str) -> None:
    learned, input, encode = made(make(), task)
    policy = Policy(acting_of(learned), learned.modules, input, sampled=False, seed=0, device=CPU)
    module, env = policy.module(), make()
    shown = [env.observation_space.sample() for _ in range(7)]
    seen = torch.from_numpy(np.stack([encode(each) for each in shown]))
    exported = torch.export.export(module, (seen,), dynamic_shapes=({0: torch.export.Dim("rows")},)).module()
    for found in (module(seen), exported(seen), torch.cat([exported(seen[:2]), exported(seen[2:])])):
        for action, each in zip(found.numpy(force=True), shown, strict=True):
            np.testing.assert_allclose(action.reshape(np.shape(policy(each))), policy(each), rtol=1e-4, atol=1e-6)


def test_a_module_says_what_rows_it_takes_and_refuses_others() -> None:
    learned, input, encode = made(Parts(), "ppo")
    policy = Policy(acting_of(learned), learned.modules, input, sampled=False, seed=0, device=CPU)
    module, shown = policy.module(), {"place": 2, "speed": np.array([0.5, -0.5])}
    np.testing.assert_array_equal(policy.encoded(shown), encode(shown))
    assert module(torch.from_numpy(policy.encoded(shown))[None]).shape == (1, 2)
    for wrong in (torch.zeros(6), torch.zeros(1, 3)):
        with pytest.raises(
            DataError, match=r"takes observations \(6\) behind one another: \(n, 6\), each 2 parts: place \(one of 4\)"
        ):
            module(wrong)
    assert "takes observations (6)" in repr(module)
    row = torch.from_numpy(encode(shown))[None]
    assert torch.equal(module(row.double()), module(row))


def test_a_module_is_refused_of_a_policy_that_draws_or_remembers() -> None:
    for env, model, sampled, told in (
        (Recall(), "policy-gru", False, "has a memory"), (Walk(), "policy-mlp", True, "draws its actions"),
    ):  # fmt: skip
        learned, input, _ = made(env, "ppo", model)
        policy = Policy(acting_of(learned), learned.modules, input, sampled=sampled, seed=0, device=CPU)
        with pytest.raises(ConfigError, match=told):
            policy.module()


def test_what_is_remembered_is_forgotten_where_an_episode_begins() -> None:
    learned, input, _ = made(Recall(), "ppo", "policy-gru")
    policy = Policy(acting_of(learned), learned.modules, input, sampled=True, seed=0, device=CPU)
    seen = [np.array([place, 0.25], np.float32) for place in (1, 0, 0)]
    heard = []
    for _ in range(2):
        policy.reset()
        for each in seen:
            policy(each)
        heard.append(policy._memory)
    assert torch.equal(heard[0], heard[1])
    assert heard[0].abs().sum() > 0


def test_what_is_drawn_is_drawn_again_from_the_same_seed_and_leaves_other_streams_alone() -> None:
    learned, input, _ = made(Corridor(), "ppo")
    before, seen = torch.get_rng_state(), np.zeros(4, np.float32)

    def drawn(seed: int) -> list[int]:
        policy = Policy(acting_of(learned), learned.modules, input, sampled=True, seed=seed, device=CPU)
        return [policy(seen) for _ in range(40)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(drawn(1))) == 2
    assert torch.equal(torch.get_rng_state(), before)
    likeliest = Policy(acting_of(learned), learned.modules, input, sampled=False, seed=1, device=CPU)
    assert len({likeliest(seen) for _ in range(10)}) == 1


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([0, 1, np.nan, 0], "holds nan at entry 2"),
        ([0, 1, np.inf, 0], "holds inf at entry 2"),
        ([0, 1, 2], r"of shape \(3,\), and the policy takes one of shape \(4,\)"),
        (np.zeros((2, 4)), r"of shape \(2, 4\).*several at once: run.predict"),
        (["a", "b", "c", "d"], "is text and not numbers"),
    ],
)
def test_what_is_no_observation_is_refused(seen: Any, told: str) -> None:
    learned, input, _ = made(Corridor(), "ppo")
    with pytest.raises(DataError, match=told):
        Policy(acting_of(learned), learned.modules, input, sampled=False, seed=0, device=CPU)(seen)


def test_numbers_outside_the_space_are_said_once() -> None:
    learned, input, _ = made(Corridor(), "ppo")
    policy = Policy(acting_of(learned), learned.modules, input, sampled=False, seed=0, device=CPU)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        policy([0, 1, 0, 0])
    with pytest.warns(DataWarning, match="holds 3 at entry 1, and its space goes from 0 to 1"):
        policy([0, 3, 0, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        policy([0, 3, 0, 0])


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    """A run on parts."""
    out = tmp_path_factory.mktemp("parts") / "run"
    return sonde.train(Parts, steps=2, episodes=2, test_episodes=3, threads=1, quiet=True, out=out)


def test_a_run_has_the_same_policy_after_it_was_opened_again(parts: sonde.Run) -> None:
    opened, env = sonde.load(parts.folder), Parts()
    seen = [env.reset(seed=seed)[0] for seed in range(5)]
    one, other = parts.policy(), opened.policy()
    for each in seen:
        np.testing.assert_array_equal(one(each), other(each))
    assert one(seen[0]).dtype == np.int64
    assert not one.sampled
    assert [row["action"] for row in opened.predict(seen)] == [one(each).tolist() for each in seen]


def test_a_policy_says_what_it_takes_and_gives(parts: sonde.Run) -> None:
    shown = "2 parts: place (one of 4), speed (2 numbers) -> 2 choices, of 2 x 3"
    assert repr(parts.policy()) == f"Policy({shown}, the likeliest actions)"
    assert repr(parts.policy(sampled=True)) == f"Policy({shown}, sampled actions)"


def test_a_policy_of_pictures_tells_their_shape_as_the_environment_shows_them() -> None:
    env: Any = Walk()
    env.observation_space = spaces.Box(0, 255, (40, 44, 3), np.uint8)
    learned, input, _ = made(env, "ppo", "policy-cnn")
    policy = Policy(acting_of(learned), learned.modules, input, sampled=False, seed=0, device=CPU)
    assert repr(policy).startswith("Policy(40x44x3 pixels -> one of 2")
    with pytest.raises(DataError, match=r"is of shape \(40, 7, 3\), and the policy takes one of shape \(40, 44, 3\)"):
        policy(np.zeros((40, 7, 3), np.uint8))


def test_as_many_episodes_are_evaluated_as_are_asked_for(parts: sonde.Run) -> None:
    few, many = parts.evaluate(Parts, episodes=1), parts.evaluate(Parts, episodes=7)
    assert few["return_std"] == 0 < many["return_std"]
    assert parts.evaluate(Parts)["return"] == parts.metrics["return"]


def test_the_seeds_of_an_evaluation_are_said(parts: sonde.Run) -> None:
    from sonde.run.played import play_of

    found = parts.evaluation(Parts, play=play_of(episodes=2, sampled=False, log=None))
    assert found.headline.endswith("2 episodes (seeds 2,000,000 to 2,000,001, the likeliest actions)")


def test_other_episodes_are_evaluated_from_a_seed_that_is_named(parts: sonde.Run) -> None:
    from sonde.run.played import play_of

    def of(**asked: Any) -> Evaluation:
        return parts.evaluation(Parts, play=play_of(**{"episodes": 3, "sampled": False, "log": None, **asked}))

    found = of(first_seed=7)
    assert found.headline == "test, 3 episodes (seeds 7 to 9, the likeliest actions)"
    one_each = [parts.evaluate(Parts, episodes=1, first_seed=seed)["return"] for seed in (7, 8, 9)]
    assert found.scores["return"] == pytest.approx(sum(one_each) / 3)
    assert "they chose the best checkpoint" in of(first_seed=999_998).caution
    assert not of(first_seed=999_997).caution
    for seed in (-1, 9_999_998):
        with pytest.raises(ConfigError, match="have seeds from 10,000,000 on; give a number from 0 to 9999997"):
            of(first_seed=seed)


def test_it_is_evaluated_where_it_was_trained_by_default(parts: sonde.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert parts.evaluate() == parts.evaluate(Parts)
    assert main(["eval", str(parts.folder), "--episodes", "2"]) == 0
    assert f"{parts.folder} on env:{Parts.__module__}:Parts: test, 2 episodes" in capsys.readouterr().out


def test_episodes_of_training_are_not_evaluated(parts: sonde.Run) -> None:
    with pytest.raises(
        ConfigError, match='split="train": training has no rows here, but episodes without end; leave it out'
    ):
        parts.evaluate(Parts, split="train")


def test_an_environment_of_other_actions_is_refused_with_both(parts: sonde.Run) -> None:
    class Other(Parts):
        action_space = gymnasium.spaces.Discrete(3)

    with pytest.raises(
        DataError, match=r"Other takes 3 actions, and the model was trained for actions of .* parts, of"
    ):
        parts.evaluate(Other)


def test_a_log_is_written_from_python_too(parts: sonde.Run, tmp_path: Path) -> None:
    parts.evaluate(Parts, episodes=2, sampled=True, log=tmp_path / "log.npz")
    assert len(np.load(tmp_path / "log.npz")["rewards"]) == 10
    assert str(np.load(tmp_path / "log.npz")["environment"]) == f"env:{Parts.__module__}:Parts"
    parts.evaluate(lambda: Parts(), episodes=1, log=tmp_path / "made.npz")
    assert str(np.load(tmp_path / "made.npz")["environment"]) == ""  # no other program can make it


def test_less_than_one_episode_is_refused(parts: sonde.Run) -> None:
    with pytest.raises(ConfigError, match="episodes= must be at least 1, got 0"):
        parts.evaluate(Parts, episodes=0)


def test_who_does_not_act_has_no_policy(tmp_path: Path) -> None:
    from sonde.run.played import policy_of

    class Still:
        abilities = sonde.core.seams.Abilities()

    with pytest.raises(ConfigError, match="was not trained to act in an environment"):
        policy_of(Still(), InputSpec(kind="table", shape=(1,)), tmp_path, sampled=None, seed=0, device=CPU)  # type: ignore[arg-type]


def test_who_plays_a_game_has_none_of_one_observation(tmp_path: Path) -> None:
    from sonde.core.dataset import TargetSpec
    from sonde.run.played import policy_of

    target = TargetSpec(kind="move", names=("0", "1", "2"))
    input = InputSpec(kind="environment", shape=(2,))
    learned = build_task("alphazero", build_model("policy-value-mlp", input, 6), target, input=input)
    with pytest.raises(ConfigError, match="sonde play"):
        policy_of(learned, input, tmp_path, sampled=None, seed=0, device=CPU)
