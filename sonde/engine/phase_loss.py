"""What a phase's loss function returned, checked: a mistake there is one line."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sonde.core.errors import ConfigError
from sonde.core.seams import Loss, Phase, as_loss, named_parts


def checked_loss(phase: Phase, found: Any, rows: int) -> Loss:
    """What a phase's loss returned for `rows` rows, as a `Loss`. Raises: ConfigError where no gradient can be computed of it"""
    loss = found if isinstance(found, Loss) else as_loss(found, rows)
    if not isinstance(loss, Loss):
        raise ConfigError(
            f"phase {phase.name!r}: the loss is {_kind(loss)}; it must be a scalar tensor, the mean over the rows, or a "
            'sonde.Loss, or a dict with "loss"'
        )
    if not isinstance(loss.value, Tensor) or loss.value.numel() != 1:
        raise ConfigError(
            f"phase {phase.name!r}: the loss is {_kind(loss.value)}; it must be a scalar tensor, the mean over the rows"
        )
    if loss.value.is_complex():
        raise ConfigError(
            f"phase {phase.name!r}: the loss is complex; it must be real, such as its .abs() or .real, to be minimised"
        )
    if not loss.value.requires_grad:
        raise ConfigError(
            f"phase {phase.name!r}: the loss has no gradient; compute it from the network's output by differentiable functions "
            "(argmax, comparisons, .item() and .detach() are not)"
        )
    return loss if not loss.parts or isinstance(found, Mapping) else loss._replace(parts=named_parts(loss.parts))


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return f"a dict of {', '.join(map(repr, value)) or 'nothing'}"
    return "None" if value is None else f"a {type(value).__name__}"
