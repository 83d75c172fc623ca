import math

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sonde.core.config import OptimConfig, OptimizerName
from sonde.core.errors import ConfigError
from sonde.optim.build import USED, build_optimizer, hyperparameters, product_dtype
from sonde.optim.muon import Muon

NAMES: list[OptimizerName] = ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "muon"]
GRADIENTS = [0.5, -0.25, 2.0]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 5), nn.ReLU(), nn.Linear(5, 2)
    )


def build(modules: nn.Module, lr: float = 0.1, **settings: float | str) -> Optimizer:
    config = OptimConfig(**settings)  # type: ignore[arg-type]
    return build_optimizer(config, list(modules.named_parameters()), lr=lr, device_type="cpu")


def path(optimizer: str, **settings: float) -> list[float]:
    """Values of one weight, from 1, under GRADIENTS."""
    layer = nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(layer.weight)
    made = build(layer, optimizer=optimizer, **settings)
    values = []
    for gradient in GRADIENTS:
        layer.weight.grad = torch.full((1, 1), gradient, dtype=torch.float64)
        made.step()
        values.append(layer.weight.item())
    return values


def test_sgd_is_the_gradient_times_the_rate() -> None:
    assert path("sgd") == pytest.approx([0.95, 0.975, 0.775])
    assert path("sgd", momentum=0.7) == path("sgd")  # momentum is another optimiser's


def test_sgds_decay_is_an_l2_penalty() -> None:
    weight, expected = 1.0, []
    for gradient in GRADIENTS:
        weight -= 0.1 * (gradient + 0.2 * weight)
        expected.append(weight)
    assert path("sgd", weight_decay=0.2) == pytest.approx(expected)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_and_nesterov_follow_their_recurrence(nesterov: bool) -> None:
    weight, velocity, expected = 1.0, 0.0, []
    for gradient in GRADIENTS:
        velocity = 0.7 * velocity + gradient
        weight -= 0.1 * (gradient + 0.7 * velocity if nesterov else velocity)
        expected.append(weight)
    assert path("nesterov" if nesterov else "momentum", momentum=0.7) == pytest.approx(expected)


def test_rmsprop_follows_its_recurrence() -> None:
    weight, square, velocity, expected = 1.0, 0.0, 0.0, []
    for gradient in GRADIENTS:
        square = 0.8 * square + 0.2 * gradient**2
        velocity = 0.5 * velocity + gradient / (math.sqrt(square) + 1e-3)
        weight -= 0.1 * velocity
        expected.append(weight)
    assert path("rmsprop", beta2=0.8, momentum=0.5, eps=1e-3) == pytest.approx(expected)


@pytest.mark.parametrize("decoupled", [False, True])
def test_adam_and_adamw_follow_their_recurrence(decoupled: bool) -> None:
    weight, mean, square, expected = 1.0, 0.0, 0.0, []
    for step, raw in enumerate(GRADIENTS, start=1):
        gradient = raw if decoupled else raw + 0.3 * weight
        weight = weight * (1 - 0.1 * 0.3) if decoupled else weight
        mean, square = 0.8 * mean + 0.2 * gradient, 0.9 * square + 0.1 * gradient**2
        weight -= 0.1 * (mean / (1 - 0.8**step)) / (math.sqrt(square / (1 - 0.9**step)) + 1e-3)
        expected.append(weight)
    name = "adamw" if decoupled else "adam"
    assert path(name, weight_decay=0.3, beta1=0.8, beta2=0.9, eps=1e-3) == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_norms_and_biases_never_decay(name: OptimizerName) -> None:
    modules = network()
    optimizer = build(modules, optimizer=name, weight_decay=0.5)
    groups = {group["name"]: group for group in optimizer.param_groups}
    assert groups["plain"]["weight_decay"] == 0
    before = {n: p.detach().clone() for n, p in modules.named_parameters()}
    for parameter in modules.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    changed = {n for n, p in modules.named_parameters() if not torch.equal(before[n], p)}
    assert changed == {"0.weight", "3.weight", "5.weight"}  # with no gradient, decay alone moves


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_in_one_group_and_state_has_plain_values(name: OptimizerName) -> None:
    modules = network()
    optimizer = build(modules, optimizer=name)
    listed = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(listed) == sorted(id(p) for p in modules.parameters())
    modules(torch.randn(4, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    for group in optimizer.state_dict()["param_groups"]:
        plain = (bool, int, float, str, tuple, list, type(None))
        assert all(isinstance(value, plain) for value in group.values()), group


@pytest.mark.parametrize(("name", "fused"), [("sgd", True), ("nesterov", True), ("adam", True), ("adamw", True)])
def test_torchs_fused_kernels_are_used(name: OptimizerName, fused: bool) -> None:
    assert {group["fused"] for group in build(network(), optimizer=name).param_groups} == {fused}


@pytest.mark.parametrize("name", NAMES)
def test_channels_last_weights_move_as_contiguous_ones_do(name: OptimizerName) -> None:
    """Fused kernels walk memory and ignore strides, so weight, gradient and state must be laid out alike."""

    def smooth() -> nn.Sequential:  # without batch norm, before which a bias has no gradient but rounding errors
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 5, 3), nn.Tanh(), nn.Flatten(), nn.Linear(80, 2)
        )

    one, other = smooth().double(), smooth().double().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert other[0].weight.stride() != one[0].weight.stride()  # type: ignore[union-attr, operator]
    first, second = build(one, optimizer=name, lr=0.01), build(other, optimizer=name, lr=0.01)
    for step in range(3):
        image = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
        for modules, optimizer in ((one, first), (other, second)):
            optimizer.zero_grad()
            modules(image).square().mean().backward()
            optimizer.step()
    for mine, its in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=1e-6)


def test_muon_is_one_optimiser_for_all_parameters() -> None:
    optimizer = build(network(), optimizer="muon", momentum=0.95)
    assert isinstance(optimizer, Muon)
    assert [(g["name"], g["rule"], len(g["params"])) for g in optimizer.param_groups] == [
        ("matrices", "muon", 2),
        ("decayed", "adamw", 1),
        ("plain", "adamw", 5),
    ]
    assert optimizer.param_groups[0]["momentum"] == 0.95


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_shares_of_the_rate_go_to_the_parameters_they_are_for(name: OptimizerName, weight_decay: float) -> None:
    modules = network()
    shares = {"0.weight": 0.25, "0.bias": 0.25, "1.weight": 0.25, "1.bias": 0.25, "3.weight": 0.5, "3.bias": 0.5}
    config = OptimConfig(optimizer=name, weight_decay=weight_decay)
    named = list(modules.named_parameters())
    optimizer = build_optimizer(config, named, lr=0.1, device_type="cpu", shares=shares)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert {parameter: rates[id(p)] for parameter, p in named} == pytest.approx(
        {parameter: 0.1 * shares.get(parameter, 1.0) for parameter, _ in named}
    )
    assert optimizer.param_groups[0]["lr"] == 0.1  # which a step's record tells
    usual = {
        id(p): (g["name"], g["weight_decay"])
        for g in build(modules, optimizer=name, weight_decay=weight_decay).param_groups
        for p in g["params"]
    }
    assert {id(p): (g["name"], g["weight_decay"]) for g in optimizer.param_groups for p in g["params"]} == usual


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
def test_a_share_of_the_rate_is_a_share_of_the_first_move(name: OptimizerName) -> None:
    moved = []
    for shares in (None, {"0.weight": 0.25, "0.bias": 0.25}):
        modules = network()
        before = {parameter: p.detach().clone() for parameter, p in modules.named_parameters()}
        config = OptimConfig(optimizer=name)
        optimizer = build_optimizer(config, list(modules.named_parameters()), lr=0.1, device_type="cpu", shares=shares)
        torch.manual_seed(1)
        modules(torch.randn(4, 3, 8, 8)).square().sum().backward()
        optimizer.step()
        moved.append({parameter: p.detach() - before[parameter] for parameter, p in modules.named_parameters()})
    for parameter, whole in moved[0].items():
        share = 0.25 if parameter.startswith("0.") else 1.0
        torch.testing.assert_close(moved[1][parameter], share * whole, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("told", "used", "expected"),
    [
        ({"avx512_bf16": True}, "AVX512", "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "AVX512", "bfloat16"),
        ({"avx512_bf16": False}, "AVX512", "float32"),
        ({"avx512_bf16": True, "amx_bf16": True}, "AVX2", "float32"),  # by ATEN_CPU_CAPABILITY
        ({"avx512_bf16": True}, "DEFAULT", "float32"),
        ({"bf16": True, "sve": False}, "DEFAULT", "bfloat16"),  # Arm
    ],
)
def test_muon_multiplies_in_bfloat16_where_there_are_units_for_it(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, bool], used: str, expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: used)
    assert str(product_dtype("cpu")) == f"torch.{expected}"
    assert product_dtype("cuda") == torch.bfloat16
    assert product_dtype("mps") == torch.float32


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="--optimizer nesterov needs --momentum above 0; give one, or use --optimizer sgd"
    ):
        build(network(), optimizer="nesterov", momentum=0.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_said_to_be_used_are_those_that_change_the_path(name: OptimizerName) -> None:
    changed = {"weight_decay": 0.1, "momentum": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 0.1}

    def weights(**settings: float) -> list[Tensor]:
        modules = network()
        optimizer = build(modules, optimizer=name, lr=0.01, **settings)
        for _ in range(3):
            optimizer.zero_grad()
            modules(torch.ones(4, 3, 8, 8) * torch.arange(4.0).view(4, 1, 1, 1)).square().mean().backward()
            optimizer.step()
        return [p.detach() for p in modules.parameters()]

    usual = weights()
    for setting, value in changed.items():
        same = all(torch.equal(a, b) for a, b in zip(usual, weights(**{setting: value}), strict=True))
        assert same == (setting not in USED[name]), setting
    assert hyperparameters(OptimConfig(optimizer=name)).keys() == set(USED[name])
