"""Layers whose largest singular value is held at 1."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, nn.Embedding)
FIRST = 15  # iterations at the beginning, as torch.nn.utils.parametrizations.spectral_norm takes


class SpectralNorm(nn.Module):
    """Divides a weight by its largest singular value, as a power iteration knows it: one more step at each use in training.

    Only the left vector is kept. The right one is found from it and the weight, so that an average over steps of weight and
    vector (`sonde.optim.ema`) is normalised as well as either is.
    Source: Miyato et al. 2018, arXiv:1802.05957, algorithm 1
    """

    left: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        # the sum of the columns' directions is drawn from nothing: the global random stream is left alone
        drawn = torch.Generator().manual_seed(matrix.shape[0])
        start = torch.randn(matrix.shape[0], generator=drawn).to(matrix)
        for _ in range(FIRST):
            start = F.normalize(matrix @ F.normalize(matrix.T @ start, dim=0), dim=0)
        self.register_buffer("left", start)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight over its largest singular value, the gradient through both."""
        matrix = weight.flatten(1)
        with torch.no_grad():
            right = F.normalize(matrix.T @ self.left, dim=0)
            left = F.normalize(matrix @ right, dim=0)
            if self.training:
                self.left.copy_(left)
        return weight / torch.dot(left, matrix @ right)


def spectrally_normalised(module: nn.Module) -> nn.Module:
    """The module itself, with every linear layer, convolution and table of vectors in it normalised."""
    for part in list(module.modules()):
        if isinstance(part, LAYERS):
            parametrize.register_parametrization(part, "weight", SpectralNorm(part.weight))
    return module
