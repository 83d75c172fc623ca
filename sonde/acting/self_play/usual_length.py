"""How long games last, before any was learned."""

import time

import numpy as np

from sonde.acting.self_play.games.rules import Rules

GAMES, FEW, SECONDS = 16, 8, 0.25  # of random moves; moves of one at least; seconds that all may take


def usual_length(rules: Rules, longest: int) -> float:
    """Moves of a game, by a few of random moves, `longest` at most."""
    random, lengths = np.random.default_rng(0), []
    until = time.perf_counter() + SECONDS
    while len(lengths) < GAMES and (not lengths or time.perf_counter() < until):
        positions, moves = rules.start(1), 0
        view = rules.view(positions)
        while not view.over[0] and moves < longest and (moves < FEW or time.perf_counter() < until):
            positions = rules.step(positions, random.choice(np.flatnonzero(view.legal[0]), 1))
            view, moves = rules.view(positions), moves + 1
        lengths.append(moves if view.over[0] else longest)
    return float(np.mean(lengths))
