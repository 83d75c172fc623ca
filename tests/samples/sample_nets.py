"""Small networks of the usual kinds with rows for them, in which nothing is worth learning."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Sized(NamedTuple):
    """A network, its rows, and its loss."""

    net: nn.Module
    rows: tuple[Tensor, Tensor]
    loss: Callable[..., Tensor]


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def labels(rows: int, classes: int = 3) -> Tensor:
    return torch.arange(rows) % classes


def mlp() -> Sized:
    return Sized(
        nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 3)), (drawn(64, 20), labels(64)), F.cross_entropy
    )


def cnn() -> Sized:
    """With batch norm and dropout."""
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(36, 3)
    )  # fmt: skip
    return Sized(net, (drawn(64, 1, 8, 8), labels(64)), F.cross_entropy)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(5, 8, batch_first=True, num_layers=2, dropout=0.2), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


def lstm() -> Sized:
    return Sized(Recurrent(), (drawn(64, 6, 5), labels(64)), F.cross_entropy)


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 11)
        self.head.weight = self.embedding.weight  # tied

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.encoder(self.embedding(tokens)))


def next_token(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output.flatten(0, 1), target.flatten())


def transformer() -> Sized:
    tokens = labels(64 * 8, 11).view(64, 8)
    return Sized(Reader(), (tokens, tokens.roll(1, 1)), next_token)


ALL: dict[str, Callable[[], Sized]] = {"mlp": mlp, "cnn": cnn, "lstm": lstm, "transformer": transformer}
USUAL: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "epochs": 3,
    "batch_size": 16,
    "lr": 1e-2,
    "log_every": 1,
    "seed": 3,
}
