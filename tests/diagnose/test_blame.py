"""Of several modules the smallest is named whose own backward pass is wrong."""

import torch
from torch import nn

from sonde.diagnose.blame import at_fault


class Doubled(torch.autograd.Function):
    """x², with half its slope."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx, *grad_outputs):
        return grad_outputs[0] * ctx.saved_tensors[0]


class Square(nn.Module):
    def forward(self, x):
        return Doubled.apply(x)


class Block(nn.Module):
    """The mistake in its own forward, or in a module of it."""

    def __init__(self, inner: nn.Module | None):
        super().__init__()
        self.first, self.inner, self.last = nn.Linear(4, 4), inner, nn.Linear(4, 4)

    def forward(self, x):
        x = self.first(x)
        return self.last(Doubled.apply(x) if self.inner is None else self.inner(x))


def blamed(net: nn.Module) -> list[str]:
    torch.manual_seed(0)
    rows = torch.rand(5, 4, dtype=torch.float64)
    held = nn.ModuleDict({"model": net.double()})
    return at_fault(held, lambda: held["model"](rows).square().mean())


def test_the_innermost_is_named():
    assert blamed(nn.Sequential(nn.Linear(4, 4), Block(Square()), nn.ReLU())) == ["model.1.inner"]
    assert blamed(nn.Sequential(nn.Linear(4, 4), Block(None), nn.ReLU())) == ["model.1"]


def test_several_are_named_in_their_order():
    assert blamed(nn.Sequential(Square(), nn.Linear(4, 4), Block(Square()))) == ["model.0", "model.2.inner"]


def test_nothing_is_said_of_right_ones_at_ties_and_zeros():
    net = nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1, 4),
                        nn.BatchNorm1d(4), nn.Dropout(0.5), nn.LayerNorm(4), nn.Softmax(1))  # fmt: skip
    assert blamed(net) == []


def test_modules_with_several_inputs_and_outputs_are_called_as_they_were():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(4, 3, batch_first=True)
            self.attention = nn.MultiheadAttention(3, 1, batch_first=True)

        def forward(self, x):
            states, _ = self.rnn(x.unsqueeze(1).expand(-1, 2, -1))
            return self.attention(query=states, key=states, value=states, need_weights=True)[0]

    assert blamed(Both()) == []
