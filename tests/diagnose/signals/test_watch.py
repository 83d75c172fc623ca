"""What is measured of a step, beside values computed by hand, and that measuring changes nothing."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sonde.diagnose.signals import calls
from sonde.diagnose.signals.watch import ForwardWatch, Readings

X = torch.linspace(-2, 3, 24).reshape(6, 4)
Y = torch.tensor([0, 1, 2, 0, 1, 2])


def network(activation: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 5), activation or nn.ReLU(), nn.Linear(5, 3))


def watched(net: nn.Module, x: Tensor, y: Tensor, loss: object = F.cross_entropy, **more: bool) -> ForwardWatch:
    watch = ForwardWatch({id(p): name for name, p in net.named_parameters()}, Readings(), **more)
    with watch:
        value = loss(net(x), y)  # type: ignore[operator]
    value.backward()
    return watch


def test_outputs_and_errors_of_two_layers_are_those_computed_by_hand() -> None:
    net = network()
    one, two = net[0], net[2]
    assert isinstance(one, nn.Linear)
    assert isinstance(two, nn.Linear)
    inside = X @ one.weight.T + one.bias
    active = inside.clamp(min=0)
    scores = active @ two.weight.T + two.bias
    inside, active, scores = inside.detach(), active.detach(), scores.detach()
    error = (scores.softmax(1) - F.one_hot(Y, 3)) / 6  # of cross entropy, mean over six rows
    back = error @ two.weight.detach()
    wanted = [
        ("0", "layer", inside, back * (inside > 0)),
        ("0 → relu", calls.ZEROED, active, back),
        ("2", "layer", scores, error),
    ]
    found = watched(net, X, Y).outputs()
    assert [(each.name, each.kind) for each in found] == [(name, kind) for name, kind, _, _ in wanted]
    for each, (_, _, output, delta) in zip(found, wanted, strict=True):
        assert each.mean == pytest.approx(float(output.mean()), abs=1e-6)
        assert each.spread == pytest.approx(float(output.std(unbiased=False)), abs=1e-6)
        assert each.error == pytest.approx(float(delta.square().mean().sqrt()), rel=1e-5)


def test_silent_units_are_those_that_are_0_for_every_row() -> None:
    net = network()
    assert isinstance(net[0], nn.Linear)
    with torch.no_grad():
        net[0].get_parameter("bias").copy_(torch.tensor([-100.0, -100.0, 100.0, 100.0, 100.0]))
    assert watched(net, X, Y).outputs()[1].silent == pytest.approx(0.4)


def test_channels_of_pictures_are_units() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    with torch.no_grad():
        net[0].get_parameter("bias").copy_(torch.tensor([-100.0, 100.0, 100.0, 100.0]))
    pictures = torch.rand(6, 1, 4, 4)
    assert watched(net, pictures, Y).outputs()[1].silent == pytest.approx(0.25)


@pytest.mark.parametrize(("activation", "edge"), [(nn.Tanh(), 0.97), (nn.Sigmoid(), 0.97)])
def test_stuck_entries_are_within_3_per_cent_of_a_limit(activation: nn.Module, edge: float) -> None:
    net = network(activation)
    given = activation(net[0](50 * X)).detach()
    low = -edge if isinstance(activation, nn.Tanh) else 1 - edge
    stuck = float(((given < low) | (given > edge)).float().mean())
    assert 0 < stuck < 1
    assert watched(net, 50 * X, Y).outputs()[1].stuck == pytest.approx(stuck)


def test_what_reaches_the_first_layer() -> None:
    x = torch.cat([X, torch.full((6, 1), 7.0)], 1)
    net = nn.Sequential(nn.Linear(5, 5), nn.LayerNorm(5), nn.Linear(5, 3))
    entry = watched(net, x, Y).entry()
    assert entry is not None
    spreads = x.std(0, unbiased=False)
    assert (entry.lowest, entry.highest, entry.normed) == (-2.0, 7.0, True)
    assert entry.mean == pytest.approx(float(x.mean()))
    assert entry.spread == pytest.approx(float(x.std(unbiased=False)))
    assert entry.constant == pytest.approx(0.2)
    assert entry.widest == pytest.approx(float(spreads.max()))
    assert entry.narrowest == pytest.approx(float(spreads[:4].min()))
    plain = watched(network(), X, Y).entry()
    assert plain is not None
    assert not plain.normed


@pytest.mark.parametrize("norm", [nn.LayerNorm(5), nn.BatchNorm1d(5), nn.GroupNorm(1, 5), nn.RMSNorm(5)])
def test_norms_are_layers_of_their_own(norm: nn.Module) -> None:
    net = nn.Sequential(nn.Linear(4, 5), norm, nn.ReLU(), nn.Linear(5, 3))
    watch = watched(net, X, Y)
    assert [(each.name, each.kind) for each in watch.outputs()] == [
        ("0", "layer"), ("1", "norm"), ("1 → relu", calls.ZEROED), ("3", "layer")
    ]  # fmt: skip
    entry = watch.entry()
    assert entry is not None
    assert entry.normed


def test_tokens_have_no_scale() -> None:
    net = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(8, 3))
    assert watched(net, torch.arange(12).reshape(6, 2) % 9, Y).entry() is None


def test_a_call_of_cross_entropy() -> None:
    net, target = network(), torch.tensor([0, 0, 2, -100, 2, 2])
    (call,) = watched(net, X, target).loss_calls()
    scores = net(X).detach()
    assert (call.kind, call.name, call.shape, call.target) == (calls.CLASSES, "cross_entropy", (6, 3), (6,))
    assert call.counts == {0: 2, 2: 3}
    assert call.value == pytest.approx(float(F.cross_entropy(scores, target)))
    assert call.off == pytest.approx(float((scores.sum(1) - 1).abs().max()), rel=1e-5)
    assert (call.smoothing, call.weighted, call.reduction) == (0.0, False, "mean")


def test_how_a_loss_is_called_is_kept() -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return nn.CrossEntropyLoss(weight=torch.ones(3), label_smoothing=0.1, reduction="sum")(output, target)

    (call,) = watched(network(), X, Y, loss).loss_calls()
    assert (call.smoothing, call.weighted, call.reduction) == (pytest.approx(0.1), True, "sum")


def test_a_call_of_a_squared_error_has_sums_of_its_targets() -> None:
    target = torch.arange(18.0).reshape(6, 3)
    (call,) = watched(network(), X, target, F.mse_loss).loss_calls()
    assert call.kind == calls.VALUES
    columns = target.double()
    assert list(call.sums) == [*[6.0] * 3, *columns.sum(0).tolist(), *columns.square().sum(0).tolist()]


def test_nothing_that_is_computed_changes() -> None:
    plain, other = network(nn.Dropout(0.5)), network(nn.Dropout(0.5))
    torch.manual_seed(5)
    F.cross_entropy(plain(X), Y).backward()
    torch.manual_seed(5)
    watched(other, X, Y)
    for one, two in zip(plain.parameters(), other.parameters(), strict=True):
        assert one.grad is not None
        assert two.grad is not None
        assert torch.equal(one.grad, two.grad)


def test_in_place_activations_are_measured_and_stay_right() -> None:
    plain, other = network(nn.ReLU()), network(nn.ReLU(inplace=True))
    F.cross_entropy(plain(X), Y).backward()
    watch = watched(other, X, Y)
    assert isinstance(plain[0], nn.Linear)
    assert isinstance(other[0], nn.Linear)
    torch.testing.assert_close(plain[0].weight.grad, other[0].weight.grad, rtol=0, atol=0)
    assert [each.name for each in watch.outputs()] == ["0", "0 → relu", "2"]


def test_a_single_row_does_not_show_that_rows_are_alike() -> None:
    entered = [watched(network(), x, Y[: len(x)]).entry() for x in (X[:1], X[:1].repeat(6, 1))]
    assert [entry.constant for entry in entered if entry is not None] == [0.0, 1.0]
