"""The vector by which a network is told how noisy its input is, and of which class it should be."""

import math

import torch
from torch import Tensor, nn

LONGEST = 10_000  # period of the slowest features
TIMES = 1_000  # what a time of 0..1 is multiplied by: the steps of arXiv:2006.11239
FEATURES = 64
CONDITION = 128  # numbers of the condition that Sonde's networks take


class TimeCondition(nn.Module):
    """(B,) times in 0..1 and (B,) classes -> (B, width).

    The time as sines and cosines of periods from 2π to 10,000 · 2π, through two layers; to it a vector for each class is added,
    and one for "no class", which training on no class in some rows teaches (classifier-free guidance).
    Source: Ho, Jain and Abbeel 2020, arXiv:2006.11239, appendix B; Ho and Salimans 2022, arXiv:2207.12598
    """

    frequencies: Tensor

    def __init__(self, width: int, classes: int) -> None:
        """classes: 0 where inputs have none"""
        super().__init__()
        self.classes = classes
        steps = torch.arange(FEATURES // 2) / (FEATURES // 2)
        self.register_buffer("frequencies", torch.exp(-math.log(LONGEST) * steps), persistent=False)
        self.body = nn.Sequential(nn.Linear(FEATURES, width), nn.SiLU(), nn.Linear(width, width))
        self.vectors = nn.Embedding(classes + 1, width) if classes else None

    def forward(self, time: Tensor, label: Tensor | None = None) -> Tensor:
        """label: number of each row's class, `classes` for none; None for none in all rows"""
        angles = TIMES * time.float()[:, None] * self.frequencies
        vector = self.body(torch.cat([angles.sin(), angles.cos()], 1))
        if self.vectors is None:
            return vector
        if label is None:
            label = time.new_full((len(time),), self.classes, dtype=torch.int64)
        return vector + self.vectors(label)
