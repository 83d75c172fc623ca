"""Searches of one game at a time, in plain Python over states of OpenSpiel: written from the papers, not from the arrays."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sonde.acting.self_play.games.rules import Rules, replayed


@dataclass
class Node:
    """What stands at a state. value: the network's, for the side to move; of an ended game what it ended with for who would be"""

    state: Any
    prior: dict[int, float]
    logit: dict[int, float]
    value: float
    children: dict[int, "Node"] = field(default_factory=dict)
    visits: int = 1
    total: float = 0.0  # of simulations below, for the side to move


def judge(observation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A network that was not trained: any fixed function of what is seen. For 7 moves."""
    flat = observation.reshape(len(observation), -1).astype(np.float64)
    weights = np.random.default_rng(0).normal(size=(flat.shape[1], 16))
    hidden = np.tanh(flat @ weights + 0.1)
    heads = np.random.default_rng(1).normal(size=(16, 8))
    found = (hidden @ heads).astype(np.float32)
    return found[:, :7], np.tanh(found[:, 7] / 3)


def node_of(rules: Rules, state: Any) -> Node:
    if state.is_terminal():
        mover = state.move_number() % 2  # the games that are tested with take turns
        return Node(state, {}, {}, state.returns()[mover])
    logits, values = judge(rules.view(replayed(rules, [state.history()])).observation)
    logit = {move: float(logits[0, move]) for move in state.legal_actions()}
    largest = max(logit.values())
    logit = {move: each - largest for move, each in logit.items()}
    whole = sum(math.exp(each) for each in logit.values())
    return Node(state, {move: math.exp(each) / whole for move, each in logit.items()}, logit, float(values[0]))


def mean(node: Node, move: int) -> float:
    """Mean of what came of a move, for the side that made it."""
    child = node.children[move]
    return -(child.value * (child.visits if child.state.is_terminal() else 1) + child.total) / child.visits


def add_leaf(rules: Rules, root: Node, choose_root: Any, choose: Any) -> None:
    path, node, pick = [], root, choose_root
    while True:
        move = pick(node)
        path.append(node)
        if move not in node.children:
            node.children[move] = leaf = node_of(rules, node.state.child(move))
            break
        node, pick = node.children[move], choose
        if node.state.is_terminal():
            node.visits += 1
            leaf = node
            break
    value = leaf.value
    for above in reversed(path):
        value = -value
        above.visits += 1
        above.total += value


def puct(rules: Rules, state: Any, simulations: int) -> dict[int, int]:
    """Visits of each move of the root."""

    def choose(node: Node) -> int:
        followed = node.children
        rate = math.log((1 + node.visits + 19_652) / 19_652) + 1.25
        whole = (node.value + node.total) / node.visits
        unknown = whole - 0.2 * math.sqrt(sum(node.prior[move] for move in followed))

        def score(move: int) -> float:
            worth = mean(node, move) if move in followed else unknown
            times = followed[move].visits if move in followed else 0
            return worth + rate * node.prior[move] * math.sqrt(node.visits) / (1 + times)

        return max(node.prior, key=score)

    root = node_of(rules, state)
    for _ in range(simulations):
        add_leaf(rules, root, choose, choose)
    return {move: root.children[move].visits if move in root.children else 0 for move in root.prior}


def worth(node: Node) -> dict[int, float]:
    """The completed Q of each move."""
    times = {move: node.children[move].visits if move in node.children else 0 for move in node.prior}
    whole = sum(times.values())
    mixed = node.value
    if whole:
        share = sum(node.prior[move] for move in node.children)
        known = sum(node.prior[move] * mean(node, move) for move in node.children) / share
        mixed = (node.value + whole * known) / (1 + whole)
    return {move: mean(node, move) if times[move] else mixed for move in node.prior}


def completed(node: Node) -> dict[int, float]:
    """sigma(completed Q) of each move."""
    scale = 50 + max(child.visits for child in node.children.values()) if node.children else 50
    return {move: scale * (value + 1) / 2 for move, value in worth(node).items()}


def improved(node: Node) -> dict[int, float]:
    """The improved policy."""
    sigma = completed(node)
    score = {move: node.logit[move] + sigma[move] for move in node.prior}
    largest = max(score.values())
    whole = sum(math.exp(each - largest) for each in score.values())
    return {move: math.exp(each - largest) / whole for move, each in score.items()}


def gumbel(
    rules: Rules, state: Any, simulations: int, considered: int, noise: Any
) -> tuple[int, dict[int, float], float]:
    """The move, the improved policy and its value. By rounds, as algorithm 2 has it: no table of visits."""

    def below(node: Node) -> int:
        target = improved(node)
        times = {move: node.children[move].visits if move in node.children else 0 for move in target}
        return max(target, key=lambda move: target[move] - times[move] / (1 + sum(times.values())))

    root = node_of(rules, state)

    def score(move: int) -> float:
        return float(noise[move]) + root.logit[move] + completed(root)[move]

    left = sorted(root.prior, key=lambda move: -(float(noise[move]) + root.logit[move]))[:considered]
    rounds, spent = max(1, math.ceil(math.log2(len(left)))), 0
    while spent < simulations:
        for _ in range(max(1, simulations // (rounds * len(left)))):
            turn = list(left)
            while turn and spent < simulations:  # of those that had no turn yet in this pass, the best
                move = max(turn, key=score)
                turn.remove(move)
                add_leaf(rules, root, lambda _, move=move: move, below)
                spent += 1
        if len(left) > 1:
            left = sorted(left, key=lambda move: -score(move))[: max(2, len(left) // 2)]
    times = {move: node.visits for move, node in root.children.items()}
    most = [move for move in times if times[move] == max(times.values())]
    policy, values = improved(root), worth(root)
    return max(most, key=score), policy, sum(policy[move] * values[move] for move in policy)
