import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from sonde.optim.fused_adam import DirectAdam, update_of
from sonde.optim.muon import Muon


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, fused=True),
        lambda p: torch.optim.Adam(p, lr=0.1, fused=True),
        lambda p: torch.optim.AdamW(p, lr=0.1),
        lambda p: torch.optim.RMSprop(p, lr=0.1),
        lambda p: Muon([{"params": list(p), "rule": "adamw"}], lr=0.1),
    ],
)
def test_it_is_the_optimisers_own_step(make: object) -> None:
    ours = network()
    theirs = copy.deepcopy(ours)
    one, other = make(ours.parameters()), make(theirs.parameters())  # type: ignore[operator]
    update = update_of(one)
    x = torch.randn(5, 3)
    for _ in range(3):
        for net, step in ((ours, update), (theirs, other.step)):
            net.zero_grad()
            net(x).square().sum().backward()
            step()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    assert not torch.equal(next(ours.parameters()), next(network().parameters()))
    assert torch.is_grad_enabled()


def test_hooks_are_still_called() -> None:
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    called = []
    optimizer.register_step_post_hook(lambda *_: called.append(1))
    net(torch.ones(1, 3)).sum().backward()
    update_of(optimizer)()
    assert called == [1]


def test_an_eager_run_does_not_load_the_compiler() -> None:
    code = (
        "import sys, torch\n"
        "from sonde.core.config import OptimConfig\n"
        "from sonde.optim.build import build_optimizer\n"
        "from sonde.optim.fused_adam import update_of\n"
        "net = torch.nn.Linear(2, 2)\n"
        "for name in ('adam', 'adamw', 'momentum', 'rmsprop', 'muon'):\n"
        "    named = list(net.named_parameters())\n"
        "    optimizer = build_optimizer(OptimConfig(optimizer=name), named, lr=0.1, device_type='cpu')\n"
        "    net(torch.ones(1, 2)).sum().backward()\n"
        "    update_of(optimizer)()\n"
        "    optimizer.load_state_dict(optimizer.state_dict())\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_fused_adam_is_called_directly_and_to_the_last_bit() -> None:
    """Beside torch's own steps: decay, groups, a rate that changes, a gradient that is missing, a state that is loaded."""
    nets, optimizers = [], []
    for _ in range(2):
        net = network()
        groups = [
            {"params": list(net[0].parameters()), "weight_decay": 0.1},
            {"params": list(net[2].parameters()), "weight_decay": 0.0},
        ]
        nets.append(net)
        optimizers.append(torch.optim.AdamW(groups, lr=0.1, fused=True))
    update = update_of(optimizers[0])
    assert isinstance(update, DirectAdam)
    x = torch.randn(5, 3)
    states: list[dict] = []
    for number in range(12):
        for net, optimizer, step in zip(nets, optimizers, (update, optimizers[1].step), strict=True):
            optimizer.param_groups[0]["lr"] = 0.1 / (1 + number)
            net.zero_grad()
            net(x).square().sum().backward()
            if number == 5:
                net[0].bias.grad = None
            step()
            if number == 8:
                optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        states = [optimizer.state_dict()["state"] for optimizer in optimizers]
        for place, state in states[0].items():
            assert all(torch.equal(value, states[1][place][name]) for name, value in state.items()), number
        assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))
    assert float(states[0][0]["step"]) == 12
    assert float(states[0][1]["step"]) == 11


def test_what_the_kernel_does_not_cover_is_left_to_torch() -> None:
    parameters = list(network().parameters())
    assert isinstance(update_of(torch.optim.Adam(parameters, fused=True)), DirectAdam)
    for other in (
        torch.optim.Adam(parameters),
        torch.optim.Adam(parameters, fused=True, amsgrad=True),
        torch.optim.SGD(parameters, fused=True),
    ):
        assert not isinstance(update_of(other), DirectAdam)
