import re
from typing import Any

import numpy as np
import pytest
import torch

from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError
from sonde.data.feed.order import Batches, Order, build_order


def order(rows: int = 100, *, training: bool = True, seed: int = 0, **more: object) -> Order:
    config = FeedConfig(batch_size=16, balanced=bool(more.pop("balanced", False)))
    return build_order(rows, config, training=training, seed=seed, **more)  # type: ignore[arg-type]


def test_an_epoch_holds_every_row_once() -> None:
    assert order().of_epoch(3).sort().values.tolist() == list(range(100))


def test_without_training_rows_stand_as_they_are() -> None:
    assert order(training=False).of_epoch(5).tolist() == list(range(100))


def test_epochs_and_seeds_differ_and_repeat() -> None:
    orders = [order(seed=seed).of_epoch(epoch).tolist() for seed in (0, 1, 2**33) for epoch in (0, 1)]
    assert len({tuple(found) for found in orders}) == 6
    assert orders[0] == order(seed=0).of_epoch(0).tolist()


@pytest.mark.parametrize(
    ("rows", "sizes"), [(48, [16, 16, 16]), (34, [16, 16, 2]), (33, [16, 17]), (17, [17]), (1, [1])]
)
def test_the_last_batch_may_be_smaller_but_a_single_row_joins_the_one_before(rows: int, sizes: list[int]) -> None:
    found = order(rows)
    assert [len(batch) for batch in found.batches_of(0)] == sizes
    assert (found.batches, found.largest) == (len(sizes), max(sizes))
    assert torch.cat(list(found.batches_of(3))).tolist() == found.of_epoch(3).tolist()


def test_batches_of_one_row_that_were_asked_for_stay() -> None:
    found = build_order(3, FeedConfig(batch_size=1), training=True, seed=0)
    assert [len(batch) for batch in found.batches_of(0)] == [1, 1, 1]


def test_judging_leaves_a_single_row_alone() -> None:
    assert [len(batch) for batch in order(33, training=False).batches_of(0)] == [16, 16, 1]


@pytest.mark.parametrize("more", [{"balanced": True, "labels": np.arange(49) % 3}, {"lengths": np.arange(49)}])
def test_a_single_row_joins_in_every_way_of_drawing(more: dict[str, Any]) -> None:
    found = order(49, **more)
    assert [len(batch) for batch in found.batches_of(1)] == [16, 16, 17]


def test_shuffling_is_uniform() -> None:
    many = torch.stack([order(4, seed=seed).of_epoch(0) for seed in range(2000)])
    share = torch.stack([(many == row).float().mean(0) for row in range(4)])  # of each row at each place
    assert (share - 0.25).abs().max() < 4 * (0.25 * 0.75 / 2000) ** 0.5


def test_balanced_drawing_shows_classes_equally_often() -> None:
    labels = np.array([0] * 80 + [1] * 15 + [2] * 5)
    drawn = order(labels=labels, balanced=True).of_epoch(0)
    counts = np.bincount(labels[drawn.numpy()])
    assert len(drawn) == 100
    assert counts.max() - counts.min() <= 1
    assert len(set(drawn[torch.as_tensor(labels)[drawn] == 0].tolist())) == counts[0]  # large classes do not repeat
    rare = drawn[torch.as_tensor(labels)[drawn] == 2].bincount()[-5:]
    assert rare.max() - rare.min() <= 1  # and small ones repeat evenly
    assert drawn.tolist() != order(labels=labels, balanced=True).of_epoch(1).tolist()


def test_balanced_drawing_mixes_the_classes() -> None:
    labels = np.repeat([0, 1], 50)
    drawn = order(labels=labels, balanced=True).of_epoch(0).numpy()
    assert 0.2 < labels[drawn[:32]].mean() < 0.8


def test_balanced_drawing_needs_one_class_a_row() -> None:
    said = re.escape("--balanced draws classes equally often, and these targets are not one class a row")
    with pytest.raises(ConfigError, match=said):
        order(balanced=True)
    with pytest.raises(ConfigError, match=said):
        order(balanced=True, labels=np.zeros((100, 3)))


def test_judging_is_never_balanced() -> None:
    assert order(training=False, balanced=True).of_epoch(0).tolist() == list(range(100))


def test_limited_rows_are_the_same_in_training_and_judging() -> None:
    few = order(limit_batches=2)
    assert few.batches == 2
    first, second = few.of_epoch(0), few.of_epoch(1)
    assert first.tolist() != second.tolist()
    assert first.sort().values.tolist() == second.sort().values.tolist()
    assert order(training=False, limit_batches=2).of_epoch(0).tolist() == first.sort().values.tolist()
    assert first.max() > 40  # drawn from all rows, which may stand sorted by class


def test_a_limit_beyond_the_rows_keeps_all() -> None:
    assert order(limit_batches=50).rows == 100


def test_limited_rows_can_be_balanced() -> None:
    labels = np.arange(100) % 2
    drawn = order(limit_batches=1, balanced=True, labels=labels).of_epoch(0).numpy()
    assert np.bincount(labels[drawn]).tolist() == [8, 8]
    assert set(drawn) <= set(order(limit_batches=1).chosen.tolist())


def lengths(rows: int = 1000) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 60, rows)


def test_batches_of_like_length_hold_every_row_once() -> None:
    drawn = order(1000, lengths=lengths()).of_epoch(0)
    assert drawn.sort().values.tolist() == list(range(1000))
    assert drawn.tolist() == order(1000, lengths=lengths()).of_epoch(0).tolist()
    assert drawn.tolist() != order(1000, lengths=lengths()).of_epoch(1).tolist()


def test_rows_of_a_batch_are_of_like_length_and_batches_come_in_any_order() -> None:
    known = torch.as_tensor(lengths())
    batches = order(1000, lengths=lengths()).of_epoch(0).split(16)[:-1]
    spreads = torch.tensor([float(known[batch].max() - known[batch].min()) for batch in batches])
    chance = torch.tensor([float(known[b].max() - known[b].min()) for b in order(1000).of_epoch(0).split(16)[:-1]])
    assert spreads.mean() < 4
    assert chance.mean() > 40
    means = torch.stack([known[batch].float().mean() for batch in batches])
    ranks = means.argsort().argsort().float()
    places = torch.arange(len(ranks)).float()
    assert abs(torch.corrcoef(torch.stack([ranks, places]))[0, 1]) < 0.4  # not from short to long


def test_rows_of_one_length_are_drawn_as_if_there_were_no_lengths() -> None:
    assert order(100, lengths=np.full(100, 7)).of_epoch(2).tolist() == order(100).of_epoch(2).tolist()


def test_bucketing_can_be_left_out() -> None:
    config = FeedConfig(batch_size=16, bucket=False)
    plain = build_order(1000, config, training=True, seed=0, lengths=lengths())
    assert plain.of_epoch(0).tolist() == order(1000).of_epoch(0).tolist()


def test_balanced_drawing_goes_with_lengths() -> None:
    labels = np.array([0] * 900 + [1] * 100)
    drawn = order(1000, labels=labels, balanced=True, lengths=lengths()).of_epoch(0)
    assert np.bincount(labels[drawn.numpy()]).tolist() == [500, 500]


def test_judged_rows_come_the_longest_first_so_that_memory_fails_at_once() -> None:
    judged = order(1000, training=False, lengths=lengths()).of_epoch(0)
    assert judged.sort().values.tolist() == list(range(1000))
    assert (np.diff(lengths()[judged.numpy()]) <= 0).all()


@pytest.mark.parametrize("at_once", [1, 2, 3, 1024])
def test_batches_are_cut_as_a_split_of_all_would_be(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr("sonde.data.feed.order.AT_ONCE", at_once)
    for rows in range(1, 23):
        for size in (1, 2, 3, 7):
            expected = [batch.tolist() for batch in torch.arange(rows).split(size)]
            whole = Batches(torch.arange(rows), size, len(expected))
            assert [batch.tolist() for batch in whole] == expected
            assert [batch.tolist() for batch in whole[2:]] == expected[2:]
            assert whole[len(expected) - 1].tolist() == expected[-1]
            if len(expected) > 1:  # the last takes what is left
                joined = Batches(torch.arange(rows), size, len(expected) - 1)
                assert [batch.tolist() for batch in joined] == [*expected[:-2], expected[-2] + expected[-1]]
