"""The multi-layer perceptron: dense layers with an activation between them."""

from dataclasses import dataclass
from math import prod
from typing import Literal

from torch import nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.activations import Activation, activation
from sonde.nn.dropout import Dropout
from sonde.nn.initialise import Scheme, default_scheme, initialise

Norm = Literal["none", "batch", "layer"]


@dataclass(frozen=True, kw_only=True)
class MLPConfig:
    """Settings of the multi-layer perceptron."""

    hidden: tuple[int, ...] = (256, 128)
    """Units of each hidden layer, in order; none gives a linear model."""
    activation: Activation = "relu"
    """Activation after each hidden layer."""
    dropout: float = 0.0
    """Dropout after each hidden layer."""
    norm: Norm = "none"
    """Normalisation between a hidden layer and its activation."""
    init: Scheme | Literal["auto"] = "auto"
    """Weight initialisation; auto is he for the ReLU family, xavier for saturating activations."""

    def __post_init__(self) -> None:
        check_counts(self, "hidden")
        check_shares(self, "dropout")


def mlp(input: InputSpec, out_dim: int, config: MLPConfig) -> nn.Sequential:
    """Dense layers over all values of a row (B, …) -> (B, out_dim).

    The sequence holds no idle layers: at these sizes the fixed cost of each operation dominates.
    Source: Rumelhart, Hinton and Williams 1986, Nature 323
    """
    layers, in_dim = _entrance(input)
    scheme = default_scheme(config.activation) if config.init == "auto" else config.init
    for width in config.hidden:
        linear = nn.Linear(in_dim, width)
        initialise(linear, scheme, activation=config.activation)
        layers += [linear, *_norm(config.norm, width), activation(config.activation)]
        if config.dropout:
            layers.append(Dropout(config.dropout))
        in_dim = width
    head = nn.Linear(in_dim, out_dim)
    initialise(head, scheme, activation=None)
    return nn.Sequential(*layers, head)


def _entrance(input: InputSpec) -> tuple[list[nn.Module], int]:
    """What turns a row into one vector, and that vector's width."""
    if any(column.kind == "category" for column in input.columns):
        from sonde.nn.numeric import TableInput

        table = TableInput(input)
        return [table], table.out_dim
    return ([nn.Flatten()] if len(input.shape) > 1 else []), prod(input.shape)


def _norm(kind: Norm, width: int) -> list[nn.Module]:
    match kind:
        case "batch":
            return [nn.BatchNorm1d(width)]
        case "layer":
            return [nn.LayerNorm(width)]
        case "none":
            return []
