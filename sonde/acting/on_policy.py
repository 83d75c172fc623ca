"""The source of tasks that learn from the policy as it stands."""

from collections.abc import Mapping

import torch

from sonde.acting.episodes import acting_of
from sonde.acting.in_process import InProcess
from sonde.acting.rollouts import RolloutPlan, Rollouts
from sonde.acting.seeds import SeedRows, training_seed
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows
from sonde.core.seams import Source, Task


def source(splits: Mapping[str, Rows], task: Task, config: TrainConfig, device: torch.device) -> Source:
    """Rollouts of the task's policy."""
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
    return Rollouts(environments, acting, plan, seed=seed, device=device)
