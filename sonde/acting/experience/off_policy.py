"""The source of tasks that learn from what happened before, whoever acted."""

from collections.abc import Mapping
from typing import Any

import torch

from sonde.acting.environments.training import frames_of, trained_in
from sonde.acting.evaluation.episodes import acting_of
from sonde.acting.experience.replay import Replay, ReplayPlan
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
        frames=frames_of(splits),
        **_priorities(settings),
    )
    return Replay(environments, acting_of(task), plan, seed=seed, device=device)


def _priorities(settings: Any) -> dict[str, Any]:
    """What a plan has of priorities, of tasks that have such."""
    if not getattr(settings, "priority", 0.0):
        return {}
    given = {"correction": settings.priority_correction, "correction_updates": settings.priority_updates}
    return {"priority": settings.priority, **{name: value for name, value in given.items() if value is not None}}
