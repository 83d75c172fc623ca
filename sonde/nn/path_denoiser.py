"""A network that takes noise away from paths of a series, and sees what went before them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.nn.attention import SelfAttention
from sonde.nn.modulated_block import ModulatedBlock
from sonde.nn.time_condition import TimeCondition

HEADS = 4
SPEED = 10.0  # so much faster than other parameters the logarithm of a scale moves: it is one number that all windows agree on

# B windows, M paths of each, L look-back, H horizon, V variables, K numbers known of a step, D width


class PathDenoiser(nn.Module):
    """Each variable's horizon is a token; tokens of the variables of one path look at one another, so that paths go together.

    Source: after Tashiro et al. 2021, CSDI, arXiv:2107.03502 (attention over variables, the past as a condition), with a whole
    horizon a token as in Liu et al. 2023, iTransformer, arXiv:2310.06625
    """

    def __init__(
        self, *, look_back: int, horizon: int, variables: int, known: int = 0, width: int = 128, layers: int = 3
    ) -> None:
        """known: numbers known of every step in advance"""
        super().__init__()
        self.time = TimeCondition(width, 0)
        self.past = nn.Sequential(
            nn.Linear(look_back + horizon + 2, width), nn.SiLU(), nn.Linear(width, width), nn.LayerNorm(width)
        )
        self.variable = nn.Parameter(torch.zeros(variables, width))
        self.ahead = nn.Linear(known * horizon, width) if known else None
        self.stem = nn.Linear(horizon, width)
        self.blocks = nn.ModuleList(ModulatedBlock(width, width) for _ in range(layers))
        mixed = layers if variables > 1 else 0
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(mixed))
        self.mixers = nn.ModuleList(SelfAttention(width, HEADS) for _ in range(mixed))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, horizon)
        nn.init.zeros_(self.head.weight)  # begins by answering 0
        nn.init.zeros_(self.head.bias)

    def code(self, past: Tensor, middle: Tensor, unit: Tensor, covariates: Tensor | None = None) -> Tensor:
        """What is known of a window, once for all of its paths: (B, V, D).

        past: (B, L, V);  middle: (B, H, V), the forecast;  unit: (B, 1, V), the window's deviation;  covariates: (B, H, K)
        """
        last = past[:, -1:]
        seen = torch.cat([(past - last) / unit, (middle - last) / unit, last, unit.log()], 1)
        code = self.past(seen.transpose(1, 2)) + self.variable
        if self.ahead is not None:
            assert covariates is not None
            code = code + self.ahead(covariates.flatten(1))[:, None]
        return code

    def forward(self, noisy: Tensor, time: Tensor, code: Tensor) -> Tensor:
        """(B, M, H, V), times in 0..1 (B, M) or, the same for all paths, (B, 1), and `code` -> (B, M, H, V)."""
        rows, paths = noisy.shape[:2]
        condition = F.silu(self.time(time.flatten()).view(*time.shape, 1, -1) + code[:, None])  # (B, M or 1, V, D)
        hidden = self.stem(noisy.transpose(2, 3))  # (B, M, V, D)
        for place, block in enumerate(self.blocks):
            hidden = block(hidden, condition)
            if self.mixers:
                mixed = self.mixers[place](self.norms[place](hidden).flatten(0, 1))
                hidden = hidden + mixed.unflatten(0, (rows, paths))
        return self.head(self.norm(hidden)).transpose(2, 3)


class ResidualScale(nn.Module):
    """How large what a forecast leaves over usually is, in deviations of its window, by step and variable: (H, V)."""

    def __init__(self, horizon: int, variables: int) -> None:
        super().__init__()
        self.logarithm = nn.Parameter(torch.zeros(horizon, variables))

    def forward(self) -> Tensor:
        """(H, V)."""
        return (SPEED * self.logarithm).exp()

    def likelihood(self, residual: Tensor) -> Tensor:
        """What is least where the scale is right, the negative logarithm of a normal density: (B, H, V) -> (B, H, V)."""
        scale = self()
        return scale.log() + (residual / scale).square() / 2
