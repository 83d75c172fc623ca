"""How weights start."""

import math
from typing import Literal

from torch import nn

from sonde.nn.activations import Activation

Scheme = Literal["he", "xavier", "orthogonal", "truncated-normal", "torch"]


def default_scheme(activation: Activation) -> Scheme:
    """He's for functions that pass about half of a centred input, Xavier's for those that saturate."""
    return "xavier" if activation in ("sigmoid", "tanh", "softmax") else "he"


# 1 / sqrt(E[f(z)^2]) of a standard normal z: what keeps the mean square through a layer. He et al. derive it for ReLU
# (arXiv:1502.01852, equation 10); with ReLU's value, twenty layers of SiLU shrink the signal two hundredfold.
_GAINS: dict[Activation, float] = {
    "relu": math.sqrt(2),
    "leaky-relu": math.sqrt(2 / (1 + 0.01**2)),
    "gelu": 1.5335304,
    "silu": 1.6765324,
}


def gain(activation: Activation | None) -> float:
    """The factor on weights of unit variance that lets the mean square pass a layer with this activation.

    1 for functions that saturate, as Glorot and Bengio 2010 have it, and for None, a linear output.
    """
    return _GAINS.get(activation, 1.0) if activation else 1.0


def initialise(layer: nn.Linear, scheme: Scheme, *, activation: Activation | None) -> None:
    """Draw the weights of a dense layer that `activation` follows (None for the output), and set its bias to zero.

    he: normal, std gain / sqrt(fan_in) (He et al. 2015, arXiv:1502.01852)
    xavier: uniform, bound gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)
    orthogonal: a random rotation times the gain (Saxe et al. 2013, arXiv:1312.6120)
    truncated-normal: std 0.02, cut at two std, as in vision transformers
    torch: PyTorch's own draw, its bias included, left as it is
    """
    match scheme:
        case "torch":
            return
        case "he":
            nn.init.normal_(layer.weight, std=gain(activation) / math.sqrt(layer.in_features))
        case "xavier":
            nn.init.xavier_uniform_(layer.weight, gain=gain(activation))
        case "orthogonal":
            nn.init.orthogonal_(layer.weight, gain=gain(activation))
        case "truncated-normal":
            nn.init.trunc_normal_(layer.weight, std=0.02, a=-0.04, b=0.04)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def initialise_convolutions(
    model: nn.Module, *, mode: Literal["fan_in", "fan_out"] = "fan_out", linear_std: float | None = None
) -> None:
    """Draw a network's convolutions by He's normal draw before a ReLU, and set their biases to zero.

    mode:       fan_out keeps the size of gradients, as torchvision has it; fan_in that of values
    linear_std: draw dense layers too, normal with this deviation, and set their biases to zero; None leaves them
    Source: He et al. 2015, arXiv:1502.01852, section 2.2
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
        elif linear_std is not None and isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=linear_std)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
