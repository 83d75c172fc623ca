"""Against whom a run's matches are, and how many games they are of."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sonde.acting.self_play.games.rows import GameRows
from sonde.core.playing import Playing, SearchPlan
from sonde.core.seams import Abilities
from sonde.run.matches_met import fewer_games, games_met, matches_in_words


@pytest.mark.parametrize(("name", "number", "told"), [
    ("tic_tac_toe", 100, []),
    ("nim(pile_sizes=1;2)", 100, ["against earlier 4 games are played and not 100: no more of them would differ"]),
])  # fmt: skip
def test_a_match_that_has_fewer_games_than_were_asked_for_is_told(name: str, number: int, told: list[str]) -> None:
    rows = GameRows(name=name, seed=7, number=number, longest=9, opponents=("earlier", "random"))

    def evenly(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(len(seen), 9), torch.zeros(len(seen))

    plan = SearchPlan(kind="puct", simulations=2, considered=2)
    playing = Playing(judge=evenly, plan=plan, earlier=lambda: evenly)
    task = SimpleNamespace(abilities=Abilities(playing=playing))
    assert [finding.evidence for finding in fewer_games(rows, task)] == told  # type: ignore[arg-type]
    alone = SimpleNamespace(abilities=Abilities(playing=replace(playing, earlier=lambda: None)))
    assert fewer_games(rows, alone) == []  # type: ignore[arg-type]
    assert fewer_games(None, task) == []  # type: ignore[arg-type]
    assert games_met(rows, task) == number + (4 if told else number)  # type: ignore[arg-type]
    assert games_met(rows, alone) == number  # type: ignore[arg-type]
    met = matches_in_words(rows, task, None)  # type: ignore[arg-type]
    assert met == "; ".join(["against earlier, random; 2 simulations a move", *told])
    other = replace(rows, opponents=("random", "b"), runs=(("b", Path("runs/b")),))
    assert [each.evidence for each in fewer_games(other, alone)] == [each.replace("earlier", "b") for each in told]  # type: ignore[arg-type]
    assert games_met(other, alone) == games_met(rows, task)  # type: ignore[arg-type]
    assert matches_in_words(other, alone, None).startswith("against random, b (runs/b); 2")  # type: ignore[arg-type]
