"""The sources of tasks that learn from the policy as it stands, and the episodes by which all that act are evaluated."""

from collections.abc import Mapping
from typing import Any

import torch

from sonde.acting.episodes import Episodes
from sonde.acting.in_process import InProcess
from sonde.acting.rollouts import RolloutPlan, Rollouts
from sonde.acting.seeds import SeedRows, training_seed
from sonde.core.acting import Acting
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows
from sonde.core.seams import Source, Task, abilities_of


def sources(
    splits: Mapping[str, Rows], task: Task, config: TrainConfig, device: torch.device
) -> tuple[Source, dict[str, Source]]:
    """(what is trained on, what is evaluated on)."""
    acting, settings, seed = acting_of(task), config.task_config, config.machine.seed
    rows = splits["train"]
    assert isinstance(rows, SeedRows)
    environments = InProcess(
        rows.make,
        settings.environments,
        encode=rows.encode,
        seed_of=lambda environment, episode: training_seed(seed, environment, episode),
    )
    plan = RolloutPlan(
        length=settings.rollout,
        passes=settings.reuse,
        batch=config.feed.batch_size,
        discount=settings.discount,
        gae_lambda=settings.gae_lambda,
    )
    train = Rollouts(environments, acting, plan, seed=seed, device=device)
    return train, held_back(splits, acting, settings, seed, device)


def acting_of(task: Task) -> Acting:
    """How a task acts."""
    found = abilities_of(task).acting
    assert found is not None
    return found


def held_back(
    splits: Mapping[str, Rows], acting: Acting, settings: Any, seed: int, device: torch.device
) -> dict[str, Source]:
    """The episodes of validation and test."""
    found: dict[str, Source] = {}
    for split, rows in splits.items():
        if split != "train":
            assert isinstance(rows, SeedRows)
            found[split] = Episodes(
                rows.make,
                rows.encode,
                acting,
                seeds=rows.seeds(),
                sampled=settings.act_sampled,
                seed=seed,
                device=device,
            )
    return found
