from typing import Any

import numpy as np
import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.dlinear import DLinear, DLinearConfig, NLinear, NLinearConfig, moving_average

LOOK_BACK, HORIZON, VARIABLES = 60, 12, 3
SPEC = InputSpec(kind="series", shape=(LOOK_BACK, VARIABLES))


def window(rows: int = 4) -> torch.Tensor:
    return torch.randn(rows, LOOK_BACK, VARIABLES, generator=torch.Generator().manual_seed(0))


def test_the_moving_average_is_that_of_numpy_with_the_ends_repeated() -> None:
    input = window(1)
    padded = torch.cat([input[:, :1].expand(-1, 12, -1), input, input[:, -1:].expand(-1, 12, -1)], 1)[0]
    expected = np.stack([np.convolve(column, np.full(25, 1 / 25), mode="valid") for column in padded.numpy().T], 1)
    torch.testing.assert_close(
        moving_average(input, 12)[0].double(), torch.tensor(expected).double(), atol=1e-5, rtol=1e-5
    )


def test_dlinear_begins_as_the_mean_of_the_window() -> None:
    input = window()
    found = DLinear(SPEC, HORIZON, DLinearConfig())(input)
    torch.testing.assert_close(found, input.mean(1, keepdim=True).expand(-1, HORIZON, -1), atol=1e-5, rtol=1e-5)


def test_it_learns_what_is_linear_exactly() -> None:
    """The next value of a sine is a fixed combination of two before it; least squares by hand is the reference."""
    generator = torch.Generator().manual_seed(1)
    phase = torch.rand(200, 1, 1, generator=generator) * 6.28
    time = torch.arange(LOOK_BACK + HORIZON).view(1, -1, 1)
    series = torch.sin(phase + 0.3 * time)
    model = NLinear(InputSpec(kind="series", shape=(LOOK_BACK, 1)), HORIZON, NLinearConfig())
    past, future = series[:, :LOOK_BACK], series[:, LOOK_BACK:]
    differences = (past - past[:, -1:])[..., 0]
    solution = torch.linalg.lstsq(differences, (future - past[:, -1:])[..., 0], driver="gelsd").solution  # (L, H)
    with torch.no_grad():
        model.ahead.weight.copy_(solution.T[None])
        model.ahead.bias.zero_()
        torch.testing.assert_close(model(past), future, atol=1e-3, rtol=1e-3)


def test_nlinear_follows_a_shift_of_its_window() -> None:
    model, input = NLinear(SPEC, HORIZON, NLinearConfig()), window()
    torch.testing.assert_close(model(input + 100), model(input) + 100, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "config", "matrices"),
    [(DLinear, DLinearConfig(), 2), (DLinear, DLinearConfig(individual=True), 6), (NLinear, NLinearConfig(), 1),
     (NLinear, NLinearConfig(individual=True), 3)],
)  # fmt: skip
def test_parameters_are_a_matrix_and_a_row_of_biases_each(build: Any, config: Any, matrices: int) -> None:
    model = build(SPEC, HORIZON, config)
    assert sum(p.numel() for p in model.parameters()) == matrices * (LOOK_BACK * HORIZON + HORIZON)
    assert model(window()).shape == (4, HORIZON, VARIABLES)


def test_variables_apart_do_not_meet() -> None:
    model, input = DLinear(SPEC, HORIZON, DLinearConfig(individual=True)), window()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    changed = input.clone()
    changed[:, :, 0] += 1
    assert torch.equal(model(changed)[:, :, 1:], model(input)[:, :, 1:])
    assert not torch.allclose(model(changed)[:, :, 0], model(input)[:, :, 0])


def test_only_what_is_forecast_is_answered() -> None:
    spec = InputSpec(kind="series", shape=(LOOK_BACK, VARIABLES), forecast=1)
    assert DLinear(spec, HORIZON, DLinearConfig())(window()).shape == (4, HORIZON, 1)


def test_an_even_average_is_refused() -> None:
    with pytest.raises(ConfigError, match="--kernel must be odd and at least 1, got 24"):
        DLinearConfig(kernel=24)
