"""Hashes that see a change, and say when they did not look at every byte."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from sonde.data import fingerprint
from sonde.data.fingerprint import of_arrays, of_files


def write(folder: Path, count: int, size: int = 100) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:03}.bin" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number % 256]) * size)
    return files


def test_few_files_each_have_their_sha256(tmp_path: Path) -> None:
    files = write(tmp_path / "a", 3)
    found = of_files(files, tmp_path)
    assert found == {f"a/{f.name}": hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_many_files_have_one_hash_a_folder(tmp_path: Path) -> None:
    files = write(tmp_path / "a", 80) + write(tmp_path / "b", 40)
    before = of_files(files, tmp_path)
    assert list(before) == ["a", "b"]
    assert of_files(files[::-1], tmp_path) == before
    files[90].write_bytes(b"x" * 100)
    after = of_files(files, tmp_path)
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]
    files[0].rename(tmp_path / "a" / "999.bin")
    assert of_files([tmp_path / "a" / "999.bin", *files[1:]], tmp_path)["a"] != before["a"]


def test_above_the_limit_blocks_are_sampled_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "WHOLE_LIMIT", 1000)
    file = tmp_path / "big.bin"
    file.write_bytes(bytes(4_000_000))
    before = of_files([file], tmp_path)["big.bin"]
    assert before.startswith("sampled:")
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    for place in (0, 2_000_000 // 65536 * 65536, 3_999_999):
        content = bytearray(4_000_000)
        content[place] = 1
        file.write_bytes(content)
        assert of_files([file], tmp_path)["big.bin"] != before  # the time has changed at least
    content = bytearray(4_000_000)
    content[3_999_999] = 1
    file.write_bytes(content)
    os.utime(file, ns=times)
    assert of_files([file], tmp_path)["big.bin"] != before  # the last block is always looked at
    file.write_bytes(bytes(4_000_000))
    os.utime(file, ns=times)
    assert of_files([file], tmp_path)["big.bin"] == before


def test_arrays_are_known_by_shape_type_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.arange(12)
    same = of_arrays({"x": array})
    assert of_arrays({"x": array.copy()}) == same
    assert of_arrays({"x": np.asfortranarray(array.reshape(3, 4))}) == of_arrays({"x": array.reshape(3, 4)})
    for other in (array.reshape(3, 4), array.astype(np.int32), array[::-1], array + (array == 5)):
        assert of_arrays({"x": other}) != same
    assert of_arrays({"y": np.array(["a", "bc"])}) != of_arrays({"y": np.array(["a", "bd"])})
    monkeypatch.setattr(fingerprint, "WHOLE_LIMIT", 10)
    assert of_arrays({"x": array})["x"].startswith("sampled:")
