"""Two estimates of what an action will return, the lower of which counts, so that none is believed for its luck."""

import copy

import torch
from torch import Tensor, nn


class TwinCritics(nn.Module):
    """Observations and actions to two values. Source: Fujimoto et al. 2018, arXiv:1802.09477, section 4.2

    torso: called with observations and actions;  features: how many it gives
    """

    def __init__(self, torso: nn.Module, other: nn.Module, features: int) -> None:
        super().__init__()
        self.torsos = nn.ModuleList([torso, other])
        self.heads = nn.ModuleList(nn.Linear(features, 1) for _ in range(2))

    def forward(self, seen: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape), (n, d) -> two of (n,)."""
        first, second = (head(torso(seen, action))[:, 0] for torso, head in zip(self.torsos, self.heads, strict=True))
        return first, second

    def lower(self, seen: Tensor, action: Tensor) -> Tensor:
        """(n,) the lower of both."""
        return torch.minimum(*self(seen, action))


def following(network: nn.Module) -> nn.Module:
    """A copy that is not trained, and follows by `follow`."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(target: nn.Module, network: nn.Module, share: float) -> None:
    """Move the target's parameters so far towards the network's: 1 makes them equal."""
    pairs = zip(target.parameters(), network.parameters(), strict=True)
    ours, theirs = map(list, zip(*pairs, strict=True))
    torch._foreach_lerp_(ours, theirs, share)
