"""Known values beside a forecaster: their effect off the past and on the forecast, and of every network that forecasts."""

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.models.build import build
from sonde.models.suitable import suitable
from sonde.nn.known_ahead import Effect, KnownAhead

LOOK_BACK, HORIZON, KNOWN = 48, 12, 3
INPUT = InputSpec(kind="series", shape=(LOOK_BACK, 2), forecast=1, covariates=KNOWN)
LENGTHS = torch.full((4,), LOOK_BACK)


class LastValue(nn.Module):
    """Repeats the last value, and what stands beside it is left alone."""

    def forward(self, input: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        assert (input[..., 1] == 7).all()
        return input[:, -1:, :1].expand(-1, HORIZON, -1)


@pytest.mark.parametrize("name", suitable("series", "horizon"))
def test_every_forecaster_takes_them_and_begins_as_without(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, INPUT, HORIZON).eval()
    assert isinstance(model, KnownAhead)
    input, covariates = torch.randn(4, LOOK_BACK, 2), torch.randn(4, LOOK_BACK + HORIZON, KNOWN)
    found = model(input, LENGTHS, covariates)
    assert found.shape == (4, HORIZON, 1)
    torch.testing.assert_close(found, model.network(input, LENGTHS))
    nn.init.normal_(model.effect.head.weight)
    found = model(input, LENGTHS, covariates)
    changed = covariates.clone()
    changed[:, LOOK_BACK + 5] += 1
    apart = (model(input, LENGTHS, changed) - found).abs().amax((0, 2))
    assert apart[5] > 0
    assert (apart[torch.arange(HORIZON) != 5] == 0).all(), "a step's known values say nothing of another step"


def test_the_effect_leaves_the_past_and_comes_with_the_forecast() -> None:
    model = KnownAhead(LastValue(), look_back=LOOK_BACK, variables=1, known=KNOWN)
    nn.init.normal_(model.effect.head.weight)
    covariates = torch.randn(4, LOOK_BACK + HORIZON, KNOWN)
    effect = model.effect(covariates).detach()
    level = torch.randn(4, 1, 1)
    series = torch.cat([level + effect[:, :LOOK_BACK], torch.full((4, LOOK_BACK, 1), 7.0)], dim=2)
    torch.testing.assert_close(model(series, LENGTHS, covariates), level + effect[:, LOOK_BACK:])


def test_nothing_is_added_at_first() -> None:
    assert (Effect(KNOWN, 2)(torch.randn(4, 5, KNOWN)) == 0).all()


def test_series_without_known_values_have_the_network_alone() -> None:
    plain = build("nlinear", InputSpec(kind="series", shape=(LOOK_BACK, 2), forecast=1), HORIZON)
    assert not isinstance(plain, KnownAhead)
