"""A batch that was looked at is trained on first, and nothing of a source that cannot be rewound is lost."""

from typing import Any

import pytest
import torch

from sonde.core.batch import Batch
from sonde.core.errors import DataError
from sonde.core.seams import Source, ends, rewinds
from sonde.engine.put_back import PutBack


class Once:
    """Three batches a pass, drawn as they come: there is no way back."""

    batches, rewinds = None, False

    def __init__(self, passes: int = 3) -> None:
        self.drawn, self.epoch, self.passes = 0, 0, passes

    def __iter__(self) -> Any:
        for _ in range(3 if self.epoch < self.passes else 0):
            self.drawn += 1
            yield Batch({"input": torch.tensor([[float(self.drawn)]])}, torch.tensor([self.drawn]))
        self.epoch += 1

    def describe(self, index: int) -> str:
        return f"row {index}"

    def state_dict(self) -> dict[str, Any]:
        return {"drawn": self.drawn}

    def load_state_dict(self, state: Any) -> None:
        self.drawn = state["drawn"]


def numbers(source: Source) -> list[int]:
    return [int(batch.index[0]) for batch in source]


def test_the_batch_that_was_looked_at_comes_first() -> None:
    source = PutBack(Once())
    assert int(source.first.index[0]) == 1
    assert source.source.drawn == 1  # type: ignore[attr-defined]
    assert numbers(source) == [1, 2, 3]
    assert numbers(source) == [4, 5, 6]


def test_its_position_is_that_of_what_was_consumed() -> None:
    source = PutBack(Once())
    assert source.state_dict() == {"drawn": 0}
    coming = iter(source)
    next(coming)
    assert source.state_dict() == {"drawn": 1}
    next(coming)
    assert source.state_dict() == {"drawn": 2}


def test_a_saved_position_forgets_what_was_looked_at() -> None:
    source = PutBack(Once())
    source.load_state_dict({"drawn": 10})
    assert numbers(source) == [11, 12, 13]


def test_what_it_says_of_itself_is_the_sources() -> None:
    source = PutBack(Once())
    assert isinstance(source, Source)
    assert (source.batches, ends(source), rewinds(source), source.describe(4)) == (None, True, False, "row 4")
    assert not rewinds(Once())
    assert ends(Once())


def test_a_source_without_a_batch_is_refused() -> None:
    with pytest.raises(DataError, match="the training data yielded no batch"):
        PutBack(Once(passes=0))
