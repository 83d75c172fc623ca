"""Conservative Q-learning of whichever actions a log has."""

from torch import nn

from sonde.core.dataset import InputSpec, TargetSpec
from sonde.tasks.cql.config import CQLConfig
from sonde.tasks.cql.control import CQLOfNumbers
from sonde.tasks.cql.task import CQL


def cql(
    model: nn.Module, target: TargetSpec, config: CQLConfig, *, input: InputSpec, monitor: str | None = None
) -> CQL | CQLOfNumbers:
    """The task. Raises: ConfigError, as either"""
    kind = CQL if target.kind == "logged-action" else CQLOfNumbers
    return kind(model, target, config, input=input, monitor=monitor)
