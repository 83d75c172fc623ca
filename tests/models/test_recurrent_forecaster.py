import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.recurrent_forecaster import RecurrentForecasterConfig, gru_forecaster, lstm_forecaster

SPEC = InputSpec(kind="series", shape=(30, 3), forecast=2)


@pytest.mark.parametrize(("build", "gates"), [(lstm_forecaster, 4), (gru_forecaster, 3)])
def test_all_variables_are_read_and_some_are_said(build, gates: int) -> None:  # type: ignore[no-untyped-def]
    model = build(SPEC, 5, RecurrentForecasterConfig(width=8)).eval()
    recurrent = gates * (8 * 3 + 8 * 8 + 2 * 8)
    assert sum(p.numel() for p in model.parameters()) == recurrent + 8 * 10 + 10
    window = torch.randn(4, 30, 3)
    found = model(window)
    assert found.shape == (4, 5, 2)
    changed = window.clone()
    changed[:, 15, 2] += 1
    assert not torch.allclose(model(changed), found, atol=1e-4), "the third variable tells about the others"
    torch.testing.assert_close(model(10 * window + 3), 10 * found + 3, atol=1e-3, rtol=1e-3)


def test_without_a_head_it_repeats_the_last_value() -> None:
    model = lstm_forecaster(SPEC, 5, RecurrentForecasterConfig()).eval()
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    window = torch.randn(2, 30, 3)
    torch.testing.assert_close(model(window), window[:, -1:, :2].expand(-1, 5, -1), atol=1e-5, rtol=1e-5)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="--width must be at least 1, got 0"):
        RecurrentForecasterConfig(width=0)
