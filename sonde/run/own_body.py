"""What is said of somebody's own network in a task that acts, which puts heads on its features."""

from torch import nn

from sonde.core.config import TrainConfig
from sonde.core.dataset import Schema
from sonde.core.units import counted
from sonde.nn.body import features_of, is_own
from sonde.nn.position_heads import ENDS, answers_itself
from sonde.run.resolve import CUSTOM_MODULE
from sonde.tasks.table import spec


def told(model: nn.Module, config: TrainConfig, schema: Schema) -> tuple[str, ...]:
    """A line for the plan, of how many features the heads read; none of Sonde's own networks and of other tasks."""
    chosen, moves = spec(config.task), schema.target.out_dim
    plays = chosen.answers.name == "policy-value"
    if not (plays or chosen.answers.name == "features") or not is_own(model):
        return ()
    name = type(model).__name__ if config.model == CUSTOM_MODULE else config.model
    if plays and answers_itself(model, schema.input, moves):
        return (f"{name} answers itself: logits of {counted(moves, 'move', 'moves')}, and of a win, a draw and a loss",)
    number = features_of(model, schema.input)
    line = f"{name} gives {counted(number, 'feature', 'features')} of an observation, which the heads of task {config.task} read"
    if plays and number in (moves, moves + ENDS):
        line += (
            "; where those were to answer for moves, return a tuple of logits of moves and of a win, a draw and a loss"
        )
    elif number <= moves:
        line += "; leave its last layer out where that was to answer for actions: heads see no more than these"
    return (line,)
