"""Whatever a network does, looking on neither changes nor ends it."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sample_nets
import torch
from sample_nets import drawn, labels
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

import sonde
from sonde.diagnose.signals import watch
from sonde.diagnose.signals.readings import Readings
from sonde.engine.json_lines import read_lines

STEPS: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "steps": 7,
    "batch_size": 16,
    "lr": 1e-2,
    "seed": 3,
    "optimizer": "sgd",
}


def trained(
    net: nn.Module, rows: Any, out: Path, *, loss: Any = F.cross_entropy, **settings: Any
) -> list[dict[str, Any]]:
    """Train with and without the doctor; the weights are the same, and nothing is said to have failed. Its signals"""
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = []
    for doctor in (True, False):
        net.load_state_dict(before)
        sonde.fit(net, rows, loss=loss, out=out / str(doctor), doctor=doctor, **{**STEPS, **settings})
        found.append({name: value.clone() for name, value in net.state_dict().items()})
    for name, value in found[0].items():
        assert torch.equal(value, found[1][name]), name
    assert [line for line in read_lines(out / "True" / "findings.jsonl") if line["check"] == "doctor"] == []
    for module in net.modules():
        assert not module._forward_hooks
    for parameter in net.parameters():
        assert not parameter._backward_hooks
    return read_lines(out / "True" / "signals.jsonl")


class Own(nn.Module):
    """A layer, and what a function makes of it."""

    def __init__(self, function: Callable[["Own", Tensor], Any]) -> None:
        super().__init__()
        self.function = function
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 3)
        self.state: Tensor | None = None
        self.calls: list[int] = []

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


ROWS = (drawn(64, 6), labels(64))


def plain(net: Own, x: Tensor) -> Tensor:
    return net.second(F.relu(net.first(x)))


class Counting(TorchFunctionMode):
    """A mode of the user's own, which sees every call and changes one kind."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        return found * 0.5 if func is F.relu else found


def under_a_mode(net: Own, x: Tensor) -> Tensor:
    with Counting():
        return plain(net, x)


def mapped(net: Own, x: Tensor) -> Tensor:
    parameters = dict(net.first.named_parameters())
    one = lambda row: torch.func.functional_call(net.first, parameters, (row,))  # noqa: E731
    return net.second(torch.func.vmap(lambda row: F.relu(one(row)))(x))


def mapped_modules(net: Own, x: Tensor) -> Tensor:
    return torch.func.vmap(lambda row: net.second(torch.tanh(net.first(row))))(x)


def derived(net: Own, x: Tensor) -> Tensor:
    """A network whose answer is a derivative of another."""
    slope = torch.func.vmap(torch.func.grad(lambda row: torch.tanh(net.first(row)).sum()))(x)
    return net.second(F.relu(net.first(slope)))


def recomputed(net: Own, x: Tensor) -> Tensor:
    return net.second(checkpoint(lambda rows: F.relu(net.first(rows)), x, use_reentrant=False))


def recomputed_by_the_old_way(net: Own, x: Tensor) -> Tensor:
    rows = x.clone().requires_grad_(torch.is_grad_enabled())
    return net.second(checkpoint(lambda rows: F.relu(net.first(rows)), rows, use_reentrant=True))


def in_place(net: Own, x: Tensor) -> Tensor:
    hidden = net.first(x)
    hidden.add_(1.0).mul_(0.5)
    return net.second(F.relu_(hidden)).clamp_(-5, 5)


def of_weights_alone(net: Own, x: Tensor) -> Tensor:
    """Weights that go through functions themselves: none may be left with a hook."""
    weight = net.first.weight.float().t().contiguous().view(6, 8)
    return net.second(F.relu(x @ weight + net.first.bias.view_as(net.first.bias)))


def doubly(net: Own, x: Tensor) -> Tensor:
    """A penalty on a gradient, within the loss."""
    rows = x.clone().requires_grad_()
    with torch.enable_grad():
        answer = plain(net, rows)
        (slope,) = torch.autograd.grad(answer.sum(), rows, create_graph=True)
    return answer + slope.square().mean()


def parallel(net: Own, x: Tensor) -> Tensor:
    """Rows without any: nothing to be measured."""
    return torch.cat([net.second(F.relu(net.first(x[:0]))), plain(net, x)])


def keeping(net: Own, x: Tensor) -> Tensor:
    """A hidden state of so many rows, which the next batch needs, and a list that grows."""
    state = torch.zeros(len(x), 8) if net.state is None else net.state
    hidden = torch.tanh(net.first(x) + state)
    if net.training:
        assert len(state) == len(x), "the state is of another batch"
    net.state = hidden.detach()
    net.calls.append(len(x))
    return net.second(hidden)


FUNCTIONS = (
    under_a_mode, mapped, mapped_modules, derived, recomputed, recomputed_by_the_old_way, in_place, of_weights_alone, doubly, parallel
)  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_network_of_unusual_ways_trains_as_it_would(function: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    signals = trained(Own(function), ROWS, tmp_path)
    assert len(signals) >= 5
    assert all(line["weights"]["second.weight"][2] > 0 for line in signals)


def test_what_a_network_keeps_between_batches_is_left_alone(tmp_path: Path) -> None:
    """The checks before the first step ask it about few rows."""
    torch.manual_seed(0)
    kept = []
    for doctor in (True, False):
        torch.manual_seed(0)
        net = Own(keeping)
        sonde.fit(net, ROWS, loss=F.cross_entropy, out=tmp_path / str(doctor), doctor=doctor, **STEPS)
        kept.append((net.state, net.calls))
    assert torch.equal(kept[0][0], kept[1][0])
    assert kept[0][1] == kept[1][1]


def test_reparametrised_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(6, 8)), nn.ReLU(), nn.utils.parametrizations.spectral_norm(nn.Linear(8, 3))
    )  # fmt: skip
    assert trained(net, ROWS, tmp_path)


def test_tied_weights_count_once(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, rows, loss = sample_nets.transformer()
    signals = trained(net, rows, tmp_path, loss=loss)
    names = list(signals[0]["weights"])
    assert "embedding.weight" in names
    assert "head.weight" not in names


class Complex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 3, dtype=torch.complex64))

    def forward(self, x: Tensor) -> Tensor:
        return (torch.fft.fft(x) @ self.weight).abs()


def test_complex_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Complex()
    size = float(torch.view_as_real(net.weight.detach()).square().sum().sqrt() / 18**0.5)
    (line, *_) = trained(net, ROWS, tmp_path)
    assert line["weights"]["weight"][0] == pytest.approx(size, rel=1e-3)


class Bag(nn.Module):
    """An embedding whose gradient is sparse."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(50, 4, sparse=True), nn.Linear(4, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.embedding(tokens).mean(1))


def test_sparse_gradients(tmp_path: Path) -> None:
    torch.manual_seed(0)
    signals = trained(Bag(), (labels(64 * 4, 50).view(64, 4), labels(64)), tmp_path)
    assert signals[0]["weights"]["embedding.weight"][1] > 0


class Several(nn.Module):
    """Answers with a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.heads = nn.Linear(6, 8), nn.ModuleDict({"a": nn.Linear(8, 3), "b": nn.Linear(8, 1)})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = F.gelu(self.trunk(x))
        return {name: head(hidden) for name, head in self.heads.items()}


def two_losses(output: dict[str, Tensor], target: Tensor) -> Tensor:
    return F.cross_entropy(output["a"], target) + F.mse_loss(output["b"].squeeze(1), target.float())


def test_answers_in_a_dict(tmp_path: Path) -> None:
    torch.manual_seed(0)
    assert trained(Several(), ROWS, tmp_path, loss=two_losses)


def test_a_loss_without_functions_of_torchs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    assert trained(Own(plain), ROWS, tmp_path, loss=lambda output, target: (output.sum(1) - target).abs().mean())


def test_a_loss_with_its_own_parameters_and_none(tmp_path: Path) -> None:
    torch.manual_seed(0)
    assert trained(Own(plain), ROWS, tmp_path, loss=lambda output, target: output.square().mean())


def test_a_thousand_layers(tmp_path: Path) -> None:
    """No more than so many are measured, the first and the last among them."""
    torch.manual_seed(0)
    net = nn.Sequential(*(nn.Linear(6, 6, bias=False) for _ in range(999)), nn.Linear(6, 3, bias=False))
    for layer in net[:-1]:
        nn.init.orthogonal_(layer.weight)
    signals = trained(net, ROWS, tmp_path)
    names = list(signals[0]["weights"])
    assert len(names) == 256
    assert (names[0], names[-1]) == ("0.weight", "999.weight")
    assert len(signals[0]["outputs"]) == 300


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_compiled_module_is_compiled_once(wrapped: bool, tmp_path: Path) -> None:
    """A mode of torch's functions around it would have it compiled again, with and without."""
    graphs = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    def compiled(doctor: bool) -> int:
        graphs.clear()
        torch._dynamo.reset()
        torch.manual_seed(0)
        net: nn.Module = Own(plain)
        net = torch.compile(net, backend=backend) if wrapped else net
        if not wrapped:
            net.compile(backend=backend)
        sonde.fit(net, ROWS, loss=F.cross_entropy, out=tmp_path / str(doctor), doctor=doctor, **STEPS)
        return len(graphs)

    assert compiled(True) == compiled(False)


@pytest.mark.filterwarnings("default")
def test_a_compiled_function_is_left_alone_once_it_was_compiled_anew(tmp_path: Path) -> None:
    graphs = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    function = torch.compile(lambda hidden: torch.relu(hidden) * 2, backend=backend, dynamic=True)

    def compiled(doctor: bool) -> int:
        graphs.clear()
        torch._dynamo.reset()
        torch.manual_seed(0)
        net = Own(lambda net, x: net.second(function(net.first(x))))
        sonde.fit(net, ROWS, loss=F.cross_entropy, out=tmp_path / str(doctor), doctor=doctor, **STEPS)
        return len(graphs)

    once = compiled(False)
    assert compiled(True) <= once + 2  # asked before the first step, and looked on in it
    looked = [bool(line["outputs"]) for line in read_lines(tmp_path / "True" / "signals.jsonl")]
    assert looked == [True] + [False] * (len(looked) - 1)


def watching(function: Callable[[], Any], net: nn.Module) -> tuple[watch.ForwardWatch, Any]:
    looking = watch.ForwardWatch({id(p): name for name, p in net.named_parameters()}, Readings())
    with looking:
        found = function()
    return looking, found


def test_nothing_is_held_after_a_step() -> None:
    """No activation lives on, and no hook."""
    net = Own(plain)
    looking, output = watching(lambda: net(ROWS[0]), net)
    alive = weakref.ref(output)
    output.sum().backward()
    looking.close()
    assert not output._backward_hooks
    del output
    gc.collect()
    assert alive() is None
    assert [each.error is not None for each in looking.outputs()] == [True, True, True]


def test_trouble_in_looking_on_ends_the_looking_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(watch, "_limited", broken)
    net, rows, loss = sample_nets.mlp()
    run = sonde.fit(net, rows, loss=loss, out=tmp_path / "run", **STEPS)
    (said,) = [line for line in read_lines(run.folder / "findings.jsonl") if line["check"] == "doctor"]
    assert said["severity"] == "note"
    assert said["evidence"].startswith("measuring inside the network failed (ZeroDivisionError: of ours)")


def test_trouble_in_the_checks_before_is_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ArithmeticError("of ours")

    monkeypatch.setattr("sonde.run.checks.units_alike", broken)
    net, rows, loss = sample_nets.mlp()
    run = sonde.fit(net, rows, loss=loss, out=tmp_path / "run", **STEPS)
    (said,) = [line for line in read_lines(run.folder / "findings.jsonl") if line["check"] == "doctor"]
    assert said["evidence"].startswith("the checks before the first step failed (ArithmeticError: of ours)")


def test_the_targets_of_a_large_picture_take_little_room() -> None:
    net = nn.Linear(1, 1)
    given, target = torch.zeros(8, 3, 64, 64, requires_grad=True), drawn(8, 3, 64, 64)
    looking, _ = watching(lambda: F.mse_loss(given, target), net)
    (call,) = looking.loss_calls()
    width = len(call.sums) // 3
    assert width <= watch.MOST_VALUES
    mean = sum(call.sums[width : 2 * width]) / (8 * width)
    assert mean == pytest.approx(float(target.mean()), abs=0.1)
