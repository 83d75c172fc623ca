"""How many updates so many steps of the environments are: exactly, by how a task's experience is collected."""

from sonde.acting.config import EnvironmentConfig
from sonde.core.acting import Updates
from sonde.core.bounds import flag
from sonde.core.config import TrainConfig
from sonde.core.errors import ConfigError
from sonde.core.units import counted


def of_rollouts(steps: int, config: TrainConfig) -> Updates:
    """Of rollouts that are learned from in batches and in several passes. Raises: ConfigError where passes may end early"""
    settings = config.task_config
    if getattr(settings, "target_kl", None) is not None:
        raise ConfigError(
            f"{flag('environment_steps')} {steps}: {flag('target_kl')} ends the passes over a rollout early, so how many updates "
            f"that is cannot be known before; give {flag('steps')}, or leave {flag('target_kl')} out"
        )
    rollout = _environments(config) * settings.rollout
    return _in_rollouts(steps, rollout, settings.reuse * -(-rollout // config.feed.batch_size))


def of_rollouts_once(steps: int, config: TrainConfig) -> Updates:
    """Of rollouts that are a batch each."""
    return _in_rollouts(steps, _environments(config) * config.task_config.rollout, 1)


def _in_rollouts(steps: int, rollout: int, updates: int) -> Updates:
    """As many whole rollouts as hold the steps. updates: of each"""
    number = -(-steps // rollout)
    each = counted(updates, "update", "updates")
    return Updates(
        number=number * updates,
        steps=number * rollout,
        words=f"{counted(number, 'rollout', 'rollouts')} of {rollout:,}, {each} each",
    )


def of_replay(steps: int, config: TrainConfig) -> Updates:
    """Of a replay: all updates that are due once the environments took the steps, and those that come together after that where
    these would not reach them.

    Raises: ConfigError for fewer than the first update needs
    """
    settings, count = config.task_config, _environments(config)
    warmup, every, together = settings.warmup_steps, settings.train_every, settings.updates_together

    def taken(updates: int) -> int:  # as `Replay.__iter__` counts
        due = (updates - 1) // together * together
        return count * max(-(-(warmup + due * every) // count), settings.return_steps + 1)

    if taken(1) > steps:
        raise ConfigError(
            f"{flag('environment_steps')} {steps}: the first update comes after {taken(1):,} steps of the environments "
            f"({flag('warmup_steps')} {warmup}); give more, or a shorter {flag('warmup_steps')}"
        )
    updates = ((-(-steps // count) * count - warmup) // (every * together) + 1) * together
    if taken(updates) < steps:
        updates += together
    pace = "an update every step" if every == 1 else f"an update every {counted(every, 'step', 'steps')}"
    if together > 1:
        pace = f"{together:,} updates every {together * every:,} steps"
    return Updates(number=updates, steps=taken(updates), words=f"{pace}, after {warmup:,} at random")


def _environments(config: TrainConfig) -> int:
    return config.data.of(EnvironmentConfig).environments
