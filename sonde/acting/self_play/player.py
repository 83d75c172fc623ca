"""A trained player of a game: what it thinks of positions, and how it moves."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from sonde.acting.self_play.games.open_spiel import rules_of
from sonde.acting.self_play.games.rules import replayed
from sonde.acting.self_play.search.search import check_seen, heeding, judge_of, searched
from sonde.core.pace import never
from sonde.core.playing import Playing


class Thought(NamedTuple):
    """Of n positions, for the side to move.

    move:   (n,) the best that the search found;  prior, policy: (n, actions) by the network alone, and after the search
    value:  (n,) from -1 to 1, by the network alone;  found: (n,) the same after the search
    """

    move: np.ndarray
    prior: np.ndarray
    policy: np.ndarray
    value: np.ndarray
    found: np.ndarray


class Player:
    """Plays `game:NAME` as a task does.

    simulations: of a move; by default those of the task
    leave_off:   asked while it thinks, which raises LeftOff where it says True
    """

    def __init__(
        self,
        name: str,
        playing: Playing,
        device: torch.device,
        *,
        simulations: int | None = None,
        leave_off: Callable[[], bool] = never,
    ) -> None:
        """Raises: DataError for an unknown game, or one that the network saw in another way, MissingDependency"""
        self.rules = rules_of(name)
        check_seen(self.rules, playing)
        self._judge = heeding(judge_of(playing.judge, device), leave_off)
        plan = playing.plan
        self.plan = plan if simulations is None else replace(plan, simulations=simulations)

    def think(self, games: Sequence[Sequence[int]]) -> Thought:
        """Of the positions after these moves, in which the games go on."""
        return self.thought_of(replayed(self.rules, games))

    def thought_of(self, positions: np.ndarray) -> Thought:
        """Of positions of the rules, in which the games go on."""
        view = self.rules.view(positions)
        logits, value = self._judge(view.observation)
        logits = np.where(view.legal, logits, -np.inf)
        prior = np.exp(logits - logits.max(1, keepdims=True))
        found = searched(self.rules, positions, self._judge, self.plan, random=None)
        prior /= prior.sum(1, keepdims=True)
        return Thought(found.action, prior, found.policy, value, found.value)
