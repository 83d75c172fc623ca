"""An evaluation is of the actions that were asked for, sampled or likeliest, and says which."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sonde
from sonde.acting.seeds import SeedRows
from sonde.cli.main import main
from sonde.core.acting import Acting
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities
from sonde.run.decided import actions_of, played_in_words
from sonde.run.played import play_of
from tests.acting.small_environments import Walk

NAME = "env:tests.acting.small_environments:Walk"
SEEDS = range(2_000_000, 2_000_006)


@pytest.fixture(scope="module", params=[True, False])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("walk") / "run"
    return sonde.train(Walk, act_sampled=request.param, steps=2, rollout=32, environments=2, episodes=2, seed=3,
                       test_episodes=len(SEEDS), threads=1, quiet=True, out=out)  # fmt: skip


def own_loop(run: Any) -> float:
    """What the likeliest actions return."""
    policy, env, returns = run.policy(sampled=False), Walk(), []
    for seed in SEEDS:
        seen, returned, going = env.reset(seed=seed)[0], 0.0, True
        while going:
            seen, reward, over, cut, _ = env.step(policy(seen))
            returned, going = returned + reward, not (over or cut)
        returns.append(returned)
    return float(np.mean(returns))


def test_the_likeliest_actions_and_drawn_ones_are_evaluated_as_asked(run: Any) -> None:
    found = {sampled: run.evaluate(sampled=sampled)["return"] for sampled in (None, False, True)}
    assert found[False] == pytest.approx(own_loop(run))
    assert found[True] != found[False]
    by_default = run.policy().sampled
    assert found[None] == found[by_default] == run.metrics["return"]
    assert run.result["actions"] == ("sampled" if by_default else "likeliest")


def test_a_log_holds_the_actions_that_were_asked_for(run: Any, tmp_path: Path) -> None:
    for sampled in (False, True):
        run.evaluate(sampled=sampled, log=tmp_path / f"{sampled}.npz")
    policy = run.policy(sampled=False)
    held = np.load(tmp_path / "False.npz")
    assert held["actions"].tolist() == [policy(seen) for seen in held["observations"]]
    assert held["actions"].tolist() != np.load(tmp_path / "True.npz")["actions"].tolist()


def test_the_command_obeys_too_and_says_which(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    likeliest, sampled = "seeds 2,000,000 to 2,000,005, the likeliest actions", "2,000,005, sampled actions"
    for flags, told in (["--no-sampled"], likeliest), (["--sampled"], sampled):
        assert main(["eval", str(run.folder), NAME, *flags]) == 0
        assert told in capsys.readouterr().out
    assert main(["eval", str(run.folder)]) == 0
    assert (sampled if run.policy().sampled else likeliest) in capsys.readouterr().out


def test_the_report_and_the_closing_lines_say_which(run: Any) -> None:
    from sonde.screen.summary import result_lines

    by = "by sampled actions" if run.policy().sampled else "by the likeliest actions"
    assert f"test return {by}" in result_lines(run.result)[0]
    assert f"mean return of the test episodes, {by}" in (run.folder / "report.html").read_text(encoding="utf-8")


def test_predictions_say_that_they_are_the_likeliest(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "seen.npy", np.zeros((1, 1), np.float32))
    assert main(["predict", str(run.folder), str(tmp_path / "seen.npy")]) == 0
    assert ("the likeliest actions; the run was evaluated by" in capsys.readouterr().out) == run.policy().sampled


def test_who_draws_no_actions_is_not_asked_to() -> None:
    class Best:
        abilities = Abilities(acting=Acting(act=lambda seen, random: {}, sent=lambda action: action, draws=False))

    rows = SeedRows(make=Walk, encode=np.asarray, split="test", number=1)
    task: Any = Best()
    assert played_in_words(rows, task, None) == "seed 2,000,000, the likeliest actions"
    cpu = torch.device("cpu")
    for act in (lambda play: actions_of(rows, task, play), lambda play: play.source(rows, task, seed=0, device=cpu)):
        act(play_of(sampled=False))
        with pytest.raises(ConfigError, match="draws no actions, it learned one for each observation; leave"):
            act(play_of(sampled=True))


def test_rows_have_no_actions() -> None:
    assert actions_of(None, None) == {}  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="--sampled and --log are for an environment"):
        play_of(sampled=False).rows(range(3))  # type: ignore[union-attr, arg-type]
