"""Networks without their head: feature extractors."""

from torch import Tensor, nn

from sonde.core.errors import ConfigError
from sonde.nn.auxiliary import WithAuxiliary


def remove_head(model: nn.Module) -> int:
    """Put an identity in place of the last linear layer that `model` defines; returns how many numbers reach it.

    All other names stay, so the weights load by name into the same network with a head.
    Raises: ConfigError when what a network defines last is no linear layer inside it
    """
    learning = [
        (name, module) for name, module in model.named_modules() if any(True for _ in module.parameters(recurse=False))
    ]
    name, head = learning[-1] if learning else ("", model)
    if not isinstance(head, nn.Linear) or not name:
        raise ConfigError(
            f"self-supervised tasks remove a network's last linear layer, and {type(model).__name__} ends in "
            f"{type(head).__name__}; choose another --model"
        )
    above, _, own = name.rpartition(".")
    setattr(model.get_submodule(above), own, nn.Identity())
    return head.in_features


def features(model: nn.Module, input: Tensor) -> Tensor:
    """The output of a network without its head: (B, D). Auxiliary heads, which are used in training, are left out."""
    output = model(input)
    return output.main if isinstance(output, WithAuxiliary) else output
