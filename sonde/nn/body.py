"""The network below the heads of a task that acts: how many features it gives, and how it reads an action beside what it sees.

Sonde's own say both of themselves (`features`, `reading`). Anybody else's is a module (n, *shape) -> (n, features), which is run
once to see what it gives.
"""

import copy
from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, first_line
from sonde.nn.pixels import as_shares

PROBE_ROWS = 2  # one row alone would hide a network that mixes up rows and features
OURS = "sonde."


def is_own(body: nn.Module) -> bool:
    """Whether it is somebody's own, whose weights are left as they came."""
    return not type(body).__module__.startswith(OURS)


def features_of(body: nn.Module, input: InputSpec) -> int:
    """How many features a body gives for an observation.

    Raises: ConfigError for one that fails, that returns anything but one tensor (n, features), or that says of itself another
            number than it gives
    """
    said: Any = getattr(body, "features", None)
    if not is_own(body):
        return int(said)
    name, shape = type(body).__name__, (PROBE_ROWS, *input.shape)
    found = tried(body, name, shape)
    if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != PROBE_ROWS or not found.shape[1]:
        raise ConfigError(
            f"{name} gave {words_of(found)} for observations of shape {shape}; a network that acts returns features, one "
            "tensor (n, features), on which the task puts its own heads for actions and values: return what those layers read"
        )
    if not found.is_floating_point():
        raise ConfigError(
            f"{name} gave features of {str(found.dtype).removeprefix('torch.')}; return floating-point numbers"
        )
    number = found.shape[1]
    if isinstance(said, int) and said != number:
        raise ConfigError(f"{name} says features = {said}, and gives {number} for an observation; mend one of them")
    return number


def reading(body: nn.Module, beside: int, input: InputSpec) -> nn.Module:
    """A network that reads so many numbers beside an observation, and gives as many features. Raises: ConfigError, as above"""
    own: Any = getattr(body, "reading", None)
    if callable(own):
        return cast(nn.Module, own(beside))
    return Beside(body, features_of(body, input), beside)


class Beside(nn.Module):
    """A copy of a body, with the weights that it has, whose features a layer reads together with numbers beside them.

    features: of the body, and as many come out
    """

    def __init__(self, body: nn.Module, features: int, beside: int) -> None:
        super().__init__()
        self.body = copy.deepcopy(body)
        self.layer = nn.Linear(features + beside, features)
        self.features = features

    def forward(self, input: Tensor, beside: Tensor) -> Tensor:
        """(B, *shape), pixels as bytes or from 0 to 1, (B, beside) -> (B, features)."""
        return F.relu(self.layer(torch.cat([self.body(as_shares(input)), beside], 1)))


def tried(body: nn.Module, name: str, shape: Sequence[int]) -> Any:
    """What it answers to observations of zeros, in evaluation mode; random streams and modes stay as they are.

    Raises: ConfigError where it fails
    """
    device = next((each.device for each in (*body.parameters(), *body.buffers())), torch.device("cpu"))
    modes = [(module, module.training) for module in body.modules()]
    body.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            return body(torch.zeros(*shape, device=device))
    except Exception as error:  # any fault of the user's code, which --debug shows whole
        raise ConfigError(
            f"{name} failed on observations of shape {tuple(shape)}: {type(error).__name__}: {first_line(error)}; a network that "
            "acts takes (n, …) of them and returns features, one tensor (n, features)"
        ) from error
    finally:
        for module, training in modes:
            module.training = training


def words_of(found: Any) -> str:
    """What a network gave, with the shapes of its tensors."""
    if isinstance(found, Tensor):
        return f"a tensor {tuple(found.shape)}"
    if isinstance(found, tuple | list) and found and all(isinstance(each, Tensor) for each in found):
        return f"a {type(found).__name__} of tensors {', '.join(str(tuple(each.shape)) for each in found)}"
    return f"a {type(found).__name__}"
