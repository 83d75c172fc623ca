from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError
from sonde.core.seams import Source
from sonde.core.seeds import derive
from sonde.data.feed.order import build_order
from sonde.data.feed.source import BatchSource


class Numbers:
    """A reader whose only field is the row's number; it notes which batches it was asked for."""

    warnings = ()

    def __init__(self) -> None:
        self.asked: list[int] = []

    def read(self, batches: Sequence[Tensor]) -> Iterator[Mapping[str, Tensor]]:
        self.asked.append(len(batches))
        for rows in batches:
            yield {"input": rows.float()}


def noisy(batch: Batch, generator: torch.Generator) -> Batch:
    return Batch({"input": batch["input"] + torch.rand(len(batch), generator=generator)}, batch.index)


def source(rows: int = 22, seed: int = 0, batch_size: int = 8, *, training: bool = True) -> BatchSource:
    order = build_order(rows, FeedConfig(batch_size=batch_size), training=training, seed=seed)
    return BatchSource(order, Numbers(), describe=lambda index: f"row {index}", augment=noisy)


def epochs(data: Source, count: int) -> list[Batch]:
    return [batch for _ in range(count) for batch in data]


def same(left: list[Batch], right: list[Batch]) -> bool:
    return len(left) == len(right) and all(
        torch.equal(a.index, b.index) and torch.equal(a["input"], b["input"]) for a, b in zip(left, right, strict=True)
    )


def test_it_keeps_to_the_seam() -> None:
    data = source()
    assert isinstance(data, Source)
    assert data.batches == 3
    assert data.describe(5) == "row 5"
    assert list(data.warnings) == []


@pytest.mark.parametrize("at", range(7))
def test_a_restored_source_goes_on_at_every_position_of_two_epochs(at: int) -> None:
    whole = epochs(source(), 4)
    first, again = source(), source()
    taken = []
    while len(taken) < at:
        for batch in first:
            taken.append(batch)
            if len(taken) == at:
                break
    again.load_state_dict(first.state_dict())
    assert again.epoch == first.epoch
    rest = epochs(again, 1)
    if at in (3, 6):  # an epoch's end: the first iterator has nothing left to give
        assert rest == []
    while len(taken) + len(rest) < len(whole):
        rest += epochs(again, 1)
    assert same(taken + rest, whole)


def test_a_source_left_and_taken_up_again_goes_on() -> None:
    data = source()
    taken = [next(iter(data)) for _ in range(3)]
    assert next(iter(data), None) is None  # the epoch's end
    taken += epochs(data, 1)
    assert same(taken, epochs(source(), 2))


def test_epoch_is_that_of_the_batch_to_come() -> None:
    data = source()
    seen = [data.epoch]
    for _ in data:
        seen.append(data.epoch)
    assert seen == [0, 0, 0, 1]
    assert data.epoch == 1


def test_only_what_is_left_is_read() -> None:
    data = source()
    state = data.state_dict()
    data.load_state_dict({**state, "position": 2})
    epochs(data, 2)
    assert data.reader.asked == [1, 3]  # type: ignore[attr-defined]


def test_augmentation_draws_from_its_own_stream_by_epoch_and_batch() -> None:
    batches = epochs(source(), 2)
    for number, batch in enumerate(batches):
        drawn = torch.Generator().manual_seed(derive(0, "augment", number // 3, number % 3))
        expected = batch.index + torch.rand(len(batch), generator=drawn)
        assert torch.equal(batch["input"], expected)


def test_no_global_randomness_is_drawn() -> None:
    before = torch.get_rng_state()
    epochs(source(), 2)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rows": 23}, "training rows 22, and now it is 23"),
        ({"batch_size": 9}, "--batch-size 8, and now it is 9"),
        ({"seed": 1}, "--seed 0, and now it is 1"),
    ],
)
def test_a_position_in_other_data_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(
        ConfigError, match=f"^the saved position in the data was taken with {said}; resume with the same"
    ):
        source(**changed).load_state_dict(source().state_dict())


def test_positions_of_epochs_that_ended_with_a_single_row_are_refused() -> None:
    before = {"epoch": 1, "position": 2, "rows": 17, "batch_size": 8, "seed": 0}  # as earlier versions wrote it
    said = "is of a version whose epochs of these rows had 3 batches, the last of one row; that row now joins the batch before"
    with pytest.raises(ConfigError, match=said):
        source(17).load_state_dict(before)
    source(22).load_state_dict({**before, "rows": 22})
    again, begun = source(17), source(17)
    first = next(iter(begun))
    again.load_state_dict(begun.state_dict())
    assert [len(first), *map(len, again)] == [8, 9]


def test_two_iterators_cannot_share_a_position() -> None:
    data = source()
    older = iter(data)
    next(older)
    newer = iter(data)
    next(newer)
    with pytest.raises(RuntimeError, match="an iterator of a source was used after a newer one was made"):
        next(older)
