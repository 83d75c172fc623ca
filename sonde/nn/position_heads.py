"""What stands on somebody's own network for positions of a game: heads for moves and for how games end."""

from typing import cast

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.nn.body import PROBE_ROWS, features_of, is_own, tried, words_of

ENDS = 3  # logits of a win, a draw and a loss of the side to move
WANTED = "features, one tensor (n, features), or a tuple of logits of moves (n, {moves}) and of a win, a draw and a loss (n, 3)"


def answers_itself(model: nn.Module, input: InputSpec, moves: int) -> bool:
    """Whether somebody's own network has heads of its own: it gives a tuple of logits of moves, and of how games end.

    Raises: ConfigError for a tuple of anything else, and for one that fails
    """
    name, shape = type(model).__name__, (PROBE_ROWS, *input.shape)
    found = tried(model, name, shape)
    if not isinstance(found, tuple | list):
        return False
    wanted = [(PROBE_ROWS, moves), (PROBE_ROWS, ENDS)]
    fits = all(isinstance(each, Tensor) and each.is_floating_point() for each in found)
    if not fits or [tuple(each.shape) for each in found] != wanted:
        raise ConfigError(
            f"{name} gave {words_of(found)} for positions of shape {shape}; return {WANTED.format(moves=moves)}: the value is "
            "learned as the likelihood of each end, not as one number"
        )
    return True


def answering(model: nn.Module, input: InputSpec, moves: int) -> nn.Module:
    """A network (n, *shape) -> (n, moves + 3): ours as it is, somebody's own with heads on its features where it has none.

    Raises: ConfigError for one that gives neither features nor a tuple of both answers
    """
    if not is_own(model):
        return model
    return Joined(model) if answers_itself(model, input, moves) else Headed(model, features_of(model, input), moves)


class Headed(nn.Module):
    """Two layers side by side on the features of a body."""

    def __init__(self, body: nn.Module, features: int, moves: int) -> None:
        super().__init__()
        self.body = body
        self.policy, self.ends = nn.Linear(features, moves), nn.Linear(features, ENDS)

    def forward(self, input: Tensor) -> Tensor:
        """(n, *shape) -> (n, moves + 3)."""
        features = self.body(input)
        return torch.cat([self.policy(features), self.ends(features)], 1)


class Joined(nn.Module):
    """A body's own two answers, side by side."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, input: Tensor) -> Tensor:
        """(n, *shape) -> (n, moves + 3)."""
        return torch.cat(list(cast(tuple[Tensor, Tensor], self.body(input))), 1)
