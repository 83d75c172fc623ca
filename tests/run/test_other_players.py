"""Other runs as opponents in matches."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import sonde
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.matches import Matches
from sonde.core.errors import ConfigError, RunFolderError
from sonde.run.other_players import met_by, players
from sonde.run.played import searching

SHORT = {
    "steps": 2,
    "episodes": 2,
    "test_episodes": 2,
    "simulations": 4,
    "batch_size": 16,
    "environments": 4,
    "quiet": True,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two players of tic-tac-toe, whose folders are called alike, and one that is called as an opponent is."""
    pytest.importorskip("pyspiel")
    folder = tmp_path_factory.mktemp("runs")
    sonde.train("game:tic_tac_toe", out=folder / "one" / "b", opponents=("random",), **SHORT)
    shutil.copytree(folder / "one" / "b", folder / "two" / "b")
    shutil.copytree(folder / "one" / "b", folder / "random")
    return folder


def test_a_run_is_called_by_its_folder_as_far_as_that_is_its_own(runs: Path) -> None:
    one, two, odd = (str(runs / place) for place in ("one/b", "two/b", "random"))
    assert met_by(["random", one], "tic_tac_toe") == (("random", "b"), (("b", Path(one)),))
    assert met_by([one, f"{runs}/one/../one/b"], "tic_tac_toe")[0] == ("b",)
    assert met_by([two, "mcts-5", one], "tic_tac_toe")[0] == ("two-b", "mcts-5", "one-b")
    assert met_by(["random", odd], "tic_tac_toe()")[0] == ("random", f"{runs.name}-random")


def test_a_run_plays_another_with_as_much_search(runs: Path) -> None:
    run = sonde.load(runs / "one/b")
    found = run.evaluate(opponents=["random", runs / "two/b"], episodes=4, simulations=3)
    assert {name for name in found if name.startswith("score_")} == {"score_random", "score_b"}
    assert found["score_b"] == 0.5  # the same network from both sides of each opening
    others = players((("b", runs / "two/b"),), run.device, trust_code=False)
    rows = GameRows(name="tic_tac_toe", seed=3, number=4, longest=9, opponents=("b",))
    playing = searching(run.task, 3)
    played = Matches(rows, replace(playing, others=others), run.device)
    own, sides = played._sides(lambda: False)
    assert sides["b"]._plan == own._plan == playing.plan  # type: ignore[attr-defined]
    assert not sides["b"].varies


def test_what_plays_another_game_or_is_no_run_is_refused(runs: Path, tmp_path: Path) -> None:
    run = sonde.load(runs / "one/b")
    with pytest.raises(ConfigError, match=r"b: it was trained on game:tic_tac_toe, and game:hex is played"):
        met_by([str(runs / "one/b")], "hex")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunFolderError, match=r"empty holds no run"):
        run.evaluate(opponents=tmp_path / "empty")
    with pytest.raises(ConfigError, match=r"no such opponent; .*and for sonde eval folders of runs"):
        run.evaluate(opponents=str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match=r"training has no other run as an opponent; sonde eval RUN"):
        sonde.train("game:tic_tac_toe", out=tmp_path / "x", opponents=str(runs / "one/b"), **SHORT)
