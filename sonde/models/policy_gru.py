"""Features of observations and of what was seen before in the episode: layers, and a GRU that carries a memory on."""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError

# n observations, T steps, M width of the memory


@dataclass(frozen=True, kw_only=True)
class PolicyGRUConfig:
    """Settings of the recurrent network below a policy or a value."""

    hidden: tuple[int, ...] = (64,)
    """Units of each hidden layer."""
    width: int = 64
    """Numbers that are remembered from one step to the next."""

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ConfigError(f"--hidden takes at least one layer of at least 1 unit, got {self.hidden}")
        if self.width < 1:
            raise ConfigError(f"--width must be at least 1, got {self.width}")


class PolicyGRU(nn.Module):
    """Observations to features, through layers of tanh and a gated recurrent unit (Cho et al. 2014, arXiv:1406.1078).

    features: how many;  remembers: numbers of a memory, which is zeros where an episode begins
    """

    def __init__(self, input: InputSpec, out_dim: int, config: PolicyGRUConfig) -> None:
        """out_dim: not used, as heads belong to the task"""
        super().__init__()
        sizes = (prod(input.shape), *config.hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))
        self.gru = nn.GRU(sizes[-1], config.width, batch_first=True)
        self.features = self.remembers = config.width

    def forward(self, input: Tensor) -> Tensor:
        """(n, *shape) of episodes that begin -> (n, M)."""
        return self.step(input, input.new_zeros(len(input), self.remembers))[0]

    def step(self, input: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape), (n, M) -> features (n, M), and what is remembered then, which is the same."""
        found = self.gru(self._encoded(input, 1)[:, None], memory[None].contiguous())[0][:, 0]
        return found, found

    def through(self, input: Tensor, memory: Tensor, began: Tensor) -> Tensor:
        """(n, T, *shape), (n, M) before the first step, (n, T) bool where an episode began -> (n, T, M).

        The steps are cut into pieces where episodes begin, and all pieces go through the GRU side by side.
        """
        count, steps = began.shape
        starts = began.clone()
        starts[:, 0] = True
        first = starts.flatten().nonzero()[:, 0]
        lengths = torch.diff(first, append=first.new_tensor([count * steps])).tolist()
        pieces = pad_sequence(list(self._encoded(input, 2).flatten(0, 1).split(lengths)), batch_first=True)
        carried = torch.where(began[:, :1], 0.0, memory)
        begins = carried.new_zeros(len(lengths), self.remembers).index_copy(
            0, starts.flatten().cumsum(0)[::steps] - 1, carried
        )
        found = self.gru(pieces, begins[None])[0]
        return torch.cat([row[:length] for row, length in zip(found, lengths, strict=True)]).unflatten(
            0, (count, steps)
        )

    def _encoded(self, input: Tensor, before: int) -> Tensor:
        hidden = input.flatten(before)
        for layer in self.layers:
            hidden = torch.tanh(layer(hidden))
        return hidden
