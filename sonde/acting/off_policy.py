"""The source of tasks that learn from what happened before, whoever acted."""

from collections.abc import Mapping

import torch

from sonde.acting.episodes import acting_of
from sonde.acting.replay import Replay, ReplayPlan
from sonde.acting.training import trained_in
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows
from sonde.core.errors import ConfigError
from sonde.core.seams import Source, Task


def source(splits: Mapping[str, Rows], task: Task, config: TrainConfig, device: torch.device) -> Source:
    """A replay of what the task's policy met. Raises: ConfigError for one that is too small"""
    settings, seed = config.task_config, config.machine.seed
    environments = trained_in(splits, config)
    if settings.replay // environments.count <= settings.return_steps:
        raise ConfigError(
            f"--replay {settings.replay} is too small for {environments.count} environments and --return-steps "
            f"{settings.return_steps}; give at least {(settings.return_steps + 1) * environments.count}"
        )
    plan = ReplayPlan(
        capacity=settings.replay,
        warmup=settings.warmup_steps,
        every=settings.train_every,
        batch=config.feed.batch_size,
        steps=settings.return_steps,
        discount=settings.discount,
        priority=getattr(settings, "priority", 0.0),  # of tasks that have it
        correction=getattr(settings, "priority_correction", 1.0),
        correction_updates=getattr(settings, "priority_updates", 1),
    )
    return Replay(environments, acting_of(task), plan, seed=seed, device=device)
