from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

import sonde
from sonde.core.files import read_json

SHORT: dict[str, Any] = {"epochs": 1, "quiet": True, "doctor": False, "batch_size": 8}


def facts(folder: Path) -> tuple[dict, list[str]]:
    data = read_json(folder / "data.json")
    return data, [fact["what"] for fact in data["facts"]]


def test_classes_and_rows_of_ones_own_data_are_told(tmp_path: Path) -> None:
    x, y = torch.randn(40, 3, 2), torch.arange(40) % 4
    y[0] = 1
    sonde.fit(
        nn.Sequential(nn.Flatten(), nn.Linear(6, 4)), (x, y), loss=nn.CrossEntropyLoss(), validation=(x[:8], y[:8]),
        out=tmp_path / "run", **SHORT,
    )  # fmt: skip
    data, told = facts(tmp_path / "run")
    assert data["splits"] == {"train": 40, "validation": 8}
    assert data["class_counts"]["train"] == {"0": 9, "1": 11, "2": 10, "3": 10}
    assert told == ["40 train + 8 validation", "input: 3x2", "target: a number", "4 classes"]


def test_numbers_have_their_range(tmp_path: Path) -> None:
    x = torch.randn(16, 2)
    y = torch.linspace(-1, 3, 16)[:, None]
    sonde.fit(nn.Linear(2, 1), (x, y), loss=nn.MSELoss(), validation=(x, y), out=tmp_path / "run", **SHORT)
    data, told = facts(tmp_path / "run")
    assert told[-1] == "targets from -1.000 to 3.000, mean 1.000"
    assert data["class_counts"] == {}


class Stream(IterableDataset):
    def __iter__(self):
        for _ in range(24):
            yield torch.zeros(2), torch.zeros(1)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_of_what_is_read_as_it_comes_only_a_row_is_known(tmp_path: Path) -> None:
    loader = DataLoader(Stream(), batch_size=8)
    sonde.fit(nn.Linear(2, 1), loader, loss=nn.MSELoss(), out=tmp_path / "run", steps=2, quiet=True, doctor=False)
    data, told = facts(tmp_path / "run")
    assert data["splits"] == {}
    assert told[-2:] == ["input: 2", "target: 1"]
