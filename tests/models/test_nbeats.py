import math

import numpy as np
import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.nbeats import NBeats, NBeatsConfig, OnBasis, season_basis, trend_basis

SPEC = InputSpec(kind="series", shape=(40, 2))


def test_the_trend_basis_is_numpy_s_powers() -> None:
    found = trend_basis(3, 10, before=False)
    np.testing.assert_allclose(found, np.vander(np.arange(10) / 10, 4, increasing=True).T, rtol=1e-6)
    before = trend_basis(1, 10, before=True)[1]
    torch.testing.assert_close(before, (torch.arange(10) - 10) / 10)


def test_the_season_basis_is_orthogonal_over_a_horizon_and_goes_on_without_a_break() -> None:
    horizon = 12
    basis = season_basis(horizon, horizon, before=False).double()
    assert basis.shape == (12, 12)
    gram = basis @ basis.T
    expected = torch.eye(12, dtype=torch.float64) * horizon / 2
    expected[0, 0], expected[6, 6] = horizon, 0  # a constant; and the sine of no period
    torch.testing.assert_close(gram, expected, atol=1e-5, rtol=0)
    before = season_basis(horizon, 24, before=True)
    torch.testing.assert_close(before[:, 12:], basis.float(), atol=1e-5, rtol=0)
    assert before[1, -1] == pytest.approx(math.cos(2 * math.pi * -1 / 12), abs=1e-5)


def test_on_a_basis_numbers_are_the_rows_weights() -> None:
    side = OnBasis(3, torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 2.0, 3.0]]))
    with torch.no_grad():
        side.theta.weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    torch.testing.assert_close(side(torch.tensor([[5.0, 2.0, 9.0]])), torch.tensor([[5.0, 7.0, 9.0, 11.0]]))


def test_forecasts_of_blocks_are_added_and_each_is_fed_what_is_left() -> None:
    model = NBeats(SPEC, 6, NBeatsConfig(stacks=2, width=16, theta=8))
    past = torch.randn(3, 40)
    first, second = model.blocks
    left, one = first(past)
    unchanged, two = second(left)
    torch.testing.assert_close(model.ahead(past), one + two)
    assert unchanged is left, "after the last block nobody asks what is left"
    assert not torch.allclose(left, past)


@pytest.mark.parametrize(
    ("basis", "blocks"), [("generic", 1), ("generic", 2), ("interpretable", 1), ("interpretable", 3)]
)
def test_shapes_and_a_gradient_everywhere(basis: str, blocks: int) -> None:
    model = NBeats(SPEC, 6, NBeatsConfig(basis=basis, blocks=blocks, stacks=2, width=16, theta=8))  # type: ignore[arg-type]
    found = model(torch.randn(3, 40, 2))
    assert found.shape == (3, 6, 2)
    found.square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_blocks_of_an_interpretable_stack_are_one_used_again() -> None:
    one, three = (NBeats(SPEC, 6, NBeatsConfig(basis="interpretable", blocks=n, width=16)) for n in (1, 3))
    assert len(three.blocks) == 6
    season_back = 16 * len(season_basis(6, 40, before=True))  # which the last block alone does without
    assert sum(p.numel() for p in three.parameters()) == sum(p.numel() for p in one.parameters()) + season_back


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="--width must be at least 1, got 0"):
        NBeatsConfig(width=0)
