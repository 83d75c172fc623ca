"""One signal ends a run within a batch of an evaluation, which is made up for on resume."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import sonde
from sonde.core.errors import Interrupted

SETTINGS: dict[str, Any] = {"loss": nn.functional.cross_entropy, "epochs": 3, "threads": 1, "quiet": True}
SETTINGS["doctor"] = False  # who asks the network before the first step, and puts its count back


class Net(nn.Module):
    """Sends SIGTERM to its own process at the third batch of an evaluation, where it is to."""

    def __init__(self, *, at: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.drop = nn.Linear(4, 2), nn.Dropout(0.3)
        self.at, self.evaluated = at, 0

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            self.evaluated += 1
            if self.evaluated == self.at:
                os.kill(os.getpid(), signal.SIGTERM)
        return self.layer(self.drop(input))


def rows(number: int) -> TensorDataset:
    draw = torch.Generator().manual_seed(number)
    x = torch.rand(number, 4, generator=draw)
    return TensorDataset(x, (x.sum(1) > 2).long())


@pytest.mark.parametrize(("at", "where"), [(3, "validation"), (403, "the third"), (605, "test")])
def test_one_signal_is_enough_and_nothing_is_lost(tmp_path: Path, at: int, where: str) -> None:
    def fitted(network: Net, out: str) -> sonde.Run:
        held = {"validation": DataLoader(rows(200), batch_size=1), "test": DataLoader(rows(150), batch_size=1)}
        return sonde.fit(network, rows(64), **held, out=str(tmp_path / out), batch_size=16, **SETTINGS)

    straight = Net(at=-1)
    expected = fitted(straight, "straight").result["metrics"]
    stopped = Net(at=at)
    with pytest.raises(Interrupted, match=r"as requested; everything is saved; resume with") as stop:
        fitted(stopped, "run")
    assert stop.value.exit_code == 143
    assert stopped.evaluated <= at + 1
    again = Net(at=-1)
    assert fitted(again, "run").result["metrics"] == expected
    assert torch.equal(again.layer.weight, straight.layer.weight)
