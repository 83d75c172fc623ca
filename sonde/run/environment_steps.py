"""The length of a run that acts, given in steps of its environments: `--environment-steps`, which becomes updates (`--steps`)."""

from collections.abc import Iterable
from dataclasses import replace

from sonde.core.acting import Updates
from sonde.core.bounds import flag
from sonde.core.catalogue import load
from sonde.core.config import TrainConfig
from sonde.core.errors import ConfigError
from sonde.tasks.table import spec

EITHER = ("steps", "environment_steps")
"""Of these lengths one follows from the other."""


def refuse_both(given: Iterable[str]) -> None:
    """Raises: ConfigError for updates beside steps of the environments, which are updates too. given: names of settings"""
    if set(EITHER) <= set(given):
        raise ConfigError(
            "--steps counts updates and --environment-steps what the environments do for them, so one follows from the other; "
            "give one of them"
        )


def updates_of(config: TrainConfig) -> Updates | None:
    """The updates of the environments' steps that were asked for; None where none were.

    Raises: ConfigError for a task whose updates take no fixed number of them, or none
    """
    steps = config.loop.environment_steps
    if steps is None:
        return None
    chosen, given = spec(config.task), f"{flag('environment_steps')} {steps}"
    if not chosen.experience:
        raise ConfigError(f"{given} has no effect: task {config.task} learns from rows, and does not act; give --steps")
    if not chosen.updates:
        raise ConfigError(
            f"{given}: how many steps of its environments an update of task {config.task} takes is not known before, as it "
            "learns from whole episodes; give --steps, its updates, or --time-limit"
        )
    return load(chosen.updates)(steps, config)


def with_updates(config: TrainConfig) -> TrainConfig:
    """`config` with the number of updates, where steps of the environments were asked for. Raises: ConfigError"""
    found = updates_of(config)
    return config if found is None else replace(config, loop=replace(config.loop, steps=found.number))


def derived_origin(config: TrainConfig) -> dict[str, str]:
    """Leaf name -> origin of what follows from steps of the environments."""
    return {} if config.loop.environment_steps is None else {"steps": "recipe"}


def in_words(found: Updates) -> str:
    """Such as "100,352 steps of the environments: 98 rollouts of 1,024, 16 updates each"."""
    return f"{found.steps:,} steps of the environments: {found.words}"
