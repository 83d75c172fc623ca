"""The whole state of a run: what is captured can be put into other objects, and they go on alike."""

from pathlib import Path
from typing import Any

import pytest
import torch
from sample_tasks import CPU, Adversarial, Denoising, Supervised, blobs, mlp, stepper
from torch import nn

from sonde.core.config import FeedConfig
from sonde.core.errors import RunFolderError
from sonde.data.feed.tensors import tensor_source
from sonde.engine import checkpoint
from sonde.engine.clock import Clock
from sonde.engine.due import FitSettings
from sonde.engine.json_lines import JsonLinesLog
from sonde.engine.loop import FitParts, fit
from sonde.engine.signals import StopRequest
from sonde.engine.training import Progress, Training, capture, load_weights, restore, weights
from sonde.engine.tree import copied, same
from sonde.optim.ema import EMA


class Counter:
    """An observer with a state."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, record: Any) -> Any:
        self.count += 1
        return "continue"

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_state_dict(self, state: Any) -> None:
        self.count = state["count"]


class Loose(nn.Module):
    """A running value outside the state_dict that decides what comes out."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("level", torch.zeros(2), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.get_buffer("level").lerp_(x.detach().mean(0), 0.1)
        return x - self.get_buffer("level")


def build(kind: str, seed: int = 0) -> Training:
    torch.manual_seed(seed)
    if kind == "turns":
        task: Any = Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4, generator_every=3)
    elif kind == "averaged":
        task = Denoising(mlp(3, 8, 2), 20)
    else:
        task = Supervised(nn.Sequential(Loose(), mlp(2, 8, 3), nn.BatchNorm1d(3), nn.Dropout(0.2)))
    run = stepper(task)
    run.average = EMA(task.modules, 0.9)
    data = tensor_source(blobs(50), FeedConfig(batch_size=16), training=True, seed=0, device=CPU)
    return Training(task=task, source=data, stepper=run, clock=Clock(), device=CPU, observers=[Counter()], threads=1)


def train(live: Training, stop: int) -> None:
    parts = FitParts(objective=None, evaluate=None, best_weights=dict, writer=None, request=StopRequest())
    fit(live, FitSettings(stop=stop), parts)


@pytest.mark.parametrize("kind", ["turns", "averaged", "loose"])
@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 5, 8])
def test_a_state_that_went_through_a_checkpoint_goes_on_bit_by_bit(kind: str, at: int, tmp_path: Path) -> None:
    whole = build(kind)
    torch.manual_seed(9)
    train(whole, at)
    checkpoint.write(tmp_path / "c", weights(whole.task.modules), capture(whole))
    train(whole, 11)
    again = build(kind, seed=7)
    restore(again, *checkpoint.read(tmp_path / "c"))
    assert again.progress.step == at
    train(again, 11)
    assert same(weights(whole.task.modules), weights(again.task.modules))
    one, other = capture(whole), capture(again)
    assert same(dict(whole.task.modules.named_buffers()), dict(again.task.modules.named_buffers()))
    for name in ("stepper", "source", "task", "random", "progress", "buffers", "observers", "threads"):
        assert same(one[name], other[name]), name


def test_the_turn_of_a_phase_is_kept() -> None:
    """A discriminator that moved at steps 1 and 2 before the kill: step 3 is the generator's turn, not step 1 again."""
    live = build("turns")
    torch.manual_seed(9)
    train(live, 2)
    held, state = copied(weights(live.task.modules)), copied(capture(live))
    again = build("turns", seed=3)
    restore(again, held, state)
    generator = again.task.generator.parameters  # type: ignore[attr-defined]
    before = [p.clone() for p in generator()]
    train(again, 3)
    assert not any(torch.equal(a, b) for a, b in zip(before, generator(), strict=True))
    before = [p.clone() for p in generator()]
    train(again, 5)
    assert all(torch.equal(a, b) for a, b in zip(before, generator(), strict=True))


def test_everything_a_run_has_is_captured(tmp_path: Path) -> None:
    live = build("loose")
    live.journals = {"metrics.jsonl": JsonLinesLog(tmp_path / "metrics.jsonl")}
    live.threads = 3
    train(live, 10)
    state = capture(live)
    assert state["journals"] == {"metrics.jsonl": (tmp_path / "metrics.jsonl").stat().st_size} != {"metrics.jsonl": 0}
    assert state["observers"] == [{"count": 12}]  # ten steps and two ends of epochs
    assert state["threads"] == 3
    assert list(state["buffers"]) == ["model.0.level"]
    assert state["progress"].keys() == vars(Progress()).keys()
    assert "model.0.level" not in weights(live.task.modules)
    live.journals["metrics.jsonl"].close()


def test_weights_are_copied_into_the_live_tensors_with_their_strides() -> None:
    conv = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    weight, strides = conv.weight, conv.weight.stride()
    saved = {name: torch.randn(value.shape) for name, value in conv.state_dict().items()}
    load_weights(conv, saved)
    assert conv.weight is weight
    assert conv.weight.stride() == strides
    assert torch.equal(conv.weight, saved["weight"])


def test_weights_of_another_model_are_refused_by_name() -> None:
    saved = weights(nn.Linear(2, 3))
    with pytest.raises(RunFolderError, match=r"does not fit this model: weight is \(3, 2\), expected \(3, 4\)"):
        load_weights(nn.Linear(4, 3), saved)
    with pytest.raises(RunFolderError, match=r"missing \['bias'\], unexpected \['extra'\]"):
        load_weights(nn.Linear(2, 3), {"weight": saved["weight"], "extra": saved["bias"]})


def test_tied_weights_are_one() -> None:
    table = nn.Embedding(5, 3)
    head = nn.Linear(3, 5, bias=False)
    head.weight = table.weight
    both = nn.ModuleDict({"table": table, "head": head})
    saved = {name: torch.ones_like(value) for name, value in weights(both).items()}
    load_weights(both, saved)
    assert both["table"].weight is both["head"].weight
    assert float(table.weight.detach().sum()) == 15.0
