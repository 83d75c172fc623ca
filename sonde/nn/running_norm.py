"""Scaling by a mean and a variance that are learned as experience comes in."""

import torch
from torch import Tensor, nn

MOST = (
    2.0**23
)  # that are counted: of float32, counts from 2^24 on would stand still, and the variance then grow without end
LARGEST = 10.0  # of a scaled number: what lies further out is cut off, as in Huang et al. 2022, detail 14


class RunningNorm(nn.Module):
    """(x - mean) / std by number, of all that `observe` was shown; before that, x as it is. Its statistics are buffers."""

    mean: Tensor
    variance: Tensor
    count: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.ones(shape))
        self.register_buffer("count", torch.zeros(()))

    @torch.no_grad()
    def observe(self, seen: Tensor) -> None:
        """Take (N, *shape) into the statistics (Chan et al. 1979, equation 2.1)."""
        count, mean, variance = len(seen), seen.mean(0), seen.var(0, unbiased=False)
        total = self.count + count
        apart = mean - self.mean
        squares = self.variance * self.count + variance * count + apart.square() * self.count * count / total
        self.mean += apart * count / total
        self.variance.copy_(squares / total)
        self.count.copy_(total.clamp(max=MOST))

    def forward(self, seen: Tensor) -> Tensor:
        """(N, *shape) -> the same, scaled."""
        return ((seen - self.mean) / (self.variance + 1e-8).sqrt()).clamp(-LARGEST, LARGEST)
