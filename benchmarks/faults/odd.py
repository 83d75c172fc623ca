"""Runs that are well, though something about them is unusual: what a rule may take for a fault, and people do on purpose.

Each is a healthy problem of `problems.py` that was changed; a warning on any of them is a false alarm.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from benchmarks.faults.problems import Problem, cnn_norm, gpt, lstm, mlp, mlp_adam, mlp_sgd, regression


def _set(problem: Problem, **settings: object) -> Problem:
    problem.settings |= settings
    return problem


def one_batch(seed: int) -> Problem:
    """A single batch learned by heart, to see whether the network can: it is judged by the same rows."""
    problem = mlp_adam(seed)
    x, y = problem.train
    return replace(problem, train=(x[:64], y[:64]), validation=(x[:64], y[:64]))


def few_rows(seed: int) -> Problem:
    """50 rows, a small network and few steps."""
    problem = regression(seed)
    x, y = problem.train
    return _set(replace(problem, net=nn.Linear(8, 1), train=(x[:50], y[:50])), lr=0.02, batch_size=50, steps=200)


def one_cycle(seed: int) -> Problem:
    return _set(mlp_adam(seed), schedule="one-cycle", lr=4e-3)


def cosine(seed: int) -> Problem:
    return _set(cnn_norm(seed), schedule="cosine")


def restarts(seed: int) -> Problem:
    """The rate falls by a cosine four times."""
    return _set(mlp_sgd(seed), schedule=lambda step: 0.5 * (1 + math.cos(math.pi * (step % 100) / 100)))


def long_warmup(seed: int) -> Problem:
    return _set(gpt(seed), warmup=0.3, schedule="cosine")


def accumulated(seed: int) -> Problem:
    return _set(mlp_sgd(seed), accumulate=8)


def clipped(seed: int) -> Problem:
    """At 0.1, as an optimiser that does not care for the size of gradients bears it."""
    return _set(gpt(seed), clip=0.1)


def weighted(seed: int) -> Problem:
    """A class of a tenth of the rows of others, with weights of classes."""
    problem = mlp_adam(seed)
    x, y = problem.train
    kept = (y != 9) | (torch.arange(len(y)) % 10 == 0)
    problem.train, problem.loss = (x[kept], y[kept]), nn.CrossEntropyLoss(weight=torch.tensor([1.0] * 9 + [10.0]))
    return problem


def rare(seed: int) -> Problem:
    """Two classes, one of a twentieth of the rows, which is found."""
    problem = mlp_adam(seed)
    sets = []
    for x, y in (problem.train, problem.validation or problem.train):
        kept = (y != 0) | (torch.arange(len(y)) % 2 == 0)
        sets.append((x[kept], (y[kept] == 0).long()))
    return replace(
        problem, net=nn.Sequential(nn.Flatten(), *mlp(784, 64, 2)), train=sets[0], validation=sets[1], classes=2
    )


def brier(seed: int) -> Problem:
    """Squared error of shares and classes."""

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(output.softmax(1), F.one_hot(target, 10).float())

    return replace(mlp_adam(seed), loss=loss)


def smoothed(seed: int) -> Problem:
    return replace(cnn_norm(seed), loss=nn.CrossEntropyLoss(label_smoothing=0.2))


def density(seed: int) -> Problem:
    """Negative log density of the prices, to be below 0 in the end."""

    def loss(output: Tensor, target: Tensor) -> Tensor:
        mean, log = output[:, :1], output[:, 1:].clamp(-7, 7)
        return (log + 0.5 * ((target - mean) / log.exp()).square() - 1.0).mean()

    return replace(regression(seed), net=mlp(8, 64, 2), loss=loss, metrics=None)


def absolute(seed: int) -> Problem:
    return replace(regression(seed), loss=F.l1_loss)


def huber(seed: int) -> Problem:
    return replace(regression(seed), loss=F.huber_loss)


def dropped(seed: int) -> Problem:
    problem = mlp_adam(seed)
    layers = [each for layer in problem.net.children() for each in _after(layer, nn.Dropout(0.5))]
    return _set(replace(problem, net=nn.Sequential(*layers)), steps=800)


def _after(layer: nn.Module, more: nn.Module) -> tuple[nn.Module, ...]:
    return (layer, more) if isinstance(layer, nn.ReLU) else (layer,)


def zero_head(seed: int) -> Problem:
    """The last layer begins at zero."""
    problem = mlp_adam(seed)
    head = list(problem.net.children())[-1]
    assert isinstance(head, nn.Linear)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return problem


def zero_branches(seed: int) -> Problem:
    """Every branch of a transformer begins at zero."""
    problem = gpt(seed)
    for name, weight in problem.net.named_parameters():
        if name.endswith(("out.weight", "down.weight")):
            nn.init.zeros_(weight)
    return problem


def tied(seed: int) -> Problem:
    """One table for words that go in and words that come out."""
    problem = gpt(seed)
    problem.net.head.weight = problem.net.words.weight  # type: ignore[union-attr, assignment]
    return problem


def frozen(seed: int) -> Problem:
    """A body at random that is kept, of which a head is learned."""
    problem = mlp_adam(seed)
    for layer in list(problem.net.children())[:3]:
        layer.requires_grad_(False)
    return problem


class _Squared(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x).square()


def squared(seed: int) -> Problem:
    """Squared rectified units, of which most are silent."""
    problem = mlp_adam(seed)
    layers = [_Squared() if isinstance(layer, nn.ReLU) else layer for layer in problem.net.children()]
    return replace(problem, net=nn.Sequential(*layers))


def averaged(seed: int) -> Problem:
    return _set(mlp_sgd(seed), ema=0.98)


def logistic(seed: int) -> Problem:
    """One layer, which is all that is needed."""
    return _set(replace(mlp_adam(seed), net=nn.Sequential(nn.Flatten(), nn.Linear(784, 10))), lr=3e-3)


def several(seed: int) -> Problem:
    """Yes or no of ten questions at once."""
    problem = mlp_adam(seed)
    sets = [(x, F.one_hot(y, 10).float()) for x, y in (problem.train, problem.validation or problem.train)]
    return replace(
        problem, train=sets[0], validation=sets[1], loss=F.binary_cross_entropy_with_logits, metrics=None, kind="values"
    )


class _Coder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 16))
        self.outside = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.outside(self.inside(x)).view(-1, 28, 28)


def autoencoder(seed: int) -> Problem:
    """Pictures through sixteen numbers and back."""
    problem = mlp_adam(seed)
    sets = [(x, x) for x, _ in (problem.train, problem.validation or problem.train)]
    return replace(
        problem, net=_Coder(), train=sets[0], validation=sets[1], loss=F.mse_loss, metrics=None, kind="values"
    )


class _Noisy(Dataset[tuple[Tensor, Tensor]]):
    """Pictures with strong noise and parts cut out."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        x = self.x[number] + 0.5 * torch.randn(28, 28)
        row, column = torch.randint(0, 14, (2,)).tolist()
        x[row : row + 14, column : column + 14] = 0
        return x, self.y[number]


def augmented(seed: int) -> Problem:
    problem = mlp_adam(seed)
    problem.data = DataLoader(_Noisy(*problem.train), batch_size=problem.settings.pop("batch_size"), shuffle=True)
    return problem


def mean_first(seed: int) -> Problem:
    """Targets with a mean of 2, which the last bias begins at."""
    problem = regression(seed)
    sets = [(x, y + 2) for x, y in (problem.train, problem.validation or problem.train)]
    head = list(problem.net.children())[-1]
    assert isinstance(head, nn.Linear)
    nn.init.constant_(head.bias, 2.0)
    return replace(problem, train=sets[0], validation=sets[1])


def long(seed: int) -> Problem:
    """Many passes over the rows, at a small rate, until nothing changes any more."""
    return _set(mlp_adam(seed), steps=2500, lr=5e-4, schedule="cosine")


def fine_tuned(seed: int) -> Problem:
    """Weights that can do it already, at a hundredth of the rate."""
    problem = mlp_adam(seed)
    x, y = problem.train
    optimizer = torch.optim.Adam(problem.net.parameters(), 1e-3)
    for step in range(300):
        rows = slice(64 * step % 5900, 64 * step % 5900 + 64)
        loss = F.cross_entropy(problem.net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return _set(problem, lr=1e-5)


def gates(seed: int) -> Problem:
    """Channels that are weighed by a bottleneck of two units."""
    problem = cnn_norm(seed)
    layers = list(problem.net.children())
    return replace(problem, net=nn.Sequential(*layers[:9], _Weighed(64), *layers[9:]))


class _Weighed(nn.Module):
    """Squeeze and excitation (Hu et al. 2018, arXiv 1709.01507)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, 2), nn.Linear(2, width)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3))))))[..., None, None]


def recurrent_tanh(seed: int) -> Problem:
    problem = lstm(seed)
    problem.net.lstm = nn.RNN(28, 64, batch_first=True)
    return _set(problem, lr=5e-4, clip=1.0, steps=600)


ODD: tuple[Callable[[int], Problem], ...] = (
    one_batch, few_rows, one_cycle, cosine, restarts, long_warmup, accumulated, clipped, weighted, rare, brier,
    smoothed, density, absolute, huber, dropped, zero_head, zero_branches, tied, frozen, squared, averaged, logistic,
    several, autoencoder, augmented, mean_first, long, fine_tuned, gates, recurrent_tanh,
)  # fmt: skip
