"""What is said of somebody's own network in a task that acts, which puts heads on its features."""

from torch import nn

from sonde.core.config import TrainConfig
from sonde.core.dataset import Schema
from sonde.core.units import counted
from sonde.nn.body import features_of, is_own
from sonde.run.resolve import CUSTOM_MODULE
from sonde.tasks.table import spec


def told(model: nn.Module, config: TrainConfig, schema: Schema) -> tuple[str, ...]:
    """A line for the plan, of how many features the heads read; none of Sonde's own networks and of other tasks."""
    chosen = spec(config.task)
    if chosen.answers.name != "features" or not is_own(model):
        return ()
    name = type(model).__name__ if config.model == CUSTOM_MODULE else config.model
    number = features_of(model, schema.input)
    line = f"{name} gives {counted(number, 'feature', 'features')} of an observation, which the heads of task {config.task} read"
    if number <= schema.target.out_dim:
        line += "; leave its last layer out where that was to answer for actions: heads see no more than these"
    return (line,)
