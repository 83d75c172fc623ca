"""Which rows of a source are in memory, and how many of them are looked at."""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from sonde.core.config import FeedConfig
from sonde.data.feed import held
from sonde.data.feed.loader import LoaderSource
from sonde.data.feed.tensors import tensor_source

CPU = torch.device("cpu")
X, Y = torch.arange(12.0).view(6, 2), torch.arange(6)


def source(fields: dict[str, object]) -> object:
    return tensor_source(fields, FeedConfig(batch_size=2), training=True, seed=0, device=CPU)


def test_tensors_of_a_source_are_given_as_they_are() -> None:
    found = held.held_fields(source({"input": X, "target": Y}))
    assert torch.equal(torch.as_tensor(found["input"]), X)
    assert torch.equal(torch.as_tensor(found["target"]), Y)


def test_parts_of_nested_fields_have_their_path_as_name() -> None:
    assert list(held.held_fields(source({"input": (X, X + 1), "target": Y}))) == ["input.0", "input.1", "target"]


def test_pixels_last_in_memory_come_back_in_their_order() -> None:
    pictures = torch.randn(6, 4, 5, 3).permute(0, 3, 1, 2)
    found = held.held_fields(source({"input": pictures}))["input"]
    assert torch.equal(torch.as_tensor(found), pictures)


def test_a_loader_of_tensors_and_of_a_part_of_them() -> None:
    rows = TensorDataset(X, Y)
    found = held.held_fields(LoaderSource(DataLoader(rows, 2), device=CPU, seed=0))
    assert torch.equal(torch.as_tensor(found["input"]), X)
    part = LoaderSource(DataLoader(Subset(rows, [4, 1]), 2), device=CPU, seed=0)
    assert held.held_fields(part)["target"].tolist() == [4, 1]


def test_rows_that_are_read_one_by_one_are_left_alone() -> None:
    class Changing(Dataset[torch.Tensor]):
        def __len__(self) -> int:
            return 6

        def __getitem__(self, number: int) -> torch.Tensor:
            raise AssertionError("read")

    assert held.held_fields(LoaderSource(DataLoader(Changing(), 2), device=CPU, seed=0)) == {}


def test_rows_that_a_loader_of_ones_own_may_change() -> None:
    assert not held.may_change_rows(source({"input": X, "target": Y}))
    assert not held.may_change_rows(LoaderSource(DataLoader(TensorDataset(X, Y), 2), device=CPU, seed=0))
    assert held.may_change_rows(LoaderSource([(X, Y)], device=CPU, seed=0))


def test_of_many_rows_some_are_looked_at_evenly() -> None:
    small = {"input": np.zeros((10, 2), np.float32)}
    assert held.chosen_rows(small).tolist() == list(range(10))
    many = {"input": np.zeros((200_001, 1), np.int8)}
    places = held.chosen_rows(many)
    assert len(places) == held.MOST_ROWS
    assert (places[0], places[-1], len(np.unique(places))) == (0, 200_000, held.MOST_ROWS)


def test_what_is_taken_are_those_rows() -> None:
    assert held.taken(X, np.array([0, 5])).tolist() == [[0, 1], [10, 11]]
    assert held.taken(Y.numpy(), np.array([2])).tolist() == [2]
    assert held.taken(X.bfloat16(), np.arange(6)).dtype == np.float32
