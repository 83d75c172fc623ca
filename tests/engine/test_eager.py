"""Eager execution: what the stepper asks for."""

import torch
from sample_tasks import CPU, MaskedTokens, Supervised, batch, mlp, stepper
from torch import Tensor, nn

from sonde.engine.execution.settings import StepSettings
from sonde.engine.step import Eager


def test_the_gradient_of_pieces_is_that_of_their_mean_loss() -> None:
    torch.manual_seed(0)
    task = MaskedTokens(nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 11)))
    token = torch.randint(0, 11, (6, 5))
    data = batch(token=token, target=token.roll(-1, 1), mask=(torch.rand(6, 5) > 0.4).float())
    parameters = list(task.modules["model"].parameters())
    expected = torch.autograd.grad(task.loss(data).value, parameters)
    parameters[0].grad = torch.ones_like(parameters[0])  # of before: not added to
    execution = Eager(StepSettings(device=CPU))
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    found = execution.gradient(task.phases[0], optimizer, parameters, data.split(4))
    for parameter, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)
    torch.testing.assert_close(found["loss"], task.loss(data).value.detach())
    assert not found["loss"].requires_grad


def test_an_update_that_is_to_be_skipped_leaves_the_weights_where_the_kernel_can_do_so() -> None:
    weight = nn.Parameter(torch.ones(3))
    execution = Eager(StepSettings(device=CPU))
    fused, plain = torch.optim.Adam([weight], lr=0.1, fused=True), torch.optim.RMSprop([weight], lr=0.1)
    assert (execution.skips(fused), execution.skips(plain)) == (True, False)
    weight.grad = torch.ones(3)
    execution.update(fused, torch.tensor(1.0))
    assert torch.equal(weight, torch.ones(3))
    execution.update(fused, torch.tensor(0.0))
    assert float(weight.detach().max()) < 1


def test_threads_are_those_of_the_process() -> None:
    execution, before = stepper(Supervised(mlp(2, 3))).execution, torch.get_num_threads()
    try:
        execution.threads = 1
        assert torch.get_num_threads() == execution.threads == 1
    finally:
        torch.set_num_threads(before)


def test_the_loss_scale_is_its_state() -> None:
    settings = StepSettings(device=CPU, precision="fp16")
    first, second = Eager(settings), Eager(settings)
    assert first.scaler is not None
    assert second.scaler is not None
    first.scaler = torch.amp.GradScaler("cpu", init_scale=128.0)
    first.scaler.scale(Tensor([1.0]))
    second.load_state_dict(first.state_dict())
    assert second.scaler.get_scale() == 128.0
    assert Eager(StepSettings(device=CPU)).state_dict() == {"scaler": None}
