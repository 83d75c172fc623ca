"""What moves a phase's weights: states that come back as they were, searches, and the parameters and rates that it holds."""

import torch
from sample_tasks import Supervised, mlp
from torch import Tensor, nn
from torch.optim.lr_scheduler import LinearLR

from sonde.core.seams import Phase
from sonde.engine.update import Update, load_optimizer, optimized_parameters, peak_rates, search_step, total_norm
from sonde.optim.schedulers import Scheduler


def test_moments_come_back_in_the_weights_own_layout() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(4, 3, 3, 3).contiguous(memory_format=torch.channels_last))
    optimizer = torch.optim.Adam([weight], fused=True)
    weight.grad = torch.randn_like(weight)
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0] = {name: value.contiguous().clone() for name, value in state["state"][0].items()}
    load_optimizer(optimizer, state)
    assert optimizer.state[weight]["exp_avg"].stride() == weight.stride()
    assert torch.equal(optimizer.state[weight]["exp_avg"], state["state"][0]["exp_avg"])


def test_the_norm_is_that_of_all_entries_together() -> None:
    gradients = [torch.randn(3, 4), torch.randn(7), torch.randn(())]
    whole = torch.cat([g.flatten() for g in gradients])
    torch.testing.assert_close(total_norm(gradients), whole.norm())
    assert float(total_norm([])) == 0.0


def test_lists_in_a_state_are_copies() -> None:
    """L-BFGS's history: what is loaded twice must not have been moved in between."""
    weight = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.LBFGS([weight], max_iter=4)

    def closure() -> Tensor:
        weight.grad = None
        value = (weight**4 * torch.tensor([1.0, 2.0, 3.0])).sum()
        value.backward()
        return value

    optimizer.step(closure)
    state = optimizer.state_dict()
    load_optimizer(optimizer, state)
    for directions in ("old_dirs", "old_stps", "ro"):
        loaded = optimizer.state[weight][directions]
        assert loaded
        assert all(torch.equal(a, b) and a is not b for a, b in zip(loaded, state["state"][0][directions], strict=True))


def test_a_search_computes_the_loss_where_it_stands_only_once() -> None:
    weight, asked = nn.Parameter(torch.ones(2)), []
    optimizer = torch.optim.LBFGS([weight], max_iter=3)

    def loss() -> Tensor:
        asked.append(weight.detach().clone())
        weight.grad = None
        value = (weight**2).sum()
        value.backward()
        return value

    first = loss()
    assert search_step(optimizer, [weight], first, loss) == ""
    assert not any(torch.equal(at, torch.ones(2)) for at in asked[1:])


def update(optimizer: torch.optim.Optimizer, module: nn.Module, scheduler: Scheduler | None = None) -> Update:
    task = Supervised(module)
    phase = Phase(name="model", loss=task.phases[0].loss, trains=[module])
    return Update(phase=phase, optimizer=optimizer, multiplier=lambda step: 1.0, scheduler=scheduler)


def test_what_an_update_moves_is_what_its_optimizer_holds() -> None:
    module = mlp(2, 3)
    first = list(module.parameters())[:1]
    made = update(torch.optim.SGD(first, lr=0.1), module)
    assert [id(parameter) for parameter in optimized_parameters(made)] == [id(first[0])]


def test_peaks_are_the_rates_before_a_scheduler_begins_below_them() -> None:
    module = mlp(2, 3)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    scheduler = Scheduler(LinearLR(optimizer, 0.1, total_iters=4), every="step")
    assert peak_rates(update(optimizer, module, scheduler)) == [0.5]
    assert optimizer.param_groups[0]["lr"] == 0.05
