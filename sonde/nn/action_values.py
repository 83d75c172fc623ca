"""What each of several actions will return: its mean, quantiles of it, or how likely it is each of several returns."""

from torch import Tensor, nn

from sonde.nn.full_precision import FullLinear
from sonde.nn.pixels import as_shares


class ActionValues(nn.Module):
    """Features of observations to (n, actions, outputs): one value, quantiles, or logits of the atoms of `support`.

    With dueling heads Q = V + A - mean A: Wang et al. 2016, arXiv:1511.06581, equation 9.
    features: how many the torso gives;  support: (outputs,) returns that the outputs are logits of; None for values
    """

    support: Tensor | None

    def __init__(
        self,
        torso: nn.Module,
        features: int,
        actions: int,
        *,
        outputs: int,
        dueling: bool,
        support: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.torso, self.actions, self.outputs = torso, actions, outputs
        self.advantage = FullLinear(features, actions * outputs)
        self.value = FullLinear(features, outputs) if dueling else None
        self.register_buffer("support", support, persistent=False)

    def forward(self, seen: Tensor) -> Tensor:
        """(n, *shape) -> (n, actions, outputs). Pixels may be bytes."""
        features = self.torso(as_shares(seen))
        found = self.advantage(features).view(-1, self.actions, self.outputs)
        if self.value is None:
            return found
        return self.value(features)[:, None] + found - found.mean(1, keepdim=True)

    def means(self, found: Tensor) -> Tensor:
        """(n, actions, outputs) -> (n, actions) expected returns."""
        if self.support is None:
            return found.mean(-1)
        return found.softmax(-1) @ self.support

    def values(self, seen: Tensor) -> Tensor:
        """(n, *shape) -> (n, actions) expected returns."""
        return self.means(self(seen))
