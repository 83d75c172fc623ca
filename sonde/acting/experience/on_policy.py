"""The sources of tasks that learn from the policy as it stands."""

from collections.abc import Mapping

import torch

from sonde.acting.config import EnvironmentConfig
from sonde.acting.environments.training import trained_in
from sonde.acting.evaluation.episodes import acting_of
from sonde.acting.experience.collecting import Collector
from sonde.acting.experience.reward_scale import RewardScale
from sonde.acting.experience.rollouts import RolloutPlan, Rollouts
from sonde.acting.experience.whole_episodes import WholeEpisodes
from sonde.acting.room import Part, observation_bytes
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows, Schema
from sonde.core.seams import Source, Task


def reused(splits: Mapping[str, Rows], task: Task, config: TrainConfig, device: torch.device) -> Source:
    """Rollouts of the task's policy, learned from in batches and in several passes."""
    settings = config.task_config
    return _rollouts(splits, task, config, device, passes=settings.reuse, batch=config.feed.batch_size)


def once(splits: Mapping[str, Rows], task: Task, config: TrainConfig, device: torch.device) -> Source:
    """Rollouts of the task's policy, each a batch."""
    return _rollouts(splits, task, config, device, passes=1, batch=None)


def episodes(splits: Mapping[str, Rows], task: Task, config: TrainConfig, device: torch.device) -> Source:
    """Whole episodes of the task's policy."""
    settings = config.task_config
    return WholeEpisodes(
        _collector(splits, task, config, device),
        acting_of(task),
        episodes=settings.rollout_episodes,
        discount=settings.discount,
        seed=config.machine.seed,
        device=device,
    )


def room(schema: Schema, splits: Mapping[str, Rows], config: TrainConfig) -> list[Part]:
    """What a rollout takes of memory: as it is collected, as it is put together, and in a checkpoint."""
    settings, count = config.task_config, config.data.of(EnvironmentConfig).environments
    each = 3 * count * observation_bytes(schema.input.shape, "uint8" if schema.input.std else "float32")
    length = getattr(settings, "rollout", None)
    if length is None:  # of whole episodes, which are as long as they are
        return [Part(what=f"observations of {count} environments", nbytes=each, setting="environments", number=count)]
    what = f"a rollout of {length:,} steps in {count} environments (--rollout {length})"
    return [Part(what=what, nbytes=each * length, setting="rollout", number=length)]


def _rollouts(
    splits: Mapping[str, Rows],
    task: Task,
    config: TrainConfig,
    device: torch.device,
    *,
    passes: int,
    batch: int | None,
) -> Rollouts:
    settings = config.task_config
    plan = RolloutPlan(
        length=settings.rollout,
        passes=passes,
        batch=batch,
        discount=settings.discount,
        gae_lambda=settings.gae_lambda,
    )
    collector = _collector(splits, task, config, device)
    return Rollouts(collector, acting_of(task), plan, seed=config.machine.seed, device=device)


def _collector(splits: Mapping[str, Rows], task: Task, config: TrainConfig, device: torch.device) -> Collector:
    settings = config.task_config
    environments = trained_in(splits, config)
    rewards = RewardScale(environments.count, settings.discount) if settings.scale_rewards else None
    return Collector(environments, acting_of(task), device=device, rewards=rewards)
