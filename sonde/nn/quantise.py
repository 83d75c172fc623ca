"""Vectors replaced by the nearest of finitely many: a codebook learned by averages, and rounding to a grid."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

AT_ONCE = 16_384  # vectors compared with the codebook at a time

# N vectors, D numbers of each, K codes


class Codebook(nn.Module):
    """Each vector becomes the nearest code; each code follows the mean of the vectors that chose it.

    In training mode `forward` adds up which code was chosen by what, and `update` moves the codes once: pieces of a batch move
    them as the whole would. With decay 0 an update is a step of k-means. Counts begin at 0, so that the first update takes
    codes from the data.
    Source: van den Oord et al. 2017, arXiv:1711.00937, appendix A.1; restarts: Dhariwal et al. 2020 (Jukebox),
    arXiv:2005.00341, section 3.1
    """

    def __init__(self, codes: int, width: int, *, decay: float, restart: float) -> None:
        """restart: a code that is chosen less than this share as often as the mean code starts anew from a vector; 0: never"""
        super().__init__()
        self.size, self.width, self.decay, self.restart = codes, width, decay, restart
        self.register_buffer("codes", torch.randn(codes, width))
        self.register_buffer("count", torch.zeros(codes))  # averaged choices per update
        self.register_buffer("total", torch.zeros(codes, width))  # averaged sum of what chose each
        self.codes: Tensor
        self.count: Tensor
        self.total: Tensor
        self._coming: list[tuple[Tensor, Tensor]] = []

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """(N, D) -> the nearest codes (N, D), and their numbers (N,)."""
        with torch.no_grad():
            chosen = self.nearest(input)
            if self.training and input.requires_grad:
                self._coming.append((input.detach().float(), chosen))
        return self.codes[chosen], chosen

    def nearest(self, input: Tensor) -> Tensor:
        """(N, D) -> (N,) int64: the code with the least squared distance."""
        codes = self.codes
        half = codes.square().sum(1) / 2
        return torch.cat(
            [torch.addmm(half, part.float(), codes.T, alpha=-1).argmin(1) for part in input.split(AT_ONCE)]
        )

    def nearest_codes(self, near: Tensor) -> Tensor:
        """Anything (N, D) -> the nearest codes (N, D)."""
        return self.codes[self.nearest(near)]

    @torch.no_grad()
    def update(self) -> None:
        """Move the codes toward what has chosen them since the last update."""
        if not self._coming:
            return
        vectors = torch.cat([vectors for vectors, _ in self._coming])
        chosen = torch.cat([chosen for _, chosen in self._coming])
        self._coming = []
        count = torch.zeros_like(self.count).index_add_(0, chosen, torch.ones_like(vectors[:, 0]))
        total = torch.zeros_like(self.total).index_add_(0, chosen, vectors)
        self.count.lerp_(count, 1 - self.decay)
        self.total.lerp_(total, 1 - self.decay)
        known = self.count > 0
        self.codes.copy_(torch.where(known[:, None], self.total / self.count.clamp(min=1e-12)[:, None], self.codes))
        if self.restart:
            self._restart(vectors)

    def forget(self) -> None:
        """Drop what was added up: the step that it came from is not taken."""
        self._coming = []

    def _restart(self, vectors: Tensor) -> None:
        """Codes that are hardly chosen become vectors of this update, drawn from torch's own stream."""
        least = self.restart * len(vectors) / self.size
        rare = (self.count < least).nonzero()[:, 0]
        # drawn whether or not a code is rare, so that what else is drawn does not depend on it
        drawn = torch.randint(len(vectors), (self.size,)).to(vectors.device)[rare]
        self.codes[rare] = vectors[drawn]
        self.count[rare] = least
        self.total[rare] = vectors[drawn] * least


class FiniteScalars(nn.Module):
    """Each number of a vector is bounded and rounded to one of a few levels: the codebook is their grid, and nothing is learned.

    Source: Mentzer et al. 2023, Finite scalar quantization: VQ-VAE made simple, arXiv:2309.15505
    """

    def __init__(self, levels: Sequence[int]) -> None:
        """levels: of each number, at least 2"""
        super().__init__()
        self.width, self.size = len(levels), prod(levels)
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        places = [prod(levels[:place]) for place in range(len(levels))]
        self.register_buffer("places", torch.tensor(places), persistent=False)
        self.levels: Tensor
        self.places: Tensor

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """(N, D) -> grid points (N, D) in -1..1 whose gradient is that of the bounded input, and their numbers (N,)."""
        half = (self.levels - 1) * (1 + 1e-3) / 2
        offset = torch.where(self.levels % 2 == 0, 0.5, 0.0)
        bounded = (input.float() + (offset / half).atanh()).tanh() * half - offset
        rounded = bounded + (bounded.round() - bounded).detach()
        middle = self.levels // 2
        number = ((rounded.detach().round().long() + middle) * self.places).sum(1)
        return rounded / middle, number

    def nearest_codes(self, near: Tensor) -> Tensor:
        """Anything like codes (N, D), in about -1..1 -> the nearest grid points (N, D)."""
        middle = self.levels // 2
        place = (near.float() * middle).round()
        return torch.minimum(torch.maximum(place, -middle), self.levels - 1 - middle) / middle
