"""Which of torch's functions a forward pass calls for what: layers, activations and losses."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

ZEROED = "zeroed below a limit"  # whose units can stay silent
BOUNDED = "bounded"  # whose units can be stuck at their limits
SMOOTH = "smooth"

ACTIVATIONS: dict[Callable[..., Any], tuple[str, str]] = {
    function: (name, kind)
    for name, kind, functions in (
        ("relu", ZEROED, (F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, F.relu6)),
        ("tanh", BOUNDED, (F.tanh, torch.tanh, torch.tanh_, Tensor.tanh, Tensor.tanh_)),
        ("sigmoid", BOUNDED, (F.sigmoid, torch.sigmoid, torch.sigmoid_, Tensor.sigmoid, Tensor.sigmoid_)),
        ("leaky_relu", SMOOTH, (F.leaky_relu, F.leaky_relu_)),
        ("gelu", SMOOTH, (F.gelu,)),
        ("silu", SMOOTH, (F.silu,)),
        ("elu", SMOOTH, (F.elu, F.elu_, F.selu, torch.selu, F.celu, torch.celu)),
        ("softplus", SMOOTH, (F.softplus,)),
        ("mish", SMOOTH, (F.mish,)),
        ("hardswish", SMOOTH, (F.hardswish,)),
        ("hardtanh", BOUNDED, (F.hardtanh, F.hardtanh_, F.hardsigmoid)),
        ("prelu", SMOOTH, (F.prelu, torch.prelu)),
    )
    for function in functions
}

CHANNELS_SECOND = (
    F.conv1d,
    F.conv2d,
    F.conv3d,
    F.conv_transpose1d,
    F.conv_transpose2d,
    F.conv_transpose3d,
    F.batch_norm,
    F.group_norm,
    F.instance_norm,
)  # their units are along axis 1, those of other layers along the last
NORMALISED = (F.batch_norm, F.layer_norm, F.group_norm, F.instance_norm, F.rms_norm)

CLASSES, LOG_CLASSES, LOGITS, PROBABILITIES, VALUES = "classes", "log classes", "logits", "probabilities", "values"
LOSSES: dict[Callable[..., Any], str] = {
    F.cross_entropy: CLASSES,
    F.nll_loss: LOG_CLASSES,
    F.binary_cross_entropy_with_logits: LOGITS,
    F.binary_cross_entropy: PROBABILITIES,
    F.mse_loss: VALUES,
    F.l1_loss: VALUES,
    F.smooth_l1_loss: VALUES,
    F.huber_loss: VALUES,
}
