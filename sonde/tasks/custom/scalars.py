"""What a loss or a metric returned, as one number."""

from typing import Any

import torch
from torch import Tensor

from sonde.core.errors import ConfigError


def scalar(name: str, value: Any) -> Tensor:
    """What a metric returned. Raises: ConfigError where that is no single number"""
    if isinstance(value, Tensor):
        if value.numel() != 1:
            what = f"a tensor of shape {tuple(value.shape)}"
            raise ConfigError(f"metric {name!r} is {what}; it must be a scalar, the mean over the rows")
        if value.is_complex():
            what = "the loss" if name == "loss" else f"metric {name!r}"
            raise ConfigError(f"{what} is complex; it must be real, such as its .abs() or .real")
        return value
    try:
        number = torch.as_tensor(value, dtype=torch.float64 if isinstance(value, float) else None)  # all its digits
    except (TypeError, ValueError, RuntimeError):
        what = "None" if value is None else f"a {type(value).__name__}"
        raise ConfigError(f"metric {name!r} is {what}; it must be a scalar, the mean over the rows") from None
    if number.numel() != 1:
        raise ConfigError(f"metric {name!r} is a {type(value).__name__}; it must be a scalar, the mean over the rows")
    return number
