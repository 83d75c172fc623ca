from pathlib import Path

import numpy as np
import pytest
import torch

from sonde.data.mapped import is_mapped, mapped_tensor, release, spans


def resident(path: Path) -> int:
    """Bytes of a file that are mapped into this process and there."""
    found = 0
    ours = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0] and ":" not in line.split()[0]:
            ours = line.endswith(str(path))
        elif ours and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", np.arange(6_000_000, dtype=np.float32).reshape(3000, 40, 50))
    return tmp_path / "x.npy"


def test_views_of_a_map_are_mapped(file: Path) -> None:
    array = np.load(file, mmap_mode="r")
    views = [array, np.asarray(array), np.asarray(array).transpose(0, 2, 1)[3:, None], array.reshape(1000, -1)]
    assert all(map(is_mapped, views))
    assert not any(map(is_mapped, [array[[1, 2]] + 0, np.zeros(3), array.copy().view(np.ndarray)[1:]]))


def test_what_was_read_is_let_go_of(file: Path) -> None:
    view = np.asarray(np.load(file, mmap_mode="r"))[:, None]
    expected = float(view.sum())
    assert resident(file) > 4e6
    release(view)
    assert resident(file) == 0
    assert float(view.sum()) == expected


def test_changes_of_a_private_map_stay(file: Path) -> None:
    array = np.load(file, mmap_mode="c")
    array[5] = -1
    release(array)
    assert (array[5] == -1).all()


def test_all_rows_pass_and_few_stay(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonde.data.mapped.AT_ONCE", 240_000)
    array, most, seen = np.load(file, mmap_mode="r"), 0, []
    for span in spans(array):
        seen.append(span.copy())
        most = max(most, resident(file))
    assert np.array_equal(np.concatenate(seen), array)
    assert len(seen) == 100
    assert 0 < most < 16e6  # of 24: the system maps up to some megabytes around what is touched
    assert [len(span) for span in spans(np.zeros((0, 3)))] == []


def test_a_tensor_of_a_file_is_mapped_again(tmp_path: Path) -> None:
    np.arange(100, dtype=np.int16).tofile(tmp_path / "x.bin")
    tensor = torch.from_file(str(tmp_path / "x.bin"), shared=True, size=100, dtype=torch.int16)
    found = mapped_tensor(tensor[10:].view(9, 10))
    assert found is not None
    assert is_mapped(found)
    assert np.array_equal(found, np.arange(10, 100).reshape(9, 10))
    assert mapped_tensor(tensor[::2]) is None
    assert mapped_tensor(torch.zeros(3)) is None
