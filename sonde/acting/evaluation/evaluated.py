"""What rows that are acted out are evaluated by: episodes of an environment, or matches of a game."""

from dataclasses import replace

import torch

from sonde.acting.evaluation.episodes import episodes_of
from sonde.acting.seeds import SeedRows
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.matches import Matches
from sonde.core.dataset import Dataset, Rows
from sonde.core.seams import Source, Task, abilities_of


def is_acted(rows: Rows) -> bool:
    """Whether rows are no data, but what is played."""
    return isinstance(rows, SeedRows | GameRows)


def read_alone(dataset: Dataset) -> Dataset:
    """The splits that are rows: what is learned from a log may be evaluated in an environment."""
    return replace(dataset, splits={name: each for name, each in dataset.splits.items() if not is_acted(each)})


def acted_out(rows: Rows, task: Task, *, seed: int, device: torch.device) -> Source:
    """The source of a split that is evaluated on. seed: of actions that are sampled in evaluations"""
    if not isinstance(rows, GameRows):
        return episodes_of(rows, task, seed=seed, device=device)
    playing = abilities_of(task).playing
    assert playing is not None
    return Matches(rows, playing, device)
