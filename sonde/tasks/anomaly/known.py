"""How far rows are from the normal rows that a run knows: in a fixed description, and in what its encoder has learned."""

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.augment.warps import warped
from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.losses.contrastive import nt_xent
from sonde.tasks.anomaly.description import Description
from sonde.tasks.anomaly.neighbours import Neighbours
from sonde.tasks.reconstructing import Bottleneck
from sonde.tasks.supervised import wide

WIDE, NUMBERS = 128, 64  # hidden units of the projection, and the numbers that it gives
TEMPERATURE = 0.2  # of the contrastive loss
SHARE = 0.5  # power of the learned distance beside the fixed one
LEAST = 1e-6  # of a distance: a row that is known itself is not infinitely near

Reader = Callable[[], Iterator[Batch]]

# B rows, P parts of a row, D numbers of a description


class Known:
    """Normal training rows, described once, and embedded anew by weights that have changed since.

    The score of a row is its distance to the nearest of them, times a power of the same in the embedding where one is learned:
    the product needs no common scale. Of a row that is described in parts the part counts that is farthest.
    Source: of contrastive features for this Tack et al. 2020, CSI, arXiv:2007.08176
    """

    def __init__(self, describe: Description, net: Bottleneck, *, learned: bool) -> None:
        self.describe, self.net = describe, net
        self.projection: nn.Module | None = None
        if learned:
            hidden = nn.Linear(prod(net.code), WIDE)
            self.projection = nn.Sequential(hidden, nn.ReLU(), nn.Linear(WIDE, NUMBERS))
        self.described, self.embedded = Neighbours(), Neighbours()
        self.stale = True  # the embedding of weights that have changed since
        self._read: Reader | None = None

    def know(self, read: Reader) -> None:
        """Describe the rows that are read, which are kept for the embedding."""
        self._read = read
        self.described.keep(self.describe(batch["input"]).flatten(0, 1) for batch in read())

    def contrast(self, input: Tensor) -> Tensor:
        """(B,) how badly a row is known again among others once both were bent. Draws from torch's own stream."""
        first, second = self._embedding(torch.cat([warped(input), warped(input)])).chunk(2)
        return nt_xent(first, second, temperature=TEMPERATURE)

    def distance(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B,). Raises: ConfigError where no rows are known"""
        if not self.described:
            raise ConfigError("task anomaly knows no normal rows to compare with; train it first with `sonde train`")
        parts = self.describe(input)
        found = self.described.distance(parts.flatten(0, 1)).view(parts.shape[:2]).amax(1)
        if self.projection is None:
            return found
        if self.stale and self._read is not None:
            self.embedded.keep(self._embedding(batch["input"]) for batch in self._read())
            self.stale = False
        return found.clamp(min=LEAST) * self.embedded.distance(self._embedding(input)).clamp(min=LEAST) ** SHARE

    def state_dict(self) -> dict[str, Any]:
        """Both, and whether weights have changed since."""
        return {
            "described": self.described.state_dict(),
            "embedded": self.embedded.state_dict(),
            "stale": self.stale,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What `state_dict` gave."""
        self.described.load_state_dict(state["described"])
        self.embedded.load_state_dict(state["embedded"])
        self.stale = bool(state["stale"])

    def _embedding(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, NUMBERS) of length 1."""
        assert self.projection is not None
        code: Any = self.net.model
        return F.normalize(wide(self.projection(code.encode(input).flatten(1))), dim=1)
