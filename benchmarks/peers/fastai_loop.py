"""fastai's Learner on resident tensors: a loader that yields whole batches, the recorder as by default."""

import json
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
if tools := os.environ.get("SONDE_PARITY_TOOLS"):
    sys.path.insert(0, tools)
    import torchvision_on_cpu  # noqa: F401 - declares the operators a CPU build of torch lacks
import torch
from bare_loop import bare_loop, data, network
from fastai.callback.core import Callback  # noqa: F401
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from torch import nn


class Batches:
    """As many whole batches as asked for, cut from a random order."""

    def __init__(self, x, y, steps):
        self.x, self.y, self.steps = x, y, steps
        self.device = torch.device("cpu")
        self.batch_size = 64
        self.dataset = list(range(steps))

    def __len__(self):
        return self.steps

    def __iter__(self):
        order = torch.randperm(len(self.x))
        per_epoch = len(self.x) // 64
        for number in range(self.steps):
            at = number % per_epoch
            rows = order[at * 64 : at * 64 + 64]
            yield self.x[rows], self.y[rows]

    def to(self, device):
        return self


def optimizer(parameters, **_):
    return OptimWrapper(
        [p for group in parameters for p in group] if isinstance(parameters[0], list) else parameters,
        torch.optim.Adam,
        fused=True,
    )


def seconds(x, y, steps):
    learner = Learner(
        DataLoaders(Batches(x, y, steps), Batches(x, y, 1)),
        network(),
        loss_func=nn.CrossEntropyLoss(),
        opt_func=optimizer,
        lr=1e-3,
    )
    learner.remove_cbs([callback for callback in learner.cbs if type(callback).__name__ == "ProgressCallback"])
    with learner.no_logging():
        begun = time.perf_counter()
        learner.fit(1)
        return time.perf_counter() - begun


def main(steps, rounds):
    torch.set_num_threads(1)
    x, y = data()
    rows = {"bare": [], "bare that records": [], "fastai": []}
    for _ in range(rounds):
        rows["bare"].append(bare_loop(x, y, steps, record=False))
        rows["bare that records"].append(bare_loop(x, y, steps, record=True))
        rows["fastai"].append((seconds(x, y, steps + steps // 4) - seconds(x, y, steps // 4)) / steps * 1e6)
    print(json.dumps({name: statistics.median(values) for name, values in rows.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
