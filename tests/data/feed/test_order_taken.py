"""Rows are named by their number in the Dataset, whatever draws them; one that cannot be read is named with the caller's line."""

import re
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset

from sonde.core.errors import DataError
from sonde.data.feed.loader import LoaderSource

BAD = 17


class Broken(Dataset[Any]):
    def __init__(self, how: str = "") -> None:
        self.how = how

    def __len__(self) -> int:
        return 30

    def __getitem__(self, row: int) -> Any:
        if self.how == "raises" and row == BAD:
            raise ValueError("a corrupt picture")
        if self.how == "other shape" and row == BAD:
            return torch.ones(3), row
        return None if self.how == "None" and row == BAD else (torch.full((2,), float(row)), row)


def read(loader: Any) -> list[Any]:
    return list(LoaderSource(loader, device=torch.device("cpu"), seed=0))


def strict(rows: list[Any]) -> Any:
    if any(len(x) != 2 for x, _ in rows):
        raise RuntimeError("not two numbers")
    return torch.stack([x for x, _ in rows]), torch.tensor([row for _, row in rows])


LOADERS = {
    "in order": lambda data: DataLoader(data, 4),
    "shuffled": lambda data: DataLoader(data, 4, shuffle=True),
    "workers": lambda data: DataLoader(data, 4, shuffle=True, num_workers=2),
    "kept workers": lambda data: DataLoader(data, 4, shuffle=True, num_workers=1, persistent_workers=True),
    "a part of a part": lambda data: DataLoader(Subset(Subset(data, range(29, 4, -1)), range(1, 25)), 4, shuffle=True),
    "own batches": lambda data: DataLoader(data, batch_sampler=[[3, 29], [4, BAD, 2], [0, 1]]),
}


@pytest.mark.parametrize("name", LOADERS)
def test_index_is_the_row_of_the_dataset(name: str) -> None:
    for batch in read(LOADERS[name](Broken())):
        assert batch.index.tolist() == batch["target"].tolist() == batch["input"][:, 0].tolist()


@pytest.mark.parametrize("name", LOADERS)
def test_a_row_that_raises_is_named_with_its_line(name: str) -> None:
    line = Broken.__getitem__.__code__.co_firstlineno + 2
    with pytest.raises(DataError) as told:
        read(LOADERS[name](Broken("raises")))
    assert str(told.value) == (
        f"row 17 of Broken cannot be read: ValueError: a corrupt picture (test_order_taken.py line {line}, in __getitem__); fix "
        "the row or leave it out"
    )


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("how", ["other shape", "None"])
def test_a_row_that_fits_no_batch_is_named(name: str, how: str) -> None:
    with pytest.raises(DataError) as told:
        read(LOADERS[name](Broken(how)))
    held = "(3,), int" if how == "other shape" else "NoneType"
    assert re.match(
        rf"batch \d \(row 17 of Broken holds {re.escape(held)}, others \(2,\), int\) cannot be put together: ",
        str(told.value),
    )
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_collate_fn_that_raises_is_named_with_its_line(workers: int) -> None:
    with pytest.raises(
        DataError, match=r"RuntimeError: not two numbers \(test_order_taken.py line \d+, in strict\); fix the row"
    ):
        read(DataLoader(Broken("other shape"), 4, num_workers=workers, collate_fn=strict))


def test_what_has_no_row_numbers_counts_from_the_pass() -> None:
    source = LoaderSource([(torch.ones(2, 1), torch.ones(2))] * 2, device=torch.device("cpu"), seed=0)
    assert [batch.index.tolist() for batch in source] == [[0, 1], [2, 3]]
    assert source.describe(3) == "row 3 of the loader"


def test_a_collate_fn_that_drops_rows_counts_too() -> None:
    loader = DataLoader(Broken(), 4, collate_fn=lambda rows: strict(rows[1:]))
    assert read(loader)[1].index.tolist() == [3, 4, 5]
