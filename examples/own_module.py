"""A custom network: an RNN over the rows of each digit's pixels, with a plain loss function."""

from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import sonde


class LineReader(nn.Module):
    """A GRU over the eight rows of an image, from top to bottom, and a linear classifier."""

    def __init__(self, hidden_dim: int = 64) -> None:
        super().__init__()
        self.reader = nn.GRU(8, hidden_dim, batch_first=True)
        self.head = nn.Linear(hidden_dim, 10)

    def forward(self, lines: Tensor) -> Tensor:
        """(B, 8, 8) -> logits (B, 10)."""
        return self.head(self.reader(lines)[1][-1])


def accuracy(logits: Tensor, target: Tensor) -> Tensor:
    """Share of rows whose largest logit is the target's."""
    return (logits.argmax(1) == target).float().mean()


torch.manual_seed(0)
digits: Any = load_digits()
x, y = torch.tensor(digits.images / 16, dtype=torch.float32), torch.tensor(digits.target)
mixed = torch.randperm(len(x))
train, held_out = mixed[:1500], mixed[1500:]
run = sonde.fit(
    LineReader(),
    (x[train], y[train]),
    validation=(x[held_out], y[held_out]),
    loss=cross_entropy,
    metrics={"accuracy": accuracy},
    epochs=15,
    lr=5e-3,
)
assert run.metrics["accuracy"] > 0.93
