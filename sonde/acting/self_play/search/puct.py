"""Search by upper confidence bounds with a policy: Silver et al. 2018, A general reinforcement learning algorithm (AlphaZero)."""

import numpy as np

from sonde.acting.self_play.games.rules import Rules
from sonde.acting.self_play.search.tree import Forest, Found, Judge

INIT, BASE = 1.25, 19_652  # of the exploration rate, in the paper's pseudocode
UNFOLLOWED = (
    0.2  # how much less than its node a move is worth that was not followed: c_FPU of Wu 2019, arXiv:1902.10565
)
CONCENTRATION = 10.83  # of the Dirichlet noise over all legal moves: 0.03 of 361, as Wu 2019 has it
NOISE = 0.25  # share of the noise in the root


def search(
    rules: Rules,
    positions: np.ndarray,
    judge: Judge,
    *,
    simulations: int,
    random: np.random.Generator | None,
    drawn: np.ndarray | None = None,
) -> Found:
    """The move that was followed most; the policy is the share of visits.

    random: of Dirichlet noise on the root's priors, and of moves; None for neither
    drawn:  (n,) bool, in which positions the move is drawn by its visits, as in a game's first moves
    """
    forest = Forest(rules, positions, judge, simulations)
    roots, legal = forest.roots, forest.root_view.legal
    if random is not None:
        shape = CONCENTRATION / np.maximum(legal.sum(1, keepdims=True), 1)
        noise = np.where(legal, random.gamma(np.broadcast_to(shape, legal.shape)), 0).astype(np.float32)
        noise /= np.maximum(noise.sum(1, keepdims=True), 1e-12)
        forest.prior[roots] = np.where(legal, (1 - NOISE) * forest.prior[roots] + NOISE * noise, 0)
    for _ in range(simulations):
        forest.simulate(choice, choice)
    visits = forest.visits[roots]
    policy = visits / np.maximum(visits.sum(1, keepdims=True), 1)
    action = np.where(legal, visits + 0.5 * forest.prior[roots], -1).argmax(1)  # the likelier of equals
    if random is not None and drawn is not None:
        by_chance = (policy.cumsum(1) < random.random((len(roots), 1)) * policy.sum(1, keepdims=True)).sum(1)
        action = np.where(drawn, np.minimum(by_chance, rules.actions - 1), action)
    return Found(action, policy, forest.root_values(), visits)


def choice(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """The move with the largest Q + U, U = c(s) P sqrt(N(s)) / (1 + N(s, a)), c(s) = log((1 + N(s) + base) / base) + init.

    N(s) counts the node's own evaluation too.
    """
    visits, prior = forest.visits[rows], forest.prior[rows]
    times = 1 + visits.sum(1, keepdims=True)
    rate = np.log((1 + times + BASE) / BASE) + INIT
    node = (forest.value[rows][:, None] + forest.total[rows].sum(1, keepdims=True)) / times
    followed = visits > 0
    unknown = node - UNFOLLOWED * np.sqrt(np.where(followed, prior, 0).sum(1, keepdims=True))
    score = np.where(followed, forest.mean(rows), unknown) + rate * prior * np.sqrt(times) / (1 + visits)
    return np.where(prior > 0, score, -np.inf).argmax(1)
