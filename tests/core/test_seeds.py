"""One seed, independent streams."""

import itertools
from typing import get_args

import numpy as np
import torch

from sonde.core.config import FeedConfig
from sonde.core.seeds import Stream, derive, generator
from sonde.data.feed.order import build_order

STREAMS: tuple[Stream, ...] = get_args(Stream)
SEEDS = [0, 1, 2, 1000, 2**31, 2**32, 2**32 + 1, 2**40, 2**63 - 1]


def test_every_seed_stream_and_place_has_a_number_of_its_own_in_32_bits() -> None:
    numbers = [derive(s, name, *keys) for s in SEEDS for name in STREAMS for keys in ((), (0,), (1,), (0, 1), (1, 0))]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**32 for number in numbers)


def test_numbers_stay_the_same_from_version_to_version() -> None:
    """A change would make every unfinished run's resume another run."""
    assert derive(0, "shuffle", 0) == 1245527588
    assert derive(7, "augment", 3, 12) == 1721680026


def test_the_generator_keeps_all_bits_of_its_seed() -> None:
    """torch's CPU generator drops the high 32: seeds that differ only there must not meet."""
    drawn = [torch.rand(4, generator=generator(s, "shuffle")).tolist() for s in SEEDS]
    assert len({str(row) for row in drawn}) == len(SEEDS)


def test_streams_are_uncorrelated() -> None:
    columns = np.stack(
        [torch.randn(20_000, generator=generator(seed, name)).numpy() for seed in (0, 1) for name in STREAMS]
    )
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 5 / 20_000**0.5


def test_drawing_from_one_stream_moves_no_other() -> None:
    first = torch.randperm(50, generator=generator(3, "shuffle"))
    torch.rand(1000, generator=generator(3, "augment"))
    torch.rand(1000)
    assert torch.equal(first, torch.randperm(50, generator=generator(3, "shuffle")))


def test_two_seeds_give_different_orders_in_every_epoch() -> None:
    config = FeedConfig(batch_size=8)
    orders = {
        (seed, epoch): tuple(build_order(200, config, training=True, seed=seed).of_epoch(epoch).tolist())
        for seed in SEEDS
        for epoch in range(3)
    }
    assert len(set(orders.values())) == len(orders)
    for one, other in itertools.combinations(orders.values(), 2):
        assert sum(a == b for a, b in zip(one, other, strict=True)) < 12  # chance: 1 in 200, 1 row on average
