import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import brier_score_loss
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from sonde.losses import classification as losses


@pytest.fixture
def logits() -> Tensor:
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)


@pytest.fixture
def target() -> Tensor:
    return torch.tensor([0, 1, 2, 3, 0, 1])


def test_cross_entropy_with_smoothing_is_that_of_a_softened_target(logits: Tensor, target: Tensor) -> None:
    soft = 0.8 * F.one_hot(target, 4) + 0.2 / 4
    expected = -(soft * (logits - logits.exp().sum(1, keepdim=True).log())).sum(1)
    torch.testing.assert_close(losses.cross_entropy(logits, target, smoothing=0.2), expected)


def test_one_logit_is_two_classes(target: Tensor) -> None:
    """sigmoid(z) is the softmax of (0, z), so every loss must agree, smoothing and focusing included."""
    z = torch.linspace(-3, 3, 6, dtype=torch.float64)
    pair, label = torch.stack([torch.zeros_like(z), z], 1), target % 2
    one = losses.binary_cross_entropy(z, label.double(), smoothing=0.1)
    torch.testing.assert_close(one, losses.cross_entropy(pair, label, smoothing=0.1))
    torch.testing.assert_close(losses.binary_focal(z, label.double(), gamma=1.5), losses.focal(pair, label, gamma=1.5))
    torch.testing.assert_close(2 * losses.binary_squared_error(z, label.double()), losses.squared_error(pair, label))


def test_focal_is_the_published_formula(logits: Tensor, target: Tensor) -> None:
    p = logits.softmax(1)[torch.arange(6), target]
    torch.testing.assert_close(losses.focal(logits, target, gamma=2.0), -((1 - p) ** 2) * p.log())
    torch.testing.assert_close(losses.focal(logits, target, gamma=0.0), losses.cross_entropy(logits, target))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_has_finite_gradients_where_the_model_is_certain(gamma: float) -> None:
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    losses.focal(logits, torch.tensor([0, 0]), gamma=gamma).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_squared_error_is_the_brier_score(target: Tensor) -> None:
    z = torch.linspace(-2, 2, 6, dtype=torch.float64)
    found = losses.binary_squared_error(z, (target % 2).double()).mean().item()
    assert found == pytest.approx(brier_score_loss(target.numpy() % 2, z.sigmoid().numpy()))


@pytest.mark.parametrize("name", ["cross_entropy", "focal", "squared_error"])
def test_gradients_are_those_of_finite_differences(logits: Tensor, target: Tensor, name: str) -> None:
    settings = {"smoothing": 0.1} if name == "cross_entropy" else {"gamma": 1.5} if name == "focal" else {}
    assert torch.autograd.gradcheck(lambda z: getattr(losses, name)(z, target, **settings), (logits,))


def test_binary_gradient_of_a_hard_mistake_does_not_vanish_under_cross_entropy_alone() -> None:
    """Why classifiers are not trained on squared error: sigmoid's slope kills its gradient where it is most wrong."""
    z = torch.tensor([-12.0], requires_grad=True)
    (entropy,) = torch.autograd.grad(losses.binary_cross_entropy(z, torch.ones(1)).sum(), z)
    (squared,) = torch.autograd.grad(losses.binary_squared_error(z, torch.ones(1)).sum(), z)
    assert entropy.item() == pytest.approx(-1, abs=1e-4)
    assert abs(squared.item()) < 2 * math.exp(-12) * 1.01


def test_balanced_weights_are_scikit_learns() -> None:
    labels = np.array([0] * 50 + [1] * 30 + [2] * 5)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert losses.balanced_weights(torch.tensor([50, 30, 5])).tolist() == pytest.approx(expected.tolist())
    assert losses.balanced_weights(torch.tensor([5, 0])).tolist() == [0.5, 0.0]
