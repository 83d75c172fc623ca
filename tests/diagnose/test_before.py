"""What accumulation cannot keep is said before the first step; each finding is one that a gradient shows."""

import os
import random
import signal
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from other_findings import other_findings
from sample_tasks import MaskedTokens, Supervised, batch, blobs, mlp, stepper
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

import sonde
from sonde.core.errors import Interrupted
from sonde.data.feed.loader import LoaderSource
from sonde.diagnose.before import accumulation, drops_units, inexact_resume
from sonde.engine.step import Stepper
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


class Shuffling:
    """A sampler with random numbers of its own."""

    def __iter__(self) -> Iterator[int]:
        yield from random.sample(range(64), 64)

    def __len__(self) -> int:
        return 64


def interrupted(
    monkeypatch: pytest.MonkeyPatch, out: Path, loader: Callable[[], Any], *, quiet: bool = True
) -> tuple[sonde.Run, sonde.Run]:
    """(a run without a stop, one that was stopped after step 2 and resumed)"""

    def once(where: Path) -> sonde.Run:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 3))
        return sonde.fit(net, loader(), loss=cross_entropy, epochs=3, out=str(where), threads=1, quiet=quiet)

    straight, real = once(out / "straight"), Stepper.__call__

    def stopped(self: Stepper, batch: Any, *, step: int, epoch: int) -> Any:
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, batch, step=step, epoch=epoch)

    monkeypatch.setattr(Stepper, "__call__", stopped)
    with pytest.raises(Interrupted):
        once(out / "run")
    monkeypatch.undo()
    return straight, once(out / "run")


def data() -> TensorDataset:
    return TensorDataset(*blobs(64).values())


def test_a_weighted_sampler_resumes_to_the_last_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def loader() -> DataLoader[Any]:
        return DataLoader(data(), 16, sampler=WeightedRandomSampler([float(n) for n in range(1, 65)], 64))

    straight, resumed = interrupted(monkeypatch, tmp_path, loader)
    assert resumed.result["steps"] == straight.result["steps"] == 12
    for name, weight in straight.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name
    assert other_findings(resumed.folder) == []


def test_a_resume_that_is_not_exact_says_so_before_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, resumed = interrupted(monkeypatch, tmp_path, lambda: DataLoader(data(), 16, sampler=Shuffling()), quiet=False)
    first, second = other_findings(resumed.folder)
    assert [first["check"], first["severity"], first["step"]] == ["resume is not exact", "warning", None]
    assert first["evidence"] == (
        "a resumed run does not see the batches that an uninterrupted one would have seen: the loader's Shuffling may shuffle "
        "with its own randomness"
    )
    assert "an attribute `generator`" in first["action"]
    assert second["step"] is not None
    assert second["evidence"].startswith("this resumed run does not see")
    assert "this resumed run does not see the batches" in capsys.readouterr().out
    assert "this resumed run does not see" in (resumed.folder / "report.html").read_text()


def test_workers_that_persist_are_a_warning_and_an_iterable_is_a_note() -> None:
    loader = DataLoader(data(), 16, num_workers=1, persistent_workers=True)
    (found,) = inexact_resume(LoaderSource(loader, device=torch.device("cpu"), seed=0))
    assert (found.severity, found.action) == ("warning", "give the DataLoader persistent_workers=False")
    (found,) = inexact_resume(LoaderSource(iter([(1, 2)]), device=torch.device("cpu"), seed=0))
    assert found.severity == "note"
    assert inexact_resume(LoaderSource(DataLoader(data()), device=torch.device("cpu"), seed=0)) == []
