"""The source of tasks that learn from the policy as it stands."""

from collections.abc import Mapping

import torch

from sonde.acting.episodes import acting_of
from sonde.acting.rollouts import RolloutPlan, Rollouts
from sonde.acting.training import trained_in
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows
from sonde.core.seams import Source, Task


def source(splits: Mapping[str, Rows], task: Task, config: TrainConfig, device: torch.device) -> Source:
    """Rollouts of the task's policy."""
    acting, settings, seed = acting_of(task), config.task_config, config.machine.seed
    environments = trained_in(splits, config)
    plan = RolloutPlan(
        length=settings.rollout,
        passes=settings.reuse,
        batch=config.feed.batch_size,
        discount=settings.discount,
        gae_lambda=settings.gae_lambda,
    )
    return Rollouts(environments, acting, plan, seed=seed, device=device)
