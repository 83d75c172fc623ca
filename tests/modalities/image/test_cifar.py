"""Archives made here, in the layout the binary version documents."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from sonde.core.errors import DataError
from sonde.modalities.image.cifar import CifarLayout, convert

TEN = CifarLayout(
    train=("data_batch_1.bin", "data_batch_2.bin"), test=("test_batch.bin",), names="names.txt", label_bytes=1
)
HUNDRED = CifarLayout(train=("train.bin",), test=("test.bin",), names="fine.txt", label_bytes=2)


def archive(path: Path, members: Mapping[str, bytes], *links: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for link in links:
            tar.addfile(link)
        for name, content in members.items():
            entry = tarfile.TarInfo(f"cifar/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def record(labels: list[int], picture: np.ndarray) -> bytes:
    """One record as the home page describes it: labels, then 1,024 red, 1,024 green, 1,024 blue bytes, row by row."""
    out = bytearray(labels)
    for channel in range(3):
        for row in range(32):
            out += bytes(int(picture[row, column, channel]) for column in range(32))
    return bytes(out)


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


def ten(pictures: np.ndarray) -> dict[str, bytes]:
    return {
        "names.txt": b"airplane\nbird\n\n",
        "data_batch_1.bin": record([1], pictures[0]) + record([0], pictures[1]),
        "data_batch_2.bin": record([1], pictures[2]),
        "test_batch.bin": record([0], pictures[3]),
    }


def test_pictures_labels_and_names_come_back(tmp_path: Path, pictures: np.ndarray) -> None:
    convert(archive(tmp_path / "a.tar.gz", ten(pictures)), TEN, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as saved:
        assert np.array_equal(saved["x_train"], pictures[:3])
        assert np.array_equal(saved["x_test"], pictures[3:])
        assert saved["x_train"].dtype == np.uint8
        assert saved["y_train"].tolist() == [1, 0, 1]
        assert saved["y_test"].tolist() == [0]
        assert saved["names"].tolist() == ["airplane", "bird"]


def test_of_two_labels_the_fine_one_counts(tmp_path: Path, pictures: np.ndarray) -> None:
    members = {
        "fine.txt": b"a\nb\nc\n",
        "train.bin": record([9, 2], pictures[0]),
        "test.bin": record([9, 1], pictures[1]),
    }
    convert(archive(tmp_path / "a.tar.gz", members), HUNDRED, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as saved:
        assert (saved["y_train"].tolist(), saved["y_test"].tolist()) == ([2], [1])
        assert np.array_equal(saved["x_train"][0], pictures[0])


def test_nothing_is_written_beside_the_target(tmp_path: Path, pictures: np.ndarray) -> None:
    """Members that climb out of the folder, and links under a wanted name, are passed by."""
    link = tarfile.TarInfo("cifar/test_batch.bin")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    members = {"../../evil.bin": b"x", **ten(pictures)}
    inner = tmp_path / "deep" / "deeper"
    inner.mkdir(parents=True)
    convert(archive(inner / "a.tar.gz", members, link), TEN, inner / "out.npz")
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == {
        "deep/deeper/a.tar.gz",
        "deep/deeper/out.npz",
    }
    with np.load(inner / "out.npz", allow_pickle=False) as saved:
        assert np.array_equal(saved["x_test"][0], pictures[3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test_batch.bin": None}, r"a.tar.gz lacks test_batch.bin; it is not the binary version"),
        ({"test_batch.bin": b"\0" * 3000}, r"test_batch.bin has 3,000 bytes, not a whole number of 3073-byte records"),
        ({"names.txt": b"airplane\n"}, r"train holds label 1, but names.txt names 1 classes"),
    ],
)
def test_an_archive_of_something_else_is_refused(
    tmp_path: Path, pictures: np.ndarray, change: dict[str, bytes | None], message: str
) -> None:
    members = {name: content for name, content in {**ten(pictures), **change}.items() if content is not None}
    with pytest.raises(DataError, match=message):
        convert(archive(tmp_path / "a.tar.gz", members), TEN, tmp_path / "out.npz")


def test_a_truncated_archive_is_refused(tmp_path: Path, pictures: np.ndarray) -> None:
    path = archive(tmp_path / "a.tar.gz", ten(pictures))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"a.tar.gz cannot be unpacked \(.+\); delete it"):
        convert(path, TEN, tmp_path / "out.npz")
