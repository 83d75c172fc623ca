import numpy as np
import pytest
import torch

from sonde.losses.regression import absolute, huber, log_cosh, squared

PREDICTION = torch.tensor([0.0, 1.0, -2.0, 5.0], dtype=torch.float64)
TARGET = torch.tensor([0.0, 0.5, 1.0, -5.0], dtype=torch.float64)
ERRORS = (PREDICTION - TARGET).numpy()


def test_values_are_the_closed_forms() -> None:
    assert squared(PREDICTION, TARGET).tolist() == pytest.approx((ERRORS**2).tolist())
    assert absolute(PREDICTION, TARGET).tolist() == pytest.approx(np.abs(ERRORS).tolist())
    assert log_cosh(PREDICTION, TARGET).tolist() == pytest.approx(np.log(np.cosh(ERRORS)).tolist())
    expected = np.where(np.abs(ERRORS) <= 2, ERRORS**2 / 2, 2 * (np.abs(ERRORS) - 1))
    assert huber(PREDICTION, TARGET, delta=2.0).tolist() == pytest.approx(expected.tolist())


def test_log_cosh_does_not_overflow() -> None:
    assert log_cosh(torch.tensor([1e4]), torch.zeros(1)).item() == pytest.approx(1e4 - np.log(2), rel=1e-6)


@pytest.mark.parametrize("loss", [squared, log_cosh, lambda p, t: huber(p, t, delta=1.5)])
def test_gradients_are_those_of_finite_differences(loss) -> None:  # noqa: ANN001
    assert torch.autograd.gradcheck(lambda p: loss(p, TARGET), (PREDICTION.clone().requires_grad_(),))
