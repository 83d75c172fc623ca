"""The density of a mixture of Gaussians whose means, covariances and weights are learned by gradient."""

import math

import torch
from torch import Tensor, nn

# B rows, K Gaussians, D numbers


class GaussianMixture(nn.Module):
    """K Gaussians with full covariances: by the lower triangle that turns each into standard normal numbers."""

    def __init__(self, components: int, numbers: int) -> None:
        """All begin as the standard normal distribution."""
        super().__init__()
        self.means = nn.Parameter(torch.zeros(components, numbers))
        self.log_scale = nn.Parameter(torch.zeros(components, numbers))  # of the diagonal
        self.below = nn.Parameter(torch.zeros(components, numbers, numbers))
        self.weights = nn.Parameter(torch.zeros(components))  # before softmax

    def begin_at(self, rows: Tensor) -> None:
        """Put the means at some of the rows (N, D), evenly over all, each Gaussian so small that all cover as much as one."""
        components, numbers = self.means.shape
        chosen = rows[torch.arange(components, device=rows.device) * len(rows) // components]
        with torch.no_grad():
            self.means.copy_(chosen)
            self.log_scale.fill_(math.log(components) / numbers)

    def log_density(self, values: Tensor) -> Tensor:
        """(B, D) -> (B,)."""
        apart = values[:, None] - self.means
        normal = torch.einsum("kij,bkj->bki", self._whitening(), apart)
        each = self.log_scale.sum(1) - 0.5 * (normal.square() + math.log(2 * math.pi)).sum(2)
        return (each + self.weights.log_softmax(0)).logsumexp(1)

    def draw(self, normal: Tensor, share: Tensor) -> Tensor:
        """Standard normal numbers (B, D), and a number of 0..1 each (B,) that chooses the Gaussian -> (B, D)."""
        edges = self.weights.softmax(0).cumsum(0)
        chosen = torch.searchsorted(edges[:-1].contiguous(), share)
        whitening = self._whitening()[chosen]
        return torch.linalg.solve_triangular(whitening, normal[..., None], upper=False)[..., 0] + self.means[chosen]

    def _whitening(self) -> Tensor:
        """(K, D, D)."""
        return self.below.tril(-1) + torch.diag_embed(self.log_scale.exp())
