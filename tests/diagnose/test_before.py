"""What accumulation cannot keep is said before the first step; each finding is one that a gradient shows."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from sample_tasks import MaskedTokens, Supervised, batch, blobs, mlp, stepper
from torch import nn

from sonde.diagnose.before import accumulation, drops_units
from sonde.models.tabular import TabularConfig
from sonde.nn.dropout import Dropout


class DropPath(nn.Module):
    """As timm has it: another base class, another name for the share."""

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = torch.rand(len(x), 1) >= self.drop_prob
        return x * kept if self.training else x


def gradient(task: Any, pieces: int) -> torch.Tensor:
    torch.manual_seed(1)
    stepper(task, accumulate=pieces, optimizer=torch.optim.SGD, lr=0.0)(batch(**blobs(32)), step=1, epoch=0)
    return torch.cat([p.grad.flatten() for p in task.modules.parameters() if p.grad is not None])


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        (nn.BatchNorm1d(8), "batch norm: 2 batch-norm layers see 4 micro-batches instead of the whole batch"),
        (nn.Dropout(0.3), "dropout: 2 dropout layers draw a new mask for each of 4 micro-batches"),
        (Dropout(0.3), "dropout: 2 dropout layers draw a new mask for each of 4 micro-batches"),
        (nn.AlphaDropout(0.3), "dropout: 2 dropout layers"),
        (DropPath(0.3), "dropout: 2 dropout layers"),
        (nn.LayerNorm(8), None),
        (nn.GroupNorm(2, 8), None),
        (nn.Dropout(0.0), None),
        (Dropout(0.0), None),
        (nn.Identity(), None),
    ],
)
def test_a_finding_stands_where_the_gradient_differs_and_only_there(layer: nn.Module, what: str | None) -> None:
    torch.manual_seed(0)
    # twice, because one layer alone would draw for four pieces what it draws for all rows
    task = Supervised(nn.Sequential(mlp(2, 8), layer, nn.Linear(8, 8), deepcopy(layer), nn.Linear(8, 3)))
    task.modules.train()
    whole, pieced = gradient(task, 1), gradient(task, 4)
    far = float((whole - pieced).abs().max() / whole.abs().max())
    found = accumulation(task, 4)
    assert accumulation(task, 1) == []
    if what is None:
        assert found == []
        assert far < 1e-5
        return
    assert far > 1e-3
    assert [f.check for f in found] == ["gradient accumulation differs from the whole batch"]
    assert found[0].evidence.startswith(what)
    assert "--accumulate 1" in found[0].action
    assert found[0].severity == "note"


def test_losses_across_rows_are_told_by_the_task() -> None:
    task: Any = MaskedTokens(nn.Sequential(nn.Embedding(5, 4), nn.BatchNorm1d(6), Dropout(0.1), nn.Linear(4, 5)))
    task.across_rows = ("contrastive",)
    assert [f.evidence.split(":")[0] for f in accumulation(task, 2)] == ["batch norm", "dropout", "contrastive"]
    assert (
        accumulation(task, 2)[2].evidence
        == "contrastive: the loss 'contrastive' compares rows with each other, and a micro-batch holds fewer"
    )


@pytest.mark.parametrize(
    ("module", "drops"),
    [
        (nn.MultiheadAttention(4, 1, dropout=0.1), True),
        (nn.MultiheadAttention(4, 1), False),
        (nn.LSTM(3, 3, num_layers=2, dropout=0.2), True),
        (nn.LSTM(3, 3), False),
        (nn.Dropout2d(0.1), True),
        (nn.FeatureAlphaDropout(0.1), True),
        (nn.PairwiseDistance(p=2.0), False),  # its p is an exponent
        (nn.Module(), False),
    ],
)
def test_layers_that_zero_units(module: nn.Module, drops: bool) -> None:
    assert drops_units(module) is drops


def test_our_own_families_are_seen_through() -> None:
    from sonde.core.dataset import Column, InputSpec
    from sonde.models.build import build
    from sonde.models.mlp import MLPConfig

    image = InputSpec(kind="image", shape=(1, 8, 8))
    assert accumulation(Supervised(build("mlp", image, 3, MLPConfig(dropout=0.1))), 2)
    assert not accumulation(Supervised(build("mlp", image, 3)), 2)
    assert accumulation(Supervised(build("resnet18", image, 3)), 2)
    columns = (Column(name="x", kind="number", source="x", quantiles=(-1.0, 0.0, 1.0)),)
    table = InputSpec(kind="table", shape=(1,), columns=columns)
    assert accumulation(Supervised(build("tabular", table, 3, TabularConfig(dropout=0.1))), 2)
