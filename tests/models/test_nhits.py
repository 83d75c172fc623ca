from typing import Any

import numpy as np
import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.nhits import NHits, NHitsConfig, interpolated

SPEC = InputSpec(kind="series", shape=(48, 2))


def test_lines_are_drawn_as_numpy_draws_them() -> None:
    numbers = torch.randn(3, 4)
    places = (np.arange(12) + 0.5) / 3 - 0.5  # of the steps among the numbers, each in the middle of its three steps
    expected = [np.interp(places, np.arange(4), row) for row in numbers.numpy()]
    np.testing.assert_allclose(interpolated(numbers, 12), expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(interpolated(numbers, 4), numbers)
    assert torch.equal(interpolated(numbers[:, :1], 5), numbers[:, :1].expand(-1, 5))


def test_a_coarse_block_gives_few_numbers_and_sees_few() -> None:
    blocks: list[Any] = list(NHits(SPEC, 24, NHitsConfig(width=16)).blocks)
    assert [block.numbers for block in blocks] == [1, 2, 24]
    assert [block.layers[0].in_features for block in blocks] == [6, 12, 48]


def test_it_begins_at_the_last_value_and_adds_what_blocks_say() -> None:
    model = NHits(SPEC, 6, NHitsConfig(width=16, pool_kernels=(4, 1), downsample=(3, 1)))
    blocks: list[Any] = list(model.blocks)
    past = torch.randn(3, 48)
    left, one = blocks[0](past)
    _, two = blocks[1](left)
    torch.testing.assert_close(model.ahead(past), past[:, -1:] + one + two)
    with torch.no_grad():
        for block in blocks:
            torch.nn.init.zeros_(block.ahead.weight)
            torch.nn.init.zeros_(block.ahead.bias)
    window = torch.randn(2, 48, 2)
    torch.testing.assert_close(model(window), window[:, -1:].expand(-1, 6, -1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"pool_kernels": (2, 1)}, "--pool-kernels and --downsample need one number of at least 1 per block"),
     ({"downsample": (2, 1, 0)}, "--pool-kernels and --downsample need"),
     ({"dropout": -1}, "--dropout must be at least 0 and below 1, got -1")],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        NHitsConfig(**settings)  # type: ignore[arg-type]
