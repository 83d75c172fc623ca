"""Adversarial losses beside their formulas, penalties beside closed forms and finite differences."""

import math

import pytest
import torch
from torch import Tensor, nn

from sonde.losses import adversarial


def test_values() -> None:
    real, made = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 1.0])
    log = math.log1p
    expected = (log(math.exp(-2)) + log(math.exp(-0.5))) / 2 + (log(math.exp(-3)) + log(math.exp(1))) / 2
    assert float(adversarial.non_saturating_critic(real, made)) == pytest.approx(expected)
    assert float(adversarial.non_saturating_generator(made)) == pytest.approx(
        (log(math.exp(3)) + log(math.exp(-1))) / 2
    )
    assert float(adversarial.hinge_critic(real, made)) == pytest.approx((0 + 0.5) / 2 + (0 + 2) / 2)
    assert float(adversarial.wasserstein_critic(real, made)) == pytest.approx(-1 - 1.25)
    assert float(adversarial.raised(made)) == pytest.approx(1.0)


def test_the_non_saturating_gradient_stays_where_the_critic_is_sure() -> None:
    made = torch.tensor([-30.0], requires_grad=True)
    adversarial.non_saturating_generator(made).backward()
    assert made.grad is not None
    assert float(made.grad) == pytest.approx(-1.0)


def test_r1_of_a_linear_critic_is_half_its_squared_weight() -> None:
    weight = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    rows = torch.randn(7, 3, dtype=torch.float64)
    found = adversarial.r1_penalty(lambda x: x @ weight, rows)
    found.backward()
    assert float(found.detach()) == pytest.approx(5.25 / 2)
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, weight.detach())  # of |w|² / 2


def test_the_gradient_penalty_of_a_linear_critic() -> None:
    weight = torch.tensor([3.0, 4.0], dtype=torch.float64)
    rows, share = torch.randn(2, 5, 2, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    assert float(adversarial.gradient_penalty(lambda x: x @ weight, rows[0], rows[1], share)) == pytest.approx(16.0)


def test_rows_lie_between_made_and_real_ones() -> None:
    met: list[Tensor] = []

    def critic(rows: Tensor) -> Tensor:
        met.append(rows.detach())
        return rows.square().flatten(1).sum(1)

    real, made = torch.full((3, 1, 2, 2), 2.0), torch.zeros(3, 1, 2, 2)
    adversarial.gradient_penalty(critic, real, made, torch.tensor([0.0, 0.25, 1.0]))
    assert met[0].flatten(1).mean(1).tolist() == [0.0, 0.5, 2.0]


@pytest.mark.parametrize("kind", ["gradient_penalty", "r1"])
def test_penalties_and_their_gradients_are_those_of_finite_differences(kind: str) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    real, made, share = torch.randn(4, 3).double(), torch.randn(4, 3).double(), torch.rand(4).double()

    def critic(rows: Tensor) -> Tensor:
        return net(rows).squeeze(1)

    def penalty() -> Tensor:
        if kind == "r1":
            return adversarial.r1_penalty(critic, real)
        return adversarial.gradient_penalty(critic, real, made, share)

    def by_differences(step: float = 1e-5) -> float:
        """The penalty with the gradient by the input from differences of the critic's answers."""
        rows = real if kind == "r1" else made + share[:, None] * (real - made)
        columns = []
        for place in range(3):
            shift = torch.zeros(3).double()
            shift[place] = step
            columns.append((critic(rows + shift) - critic(rows - shift)) / (2 * step))
        norm = torch.stack(columns, 1).norm(dim=1)
        return float(norm.detach().square().mean() / 2 if kind == "r1" else (norm.detach() - 1).square().mean())

    found = penalty()
    assert float(found.detach()) == pytest.approx(by_differences(), abs=1e-9)
    for parameter in net.parameters():
        (exact,) = torch.autograd.grad(penalty(), parameter, allow_unused=True)
        if exact is None:  # the last bias changes no gradient
            continue
        for place in range(parameter.numel()):
            values = []
            for step in (1e-5, -1e-5):
                with torch.no_grad():
                    parameter.view(-1)[place] += step
                values.append(float(penalty().detach()))
                with torch.no_grad():
                    parameter.view(-1)[place] -= step
            assert float(exact.flatten()[place]) == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-8)


def test_a_gradient_of_zero_gives_no_nan() -> None:
    weight = torch.zeros(3, requires_grad=True)
    adversarial.gradient_penalty(lambda x: x @ weight, torch.randn(2, 3), torch.randn(2, 3), torch.rand(2)).backward()
    assert weight.grad is not None
    assert weight.grad.isfinite().all()
