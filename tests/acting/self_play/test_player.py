"""A trained player."""

import pytest
import torch

from sonde.acting.self_play.player import Player
from sonde.core.errors import DataError
from sonde.core.playing import Playing, SearchPlan


def test_a_network_that_saw_a_game_in_another_way_is_refused() -> None:
    plan = SearchPlan(kind="puct", simulations=2, considered=9)
    playing = Playing(judge=lambda seen: (seen, seen), plan=plan, earlier=lambda: None, shape=(21, 8, 8))
    with pytest.raises(DataError, match="positions of chess as 21x8x8 numbers, .* as 19x8x8 .*; train it anew"):
        Player("chess", playing, torch.device("cpu"))
