"""The source of tasks that learn from what happened before, whoever acted."""

from collections.abc import Mapping
from typing import Any

import torch

from sonde.acting.config import EnvironmentConfig
from sonde.acting.environments.training import frames_of, trained_in
from sonde.acting.evaluation.episodes import acting_of
from sonde.acting.experience.replay import Replay, ReplayPlan
from sonde.acting.room import Part, observation_bytes, written_at_most
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import ConfigError
from sonde.core.seams import Source, Task

OF_TRANSITION = 32  # bytes beside its observation: an action of few numbers, a reward, how it ended, a priority


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
        together=settings.updates_together,
        batch=config.feed.batch_size,
        steps=settings.return_steps,
        discount=settings.discount,
        frames=frames_of(splits),
        **_priorities(settings),
    )
    return Replay(environments, acting_of(task), plan, seed=seed, device=device)


def room(schema: Schema, splits: Mapping[str, Rows], config: TrainConfig) -> list[Part]:
    """What a replay takes of memory, as far as it is filled in this run, and what a batch of it does."""
    settings, count = config.task_config, config.data.of(EnvironmentConfig).environments
    observation = observation_bytes(schema.input.shape, "uint8" if schema.input.std else "float32")
    stored = int(min(settings.replay, written_at_most(config, settings.train_every, settings.warmup_steps)))
    each = observation // frames_of(splits) + OF_TRANSITION
    return [
        Part(
            what=f"{stored:,} transitions (--replay {settings.replay}) and a checkpoint of them",
            nbytes=2 * stored * each,
            setting="replay" if stored == settings.replay else "",
            number=stored,
            least=(settings.return_steps + 1) * count,
        ),
        Part(
            what=f"the observations of a batch (--batch-size {config.feed.batch_size})",
            nbytes=2 * config.feed.batch_size * observation,
            setting="batch_size",
            number=config.feed.batch_size,
        ),
    ]


def _priorities(settings: Any) -> dict[str, Any]:
    """What a plan has of priorities, of tasks that have such."""
    if not getattr(settings, "priority", 0.0):
        return {}
    given = {"correction": settings.priority_correction, "correction_updates": settings.priority_updates}
    return {"priority": settings.priority, **{name: value for name, value in given.items() if value is not None}}
