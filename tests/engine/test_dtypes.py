"""Networks of float64 and of complex numbers train as in a loop of torch's own, and are saved and loaded."""

import copy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

import sonde
from sonde.core.errors import ConfigError
from sonde.engine import checkpoint
from sonde.optim.ema import EMA

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "batch_size": 64, "epochs": 8, "lr": 0.05}
DOUBLE, COMPLEX = torch.float64, torch.complex64


class Mixed(nn.Module):
    """Complex layers inside, a real one at the end."""

    def __init__(self, kind: torch.dtype = COMPLEX) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 8, dtype=kind), nn.Linear(8, 2, dtype=kind)
        self.last = nn.Linear(2, 2, dtype=kind.to_real())
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.second(self.first(x.to(self.kind)).tanh()).abs())


def data(kind: torch.dtype) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 4, dtype=kind, generator=generator)
    return x, x[:, :2].tanh() * 0.7


def by_hand(
    net: nn.Module, kind: torch.dtype, optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
) -> dict[str, Tensor]:
    net, (x, y) = copy.deepcopy(net), data(kind)
    made = optimizer(net.parameters())
    for _ in range(8):
        made.zero_grad()
        mse_loss(net(x), y).backward()
        made.step()
    return net.state_dict()


@pytest.mark.parametrize("name", ["adam", "sgd", "momentum"])
@pytest.mark.parametrize("kind", [DOUBLE, COMPLEX])
def test_training_is_that_of_a_loop_by_hand(tmp_path: Path, name: Any, kind: torch.dtype) -> None:
    torch.manual_seed(0)
    net: nn.Module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).double() if kind == DOUBLE else Mixed()
    real = DOUBLE if kind == DOUBLE else torch.float32
    made: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": lambda weights: torch.optim.Adam(weights, 0.05),
        "sgd": lambda weights: torch.optim.SGD(weights, 0.05),
        "momentum": lambda weights: torch.optim.SGD(weights, 0.05, momentum=0.9),
    }
    expected = by_hand(net, real, made[name])
    run = sonde.fit(net, data(real), loss=mse_loss, optimizer=name, out=str(tmp_path / "run"), **QUIET)
    rtol, atol = (1e-12, 1e-13) if kind == DOUBLE else (1e-4, 1e-5)
    for key, value in net.state_dict().items():
        assert value.dtype == expected[key].dtype
        torch.testing.assert_close(value, expected[key], rtol=rtol, atol=atol)
    again = copy.deepcopy(net)
    for weight in again.parameters():
        weight.data.zero_()
    sonde.load(run.folder, model=again)
    assert all(map(torch.equal, again.state_dict().values(), net.state_dict().values()))


@pytest.mark.parametrize(
    "more",
    [
        {"optimizer": "muon"},
        {"optimizer": "adamw", "weight_decay": 0.1},
        {"optimizer": "rmsprop", "lr": 0.001},
        {"clip": 0.1},
        {"clip_value": 0.01},
        {"ema": 0.9},
    ],
)
@pytest.mark.parametrize("kind", [COMPLEX, torch.complex128])
def test_every_setting_takes_complex_weights(tmp_path: Path, more: dict[str, Any], kind: torch.dtype) -> None:
    torch.manual_seed(0)
    net = Mixed(kind)
    before = mse_loss(net(data(kind.to_real())[0]), data(kind.to_real())[1]).item()
    run = sonde.fit(net, data(kind.to_real()), loss=mse_loss, out=str(tmp_path / "run"), **{**QUIET, **more})
    after = mse_loss(net(data(kind.to_real())[0]), data(kind.to_real())[1]).item()
    assert after < before
    assert sonde.load(run.folder, model=Mixed(kind)).model.state_dict()["first.weight"].dtype == kind
    for name, weight in sonde.load(run.folder, model=Mixed(kind)).model.state_dict().items():
        assert torch.equal(weight, net.state_dict()[name])


def test_gradients_of_complex_weights_are_clipped_by_part(tmp_path: Path) -> None:
    net = nn.Linear(1, 1, bias=False, dtype=COMPLEX)
    before = net.weight.detach().clone()
    x = torch.full((64, 1), 100.0 + 100.0j)
    sonde.fit(net, (x, x), loss=lambda o, t: (o - t).abs().square().mean(), optimizer="sgd", clip_value=0.5,
              out=str(tmp_path / "run"), **(QUIET | {"epochs": 1, "lr": 1.0}))  # fmt: skip
    moved = torch.view_as_real(net.weight.detach() - before).abs().flatten()
    assert moved.max() == pytest.approx(0.5)


def test_the_mean_of_complex_weights_is_a_mean() -> None:
    net = nn.Linear(1, 1, bias=False, dtype=COMPLEX)
    net.weight.data.fill_(0)
    mean = EMA(net, 0.9)
    net.weight.data.fill_(1 + 1j)
    mean.update()
    kept = 2 / 11  # of the first update
    assert mean.state_dict()["tensors"]["weight"].item() == pytest.approx((1 - kept) * (1 + 1j))


def test_a_checkpoint_holds_complex_numbers_of_both_widths(tmp_path: Path) -> None:
    weights = {"a": torch.tensor([1 + 2j]), "b": torch.tensor(3 - 1j, dtype=torch.complex128), "c": torch.ones(2)}
    checkpoint.write(tmp_path / "one", weights, {"moments": {"a": torch.tensor([2j])}})
    held, state = checkpoint.read(tmp_path / "one")
    assert {name: value.dtype for name, value in held.items()} == {n: v.dtype for n, v in weights.items()}
    assert all(torch.equal(held[name], weights[name]) for name in weights)
    assert torch.equal(state["moments"]["a"], torch.tensor([2j]))


@pytest.mark.parametrize("net", [nn.Linear(4, 2).double(), nn.Linear(4, 2, dtype=COMPLEX)])
def test_a_precision_without_effect_is_refused(net: nn.Module) -> None:
    kind = net.weight.dtype
    x = torch.zeros(8, 4, dtype=kind)  # type: ignore[arg-type]
    with pytest.raises(
        ConfigError, match='precision="bf16" has no effect on a network of (float64|complex64): mixed precision'
    ):
        sonde.fit(net, (x, x[:, :2]), loss=mse_loss, epochs=1, precision="bf16", quiet=True)


@pytest.mark.parametrize("validated", [True, False])
def test_a_complex_loss_is_one_line(tmp_path: Path, validated: bool) -> None:
    x = torch.randn(64, 2, dtype=COMPLEX)
    net = nn.Linear(2, 2, dtype=COMPLEX)
    with pytest.raises(ConfigError, match=r"the loss is complex; it must be real, such as its \.abs\(\) or \.real"):
        sonde.fit(net, (x, x), validation=(x, x) if validated else None, loss=lambda o, t: (o - t).square().mean(),
                  out=str(tmp_path / "run"), **QUIET)  # fmt: skip
