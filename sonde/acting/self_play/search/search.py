"""Searching moves with a task's network, by one plan or another."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sonde.acting.self_play.games.rules import Rules
from sonde.acting.self_play.search import gumbel, puct
from sonde.acting.self_play.search.tree import Found, Judge
from sonde.core.errors import DataError
from sonde.core.pace import LeftOff
from sonde.core.playing import Playing, SearchPlan

MULTIPLE = 16  # that rows of a batch are rounded up to: fewer sizes that kernels are chosen for


def check_seen(rules: Rules, playing: Playing) -> None:
    """Raises: DataError where a network that learned from an earlier version sees positions in another way"""
    if playing.shape is not None and playing.shape != rules.shape:
        seen, now = ("x".join(map(str, shape)) for shape in (playing.shape, rules.shape))
        raise DataError(
            f"this network was trained on positions of {rules.name} as {seen} numbers, which this version shows as {now} "
            f"({rules.shown}); train it anew"
        )


def searched(
    rules: Rules,
    positions: np.ndarray,
    judge: Judge,
    plan: SearchPlan,
    *,
    random: np.random.Generator | None,
    drawn: np.ndarray | None = None,
) -> Found:
    """What a search finds in n positions.

    random: of exploration; None for the best move that is found
    drawn:  (n,) bool, in which positions PUCT draws a move by its visits
    """
    if plan.kind == "gumbel":
        considered, simulations = plan.considered, plan.simulations
        return gumbel.search(rules, positions, judge, simulations=simulations, considered=considered, random=random)
    return puct.search(rules, positions, judge, simulations=plan.simulations, random=random, drawn=drawn)


def heeding(judge: Judge, leave_off: Callable[[], bool], told: Callable[[], str] = str) -> Judge:
    """A judge that raises LeftOff, with what is told, where a search is to be given up."""

    def heeded(observation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if leave_off():
            raise LeftOff(told())
        return judge(observation)

    return heeded


def judge_of(network: Callable[[Tensor], tuple[Tensor, Tensor]], device: torch.device) -> Judge:
    """A task's network as searches call it."""

    @torch.no_grad()
    def judge(observation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        count = len(observation)
        padded = np.zeros((-(-count // MULTIPLE) * MULTIPLE, *observation.shape[1:]), np.float32)
        padded[:count] = observation
        logits, value = network(torch.from_numpy(padded).to(device))
        return logits[:count].float().numpy(force=True), value[:count].float().numpy(force=True)

    return judge
