"""Activation functions by name."""

from typing import Literal

from torch import nn

Activation = Literal["relu", "leaky-relu", "gelu", "silu", "sigmoid", "tanh", "softmax"]


def activation(name: Activation) -> nn.Module:
    """The element-wise function called `name`; softmax is over the units (dimension 1) and so not element-wise."""
    match name:
        case "relu":
            return nn.ReLU()
        case "leaky-relu":
            return nn.LeakyReLU(0.01)
        case "gelu":
            return nn.GELU()
        case "silu":
            return nn.SiLU()
        case "sigmoid":
            return nn.Sigmoid()
        case "tanh":
            return nn.Tanh()
        case "softmax":
            return nn.Softmax(dim=1)
