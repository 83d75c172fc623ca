"""Search trees of many games at once: arrays of nodes, in which one simulation adds a leaf to every tree.

A node's row is game * nodes + its number; the root is number 0. All leaves of a simulation go through the network in one batch.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from sonde.acting.self_play.games.rules import Rules, View

Judge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(n, *shape) observations -> (n, actions) logits of the moves, legal or not, and (n,) values for the side to move"""


class Found(NamedTuple):
    """What a search found in n positions.

    action: (n,) the move to make;  policy: (n, actions) what the network's policy should have been, 0 where illegal
    value:  (n,) of the position for the side to move, as the policy moves
    visits: (n, actions) simulations that went through a move
    """

    action: np.ndarray
    policy: np.ndarray
    value: np.ndarray
    visits: np.ndarray


class Choice(Protocol):
    """How a tree is descended: the move to follow from each of some nodes."""

    def __call__(self, forest: "Forest", rows: np.ndarray) -> np.ndarray: ...


class Forest:
    """The trees of n games. Arrays go over rows of nodes; those of edges have a second axis over moves.

    logits, prior: of the network, -inf and 0 where a move is illegal;  value: (rows,) the network's, for the side to move
    visits, total: (rows, actions) how often a move was followed, and the sum of what came of it for the side to move
    child:         (rows, actions) rows of nodes, -1 where there is none yet
    """

    def __init__(self, rules: Rules, positions: np.ndarray, judge: Judge, simulations: int) -> None:
        self.rules, self._judge = rules, judge
        self.count, self.nodes = len(positions), simulations + 1
        rows, actions = self.count * self.nodes, rules.actions
        self.child = np.full((rows, actions), -1, np.int32)
        self.visits, self.total = np.zeros((rows, actions), np.float32), np.zeros((rows, actions), np.float32)
        self.logits, self.prior = np.zeros((rows, actions), np.float32), np.zeros((rows, actions), np.float32)
        self.value, self.side = np.zeros(rows, np.float32), np.ones(rows, np.float32)  # side: 1 of who began, or -1
        self.over, self.result = np.zeros(rows, bool), np.zeros(rows, np.float32)
        self._positions = np.empty((rows, *positions.shape[1:]), positions.dtype)
        self.roots = np.arange(self.count) * self.nodes
        self.done = 0  # simulations
        self.root_view = self._grow(self.roots, positions)

    def _grow(self, rows: np.ndarray, positions: np.ndarray) -> View:
        """Make nodes of positions."""
        view = self.rules.view(positions)
        self._positions[rows] = positions
        self.over[rows], self.result[rows] = view.over, view.result
        self.side[rows] = np.where(view.mover == 0, 1.0, -1.0)
        going = np.flatnonzero(~view.over)
        if len(going):
            at, legal = rows[going], view.legal[going]
            logits, self.value[at] = self._judge(view.observation[going])
            logits = np.where(legal, logits, -np.inf)
            logits -= logits.max(1, keepdims=True)
            prior = np.exp(logits)
            self.logits[at], self.prior[at] = logits, prior / prior.sum(1, keepdims=True)
        return view

    def simulate(self, at_root: Choice, below: Choice) -> None:
        """Descend each tree from its root to a move that was not followed yet, or the game's end; add what it is worth."""
        games, rows = np.flatnonzero(~self.over[self.roots]), self.roots[~self.over[self.roots]]
        path: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        ends = np.full(self.count, -1)  # rows of leaves
        parents, moves = np.empty(self.count, np.int64), np.empty(self.count, np.int64)
        choose = at_root
        while len(games):
            actions = choose(self, rows)
            path.append((games, rows, actions))
            children = self.child[rows, actions]
            fresh = children < 0
            made = games[fresh]
            parents[made], moves[made] = rows[fresh], actions[fresh]
            over = ~fresh & self.over[children]
            ends[games[over]] = children[over]
            on = ~(fresh | over)
            games, rows, choose = games[on], children[on], below
        grown = np.flatnonzero((ends < 0) & ~self.over[self.roots])
        if len(grown):
            ends[grown] = at = self.roots[grown] + 1 + self.done
            self.child[parents[grown], moves[grown]] = at
            self._grow(at, self.rules.step(self._positions[parents[grown]], moves[grown]))
        self.done += 1
        worth = np.where(self.over[ends], self.result[ends], self.value[ends] * self.side[ends])  # for who began
        for games, rows, actions in path:
            self.visits[rows, actions] += 1
            self.total[rows, actions] += worth[games] * self.side[rows]

    def mean(self, rows: np.ndarray) -> np.ndarray:
        """(n, actions) mean of what came of each move for the side to move; 0 where it was not followed."""
        return self.total[rows] / np.maximum(self.visits[rows], 1)

    def root_values(self) -> np.ndarray:
        """(n,) mean of the network's value of the root and of all simulations."""
        visits, total = self.visits[self.roots].sum(1), self.total[self.roots].sum(1)
        return (self.value[self.roots] + total) / (1 + visits)
