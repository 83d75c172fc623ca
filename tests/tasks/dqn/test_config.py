"""Settings of deep Q-learning."""

from typing import Any

import pytest

from sonde.core.errors import ConfigError
from sonde.tasks.dqn.config import DQNConfig


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"priority": -0.5}, "--priority must be at least 0, got -0.5"),
        ({"priority_correction": 0.5}, "--priority-correction is for prioritised replay; give --priority 0.6"),
        ({"atoms": 51}, "--atoms needs --value-range .* such as --value-range 0 100, got none"),
        ({"atoms": 51, "value_range": (3.0, 1.0)}, "--atoms needs --value-range .* got 3.0 1.0"),
        ({"atoms": 1, "value_range": (0.0, 1.0)}, "--atoms is 0 for the mean, or 2 and more, got 1"),
        ({"atoms": 51, "quantiles": 9, "value_range": (0.0, 1.0)}, "--atoms and --quantiles both say how"),
        ({"value_range": (0.0, 1.0)}, "--value-range is for --atoms; give --atoms 51"),
        ({"replay": 10}, "at most --replay, which is 10, and is 1,000 by default; give both"),
        ({"replay": 10, "warmup_steps": 20}, "at most --replay, which is 10, got 20"),
        ({"quantiles": 1}, "--quantiles is 0 for the mean"),
        (
            {"warmup_steps": 200_000},
            "--warmup-steps must be at most --replay, which is 100,000 by default, got 200,000",
        ),
    ],
)
def test_settings_out_of_range(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        DQNConfig(**settings)
