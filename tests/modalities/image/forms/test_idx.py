"""IDX files: the format's types, MNIST itself, and files that are not what they promise."""

import gzip
import hashlib
import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from sample_places import form

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.data.splits import labels_of
from sonde.modalities.image.forms import idx as idx_files
from sonde.modalities.image.forms.idx import read_idx

read, recognise = form(idx_files)

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx(array: np.ndarray) -> bytes:
    code = CODES[array.dtype.str[1:]]
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(folder: Path, prefix: str, n: int, *, packed: bool = True, seed: int = 0) -> np.ndarray:
    """Images and labels of a split; returns the images."""
    rng = np.random.default_rng(seed)
    images, labels = rng.integers(0, 256, (n, 9, 7), dtype=np.uint8), (np.arange(n) % 5).astype(np.uint8)
    for role, axes, array in (("images", 3, images), ("labels", 1, labels)):
        name = f"{prefix}-{role}-idx{axes}-ubyte"
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array), 1))
        else:
            (folder / name).write_bytes(idx(array))
    return images


@pytest.mark.parametrize("dtype", list(CODES))
def test_every_type_comes_back(tmp_path: Path, dtype: str) -> None:
    array = (np.random.default_rng(0).normal(size=(4, 3, 2)) * 50).astype(dtype)
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(array))
    back = read_idx(tmp_path / "a-images-idx3-ubyte")
    assert back.dtype == array.dtype
    assert (back == array).all()


def test_train_and_t10k(tmp_path: Path) -> None:
    images = write(tmp_path, "train", 60)
    write(tmp_path, "t10k", 20, packed=False, seed=1)
    assert recognise(tmp_path) == "it holds t10k-images-idx3-ubyte, train-images-idx3-ubyte.gz"
    data = read(tmp_path, DataConfig(validation=0.25))
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 45, "validation": 15, "test": 20}
    assert data.facts[0].what == "60 train + 20 test images, 9x7 grey"
    assert np.bincount(labels_of(data.splits["validation"])).tolist() == [3, 3, 3, 3, 3]
    row = data.splits["train"].read(np.array([0]))
    number = int(data.splits["train"].describe(0).removeprefix("train-images-idx3-ubyte.gz row "))
    assert (row["input"][0, 0] == images[number]).all()


def test_all_rows_without_validation(tmp_path: Path) -> None:
    write(tmp_path, "train", 60)
    write(tmp_path, "t10k", 20)
    assert list(read(tmp_path, DataConfig(validation=0)).splits) == ["train", "test"]


def test_torchvisions_folder_and_unpacked_twins(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    write(raw, "train", 30)
    write(raw, "train", 30, packed=False)
    assert len(read(tmp_path, DataConfig(validation=0, test=0)).splits["train"]) == 30


def test_one_images_file_stands_for_its_pair(tmp_path: Path) -> None:
    write(tmp_path, "signs", 40)
    data = read(tmp_path / "signs-images-idx3-ubyte.gz", DataConfig())
    assert data.name == "signs"
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 29, "validation": 3, "test": 8}


def test_test_images_alone_are_evaluated_on_and_not_trained_on(tmp_path: Path) -> None:
    write(tmp_path, "t10k", 40)
    for place in (tmp_path, tmp_path / "t10k-images-idx3-ubyte.gz"):
        with pytest.raises(
            DataError, match=rf"{place.name} has only test images, which are not trained on; add a training part, or"
        ):
            read(place, DataConfig())
    (tmp_path / "both").mkdir()
    write(tmp_path / "both", "train", 40)
    schema = read(tmp_path / "both", DataConfig()).schema
    for place in (tmp_path, tmp_path / "t10k-images-idx3-ubyte.gz"):
        assert {split: len(rows) for split, rows in read(place, DataConfig(), like=schema).splits.items()} == {
            "test": 40
        }
    for role in ("images-idx3", "labels-idx1"):  # as the message says
        (tmp_path / f"t10k-{role}-ubyte.gz").rename(tmp_path / f"train-{role}-ubyte.gz")
    assert {split: len(rows) for split, rows in read(tmp_path, DataConfig()).splits.items()}["test"] == 8


def test_what_unpacks_to_more_than_its_header_or_memory_is_refused_before_memory_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb, head = tmp_path / "a-images-idx3-ubyte.gz", idx(np.zeros((10, 9, 7), np.uint8))
    bomb.write_bytes(gzip.compress(head + bytes(200_000_000), 1))
    wide = tmp_path / "b-images-idx3-ubyte.gz"
    wide.write_bytes(gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 10**6, 10**4, 10**4) + bytes(10_000_000), 1))
    plain = tmp_path / "c-images-idx3-ubyte"
    plain.write_bytes(head + bytes(100))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"a-images-idx3-ubyte\.gz holds more data, but its header promises 630"):
            read_idx(bomb)
        with pytest.raises(
            DataError, match=r"b-images-idx3-ubyte\.gz needs 100\.0 TB of memory, and .+ are free; use a part of it"
        ):
            read_idx(wide)
        monkeypatch.setattr(idx_files, "free_bytes", lambda: 500)
        with pytest.raises(DataError, match=r"c-images-idx3-ubyte needs 746 B of memory, and 500 B are free"):
            read_idx(plain)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8_000_000


def test_names_beside_the_files(tmp_path: Path) -> None:
    write(tmp_path, "train", 30)
    (tmp_path / "labels.txt").write_text("ant\nbee\ncat\ndog\nelk\n")
    assert read(tmp_path, DataConfig()).schema.target.names == ("ant", "bee", "cat", "dog", "elk")


def test_statistics_are_of_the_training_rows(tmp_path: Path) -> None:
    images = write(tmp_path, "train", 60)
    write(tmp_path, "t10k", 20, seed=1)
    spec = read(tmp_path, DataConfig(validation=0)).schema.input
    assert spec.mean == pytest.approx((images.mean() / 255,), rel=1e-12)
    assert spec.std == pytest.approx((images.std() / 255,), rel=1e-12)


def broken(tmp_path: Path, **files: bytes) -> str:
    write(tmp_path, "train", 10)
    for name, content in files.items():
        (tmp_path / name.replace("__", ".").replace("_", "-")).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(tmp_path, DataConfig())
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_a_truncated_gzip_is_named(tmp_path: Path) -> None:
    packed = gzip.compress(idx(np.zeros((10, 9, 7), np.uint8)))
    said = broken(tmp_path, train_images_idx3_ubyte__gz=packed[:-9])
    assert said.startswith("train-images-idx3-ubyte.gz is truncated: the gzip stream ends early; download it again")


def test_a_damaged_gzip_is_named(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(idx(np.random.default_rng(0).integers(0, 9, (10, 9, 7)).astype(np.uint8))))
    packed[len(packed) // 2] ^= 0xFF
    said = broken(tmp_path, train_images_idx3_ubyte__gz=bytes(packed))
    assert said.startswith("train-images-idx3-ubyte.gz is damaged (Error -3 while decompressing")


def test_all_members_of_a_gzip_are_read_and_zeros_between_them_are_not(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (500, 20, 20), dtype=np.uint8)
    plain = idx(array)
    padding = b"\0" * 100_000  # more than is read at a time
    members = [gzip.compress(part) for part in (plain[:3], plain[3:150_000], plain[150_000:])]
    (tmp_path / "a-images-idx3-ubyte.gz").write_bytes(padding.join(members) + padding)
    assert (read_idx(tmp_path / "a-images-idx3-ubyte.gz") == array).all()


@pytest.mark.parametrize("packed", [True, False])
def test_reading_holds_the_content_once(tmp_path: Path, packed: bool) -> None:
    content = idx(np.random.default_rng(0).integers(0, 256, (10_000, 20, 20), dtype=np.uint8))
    file = tmp_path / "a-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(content, 1) if packed else content)
    tracemalloc.start()
    try:
        array = read_idx(file)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert array.nbytes == 4_000_000
    assert most < 1.25 * array.nbytes  # a growing buffer reserves an eighth more


def test_bad_magic(tmp_path: Path) -> None:
    said = broken(tmp_path, train_labels_idx1_ubyte__gz=b"<html>404 not found</html>")
    assert said.startswith("train-labels-idx1-ubyte.gz is not an IDX file: it starts with 3c 68 74 6d instead of 00 00")


def test_a_short_file_says_how_short(tmp_path: Path) -> None:
    said = broken(tmp_path, train_images_idx3_ubyte__gz=idx(np.zeros((10, 9, 7), np.uint8))[:-100])
    assert said.startswith("train-images-idx3-ubyte.gz holds 530 bytes of data, but its header promises 630")


def test_labels_of_another_set(tmp_path: Path) -> None:
    said = broken(tmp_path, train_labels_idx1_ubyte__gz=idx(np.zeros(9, np.uint8)))
    assert said == (
        "train-labels-idx1-ubyte.gz has 9 labels, but train-images-idx3-ubyte.gz 10 images; they do not belong together"
    )


def test_labels_without_a_name(tmp_path: Path) -> None:
    assert broken(tmp_path, labels__txt=b"ant\nbee\n").startswith(
        "train-labels-idx1-ubyte.gz row 2: label 2 is out of range; the 2 classes are ant, bee"
    )


def test_labels_are_missing(tmp_path: Path) -> None:
    write(tmp_path, "train", 10)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="has no labels beside it; put train-labels-idx1-ubyte there"):
        read(tmp_path, DataConfig())


def test_other_folders_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"")
    assert recognise(tmp_path) is None


def test_mnist(shared_data: Path) -> None:
    """The real files: counts, a known pixel sum, and time."""
    started = time.process_time()
    data = read(shared_data / "mnist", DataConfig(validation=0))
    assert time.process_time() - started < 2.0  # 0.2 s on an idle machine
    assert data.schema.target.names == tuple("0123456789")
    assert data.schema.input.shape == (1, 28, 28)
    # published for the whole training set: 0.1307 and 0.3081
    assert data.schema.input.mean == pytest.approx((0.1307,), abs=2e-3)
    assert data.schema.input.std == pytest.approx((0.3081,), abs=2e-3)
    train = labels_of(data.splits["train"])
    assert np.bincount(train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    packed = shared_data / "mnist" / "train-labels-idx1-ubyte.gz"
    assert data.fingerprint[packed.name] == hashlib.sha256(packed.read_bytes()).hexdigest()
