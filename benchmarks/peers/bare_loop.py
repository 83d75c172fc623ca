"""The bare loop every trainer is compared with: resident tensors, an index, forward, backward, fused Adam."""

import time

import torch
from torch import nn


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(784, 256),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(128, 10),
    )


def data(rows=20_000):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(rows, 784, generator=generator), torch.randint(0, 10, (rows,), generator=generator)


def bare_steps(x, y, record):
    """An endless loop that yields after each step.

    record: keep each step's loss and gradient norm, and stop at the first that is not finite
    """
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    parameters = list(model.parameters())
    kept = []
    while True:
        order = torch.randperm(len(x))
        for start in range(0, len(x) - 63, 64):
            rows = order[start : start + 64]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            if record:
                norm = nn.utils.get_total_norm([p.grad for p in parameters])
                kept.append((loss.item(), norm.item()))
                if kept[-1][0] != kept[-1][0] or kept[-1][1] != kept[-1][1]:
                    raise FloatingPointError(len(kept))
            optimizer.step()
            yield


def bare_loop(x, y, steps, record):
    """Microseconds a step."""
    loop = bare_steps(x, y, record)
    begun = time.perf_counter()
    for _ in range(steps):
        next(loop)
    return (time.perf_counter() - begun) / steps * 1e6
