import pytest
import torch

from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError, DataError
from sonde.core.seams import Source
from sonde.data.feed.source import BatchSource
from sonde.data.feed.tensors import tensor_source

CPU = torch.device("cpu")
CONFIG = FeedConfig(batch_size=4)


def source(*, training: bool = True, **fields: torch.Tensor) -> BatchSource:
    return tensor_source(fields, CONFIG, training=training, seed=0, device=CPU)


def test_it_is_a_source_of_the_given_rows() -> None:
    x, y = torch.randn(10, 3), torch.arange(10)
    data = source(input=x, target=y)
    assert isinstance(data, Source)
    assert data.batches == 3
    seen = list(data)
    assert [len(batch) for batch in seen] == [4, 4, 2]
    assert torch.cat([batch.index for batch in seen]).sort().values.tolist() == list(range(10))
    for batch in seen:
        assert torch.equal(batch["input"], x[batch.index])
        assert torch.equal(batch["target"], batch.index)
    assert data.epoch == 1
    assert data.describe(3) == "row 3"


def test_without_training_rows_come_in_order() -> None:
    assert torch.cat([b["input"] for b in source(training=False, input=torch.arange(10))]).tolist() == list(range(10))


def test_doubles_become_floats_and_nothing_else_changes() -> None:
    batch = next(iter(source(input=torch.zeros(5, dtype=torch.float64), target=torch.zeros(5, dtype=torch.int32))))
    assert batch["input"].dtype == torch.float32
    assert batch["target"].dtype == torch.int32


def test_resuming_goes_on() -> None:
    whole = list(source(input=torch.arange(10)))
    first, again = source(input=torch.arange(10)), source(input=torch.arange(10))
    iterator = iter(first)
    next(iterator)
    again.load_state_dict(first.state_dict())
    assert [b.index.tolist() for b in again] == [b.index.tolist() for b in whole[1:]]


def test_what_cannot_be_fed_is_refused() -> None:
    with pytest.raises(DataError, match="^the tensors hold no rows; give at least one$"):
        source(input=torch.zeros(0, 3))
    with pytest.raises(DataError, match="^fields differ in their number of rows: input has 5, target has 2"):
        source(input=torch.zeros(5), target=torch.zeros(2))
    with pytest.raises(ConfigError, match="^--batch-size 4 is larger than the 3 training rows; give at most 3$"):
        source(input=torch.zeros(3))
