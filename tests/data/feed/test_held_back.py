"""A share of the rows kept for validation."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from sonde.core.errors import ConfigError
from sonde.data.feed.held_back import held_back, part_of_fields, part_of_rows


@pytest.mark.parametrize(("rows", "share", "count"), [(100, 0.2, 20), (2, 0.5, 1), (10, 0.01, 1), (10, 0.99, 9)])
def test_every_row_is_on_one_side(rows: int, share: float, count: int) -> None:
    kept, taken = held_back(rows, share, 0)
    assert len(taken) == count
    assert sorted([*kept.tolist(), *taken.tolist()]) == list(range(rows))
    assert torch.equal(held_back(rows, share, 0)[1], taken)
    assert rows < 100 or not torch.equal(held_back(rows, share, 1)[1], taken)


@pytest.mark.parametrize("share", [0.0, 1.0, 2, -0.1, True])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="is neither data nor a share of the rows between 0 and 1"):
        held_back(10, share, 0)


def test_rows_stay_together_in_every_field() -> None:
    number = torch.arange(6)
    rows = torch.tensor([1, 4])
    found = part_of_fields({"x": (number, {"a": number.numpy()}), "id": list("abcdef")}, rows)
    assert found["x"][0].tolist() == found["x"][1]["a"].tolist() == [1, 4]
    assert found["id"] == ["b", "e"]
    part = part_of_rows(list("abcdef"), rows)
    assert [part[0], part[1]] == ["b", "e"]
    assert [part_of_rows(TensorDataset(number), rows)[place][0].item() for place in range(2)] == [1, 4]


def test_a_mapped_file_is_not_read_whole(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    with pytest.raises(ConfigError, match="would read the mapped file of 'x' into memory; give slices"):
        part_of_fields({"x": np.load(tmp_path / "x.npy", mmap_mode="r")}, torch.tensor([0]))
