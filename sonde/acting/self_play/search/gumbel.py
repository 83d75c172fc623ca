"""Search that improves a policy by few simulations: Danihelka et al. 2022, Policy improvement by planning with Gumbel."""

from functools import cache
from math import ceil, log2

import numpy as np

from sonde.acting.self_play.games.rules import Rules
from sonde.acting.self_play.search.tree import Forest, Found, Judge

VISITS, SCALE = 50.0, 1.0  # c_visit and c_scale of the paper's board games, of values from 0 to 1


def search(
    rules: Rules,
    positions: np.ndarray,
    judge: Judge,
    *,
    simulations: int,
    considered: int,
    random: np.random.Generator | None,
) -> Found:
    """The best of some moves that are drawn without replacement by the policy, by sequential halving (algorithm 2).

    considered: moves that are looked at in the root;  random: of the draw; None for the policy's likeliest moves
    """
    forest = Forest(rules, positions, judge, simulations)
    roots = forest.roots
    legal = forest.root_view.legal
    noise = np.zeros(legal.shape, np.float32)
    if random is not None:
        noise = random.gumbel(size=legal.shape).astype(np.float32)
    going = ~forest.over[roots]
    most = np.minimum(legal.sum(1), considered)
    turns = np.stack([halving(int(number), simulations) for number in most])  # (n, simulations)
    drawn = np.where(legal & going[:, None], noise + np.where(legal, forest.logits[roots], 0), -np.inf)

    def at_root(forest: Forest, rows: np.ndarray) -> np.ndarray:
        games = rows // forest.nodes
        score = drawn[games] + improvement(forest, rows)
        return np.where(forest.visits[rows] == turns[games, forest.done, None], score, -np.inf).argmax(1)

    for _ in range(simulations):
        forest.simulate(at_root, below)
    visits = forest.visits[roots]
    better = improvement(forest, roots)
    last = visits == visits.max(1, keepdims=True)
    action = np.where(last & legal, drawn + better, -np.inf).argmax(1)
    improved = policy(forest, roots)
    # not the mean of the simulations, as half of them follow moves that were looked at and found wanting
    value = np.where(going, (improved * completed(forest, roots)).sum(1), forest.root_values())
    return Found(action, improved, value, visits)


@cache
def halving(considered: int, simulations: int) -> np.ndarray:
    """(simulations,) how often a move in the root was followed already that is followed next.

    Of the moves with so many visits the best is taken. So all are followed equally often, then the better half, and so on
    (Karnin et al. 2013, sequential halving).

    >>> halving(4, 8).tolist()
    [0, 0, 0, 0, 1, 1, 2, 2]
    """
    if considered <= 1:
        return np.arange(simulations)
    found: list[int] = []
    visits, left, rounds = [0] * considered, considered, ceil(log2(considered))
    while len(found) < simulations:
        for _ in range(max(1, simulations // (rounds * left))):
            found += visits[:left]
            visits[:left] = [each + 1 for each in visits[:left]]
        left = max(2, left // 2)
    return np.array(found[:simulations])


def improvement(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """(n, actions) sigma(completed Q): equation 8."""
    most = forest.visits[rows].max(1, keepdims=True)
    return (VISITS + most) * SCALE * (completed(forest, rows) + 1) / 2


def completed(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """(n, actions) what moves are worth, that of one not yet followed as estimated by all others: equations 10 and 33."""
    visits, prior = forest.visits[rows], forest.prior[rows]
    followed, mean = visits > 0, forest.mean(rows)
    times = visits.sum(1)
    known = np.where(followed, prior, 0)
    share = np.maximum(known.sum(1), 1e-12)
    mixed = (forest.value[rows] + times * (known * mean).sum(1) / share) / (1 + times)
    return np.where(followed, mean, mixed[:, None])


def policy(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """(n, actions) the improved policy, softmax(logits + sigma(completed Q)): equation 11. It is 0 where a game is over."""
    logits = np.where(forest.over[rows][:, None], 0, forest.logits[rows]) + improvement(forest, rows)
    logits -= logits.max(1, keepdims=True)
    found = np.exp(logits)
    found /= found.sum(1, keepdims=True)
    return np.where(forest.over[rows][:, None], 0, found)


def below(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """The move by which visits come nearest to the improved policy: equation 14."""
    visits = forest.visits[rows]
    apart = policy(forest, rows) - visits / (1 + visits.sum(1, keepdims=True))
    return np.where(forest.prior[rows] > 0, apart, -np.inf).argmax(1)
