"""Back-propagation and finite differences: right networks, wrong ones, and what cannot be compared."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sonde.core.errors import ConfigError
from sonde.diagnose.gradient_check import checked


def check(net: nn.Module, loss=None, **settings):
    torch.manual_seed(0)
    rows, truth = torch.randn(6, 5, dtype=torch.float64), torch.randint(3, (6,))
    net.double()
    return checked(net, lambda: (loss or F.cross_entropy)(net(rows), truth), dict(net.named_parameters()), **settings)


def net() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3)
    )


def test_dropout_and_batch_norm_in_training_mode_agree_and_are_left_as_they_were():
    one = net()
    before = {name: value.clone() for name, value in one.double().state_dict().items()}
    found = check(one, entries=8)
    assert found.agrees
    verdicts = {each.name: each.verdict for each in found.tensors}
    assert verdicts.pop("0.bias") == "too small to compare"  # the batch norm takes it away
    assert set(verdicts.values()) == {"agrees"}
    assert max(each.worst.error for each in found.tensors) < 1e-5
    assert all(torch.equal(before[name], value) for name, value in one.state_dict().items())
    assert one.training


def test_a_subset_is_compared_and_the_cost_of_all_is_told():
    found = check(net(), entries=4)
    compared = {each.name: each.compared for each in found.tensors}
    assert compared["0.weight"] == 4
    assert compared["6.bias"] == 3
    assert found.weights == 5 * 8 + 8 + 16 + 8 * 8 + 8 + 8 * 3 + 3
    assert found.passes >= 2 * (sum(compared.values()) + len(found.tensors))
    assert found.all_differences_s == pytest.approx(2 * found.weights * found.forward_s)
    assert "for all 163 weights at once" in str(found)


class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sin()

    @staticmethod
    def backward(ctx, *grad_outputs):
        return grad_outputs[0]


class Sine(nn.Module):
    def forward(self, x):
        return Wrong.apply(x)


def test_a_wrong_function_is_found_and_its_layer_named():
    one = net()
    one[5] = Sine()
    found = check(one, entries=4)
    assert found.wrong[-1] == "4.bias"
    assert found.blamed == ["5 (Sine)"]
    assert found.between == ("4.bias", "6.weight")
    assert "the backward pass of 5 (Sine) is wrong" in found.sentences()[0]


def test_a_mistake_of_a_tenth_per_cent_is_found():
    class Slightly(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, *grad_outputs):
            return 2.002 * grad_outputs[0]

    found = check(nn.Linear(5, 3), loss=lambda output, target: F.cross_entropy(Slightly.apply(output), target))
    assert found.wrong == ["weight", "bias"]
    assert found.blamed == []
    assert "each module alone is right: the mistake is in the loss" in found.sentences()[0]


def test_a_loss_that_differs_between_calls_is_refused():
    numbers = iter(range(1, 100))
    with pytest.raises(ConfigError, match="something in it changes at each call"):
        check(net(), loss=lambda output, target: F.cross_entropy(output, target) * next(numbers))


def test_a_loss_that_is_not_finite_is_refused():
    with pytest.raises(ConfigError, match="the loss is nan"):
        check(net(), loss=lambda output, target: output.mean() * float("nan"))


def test_rounding_inside_is_noticed_and_not_taken_for_a_mistake():
    class Single(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(5, 8), nn.Linear(8, 3)

        def forward(self, x):
            return self.last(self.first(x).float().tanh().double())

    found = check(Single())
    assert found.agrees
    assert found.rough > 1e-11
    assert any("computed in less than float64" in each for each in found.sentences())


def test_a_loss_that_needs_gradients_itself_is_checked():
    def penalty(output, target):
        return (
            F.cross_entropy(output, target)
            + torch.autograd.grad(output.sin().sum(), output, create_graph=True)[0].mean()
        )

    assert check(nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)), loss=penalty).agrees


def test_tied_and_channels_last_weights_are_moved_in_place():
    conv = nn.Sequential(nn.Unflatten(1, (5, 1, 1)), nn.Conv2d(5, 4, 1), nn.Flatten(), nn.Linear(4, 3))
    conv.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert check(conv).agrees


def test_without_weights_there_is_nothing_to_check():
    with pytest.raises(ConfigError, match="no parameter is trained"):
        checked(nn.ReLU(), lambda: torch.zeros(()), {})
