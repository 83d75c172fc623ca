from pathlib import Path

import numpy as np
import pytest
import torch

from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError, DataError
from sonde.core.seams import Source
from sonde.data.feed.source import BatchSource
from sonde.data.feed.tensors import MappedReader, tensor_source

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


@pytest.fixture
def mapped(tmp_path: Path) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(100, 6, 2)))
    np.save(tmp_path / "y.npy", rng.integers(0, 3, 100))
    return {"input": np.load(tmp_path / "x.npy", mmap_mode="r"), "target": np.load(tmp_path / "y.npy", mmap_mode="r")}


@pytest.mark.parametrize("memory", ["50%", "1kB"])
def test_mapped_files_give_the_batches_of_memory(mapped: dict[str, np.ndarray], memory: str) -> None:
    config = FeedConfig(batch_size=16, memory=memory)
    mixed = {**mapped, "mask": torch.ones(100, 2)}
    sources = [
        tensor_source(fields, config, training=True, seed=3, device=torch.device("cpu"))
        for fields in (mixed, {**mixed, **{name: torch.tensor(np.array(field)) for name, field in mapped.items()}})
    ]
    assert isinstance(sources[0].reader, MappedReader)
    for one, two in zip(*sources, strict=True):
        assert list(one.fields) == list(two.fields)
        assert all(torch.equal(one[name], two[name]) and one[name].dtype == two[name].dtype for name in two.fields)
        one["input"].zero_()  # batches are the caller's, and the file stays as it is
    assert float(mapped["input"].std()) > 0.9


def test_what_differs_in_length_is_refused_in_mapped_files_too(mapped: dict[str, np.ndarray]) -> None:
    with pytest.raises(DataError, match="input has 100, target has 99; give one row of each per example"):
        tensor_source(
            {**mapped, "target": mapped["target"][:99]},
            FeedConfig(),
            training=True,
            seed=0,
            device=torch.device("cpu"),
        )


def test_nested_fields_and_lists_are_gathered_row_by_row() -> None:
    number = torch.arange(10)
    fields = {"input": (number, {"half": number / 2}), "id": [f"row {row}" for row in range(10)], "y": number.double()}
    seen = tensor_source(fields, CONFIG, training=True, seed=0, device=CPU)
    for batch in seen:
        rows = batch.index.tolist()
        assert batch["input"][0].tolist() == rows
        assert (batch["input"][1]["half"] * 2).tolist() == rows
        assert batch["id"] == [f"row {row}" for row in rows]
        assert batch["y"].dtype == torch.float32
    kept = tensor_source(fields, CONFIG, training=False, seed=0, device=CPU, floats=torch.float64)
    assert next(iter(kept))["y"].dtype == torch.float64
    with pytest.raises(DataError, match=r"fields differ in their number of rows: input\.0 has 10, input\.1 has 9"):
        tensor_source({"input": (number, number[1:])}, CONFIG, training=False, seed=0, device=CPU)
    with pytest.raises(DataError, match="the data hold no tensor: id is a list"):
        tensor_source({"id": ["a"]}, CONFIG, training=False, seed=0, device=CPU)
