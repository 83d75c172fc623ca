"""The table against what is known of it, and `locate` against a local server and fabricated archives."""

import functools
import gzip
import hashlib
import http.server
import io
import re
import socket
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sonde.core.errors import ConfigError, DataError
from sonde.data.download import RemoteFile
from sonde.modalities.image.cifar import CifarLayout
from sonde.modalities.named import NAMED, NamedSet, catalogue, locate

LAYOUT = CifarLayout(train=("train.bin",), test=("test.bin",), names="names.txt", label_bytes=1)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONDE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SONDE_DATA", raising=False)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address it is served at."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def offer(served: tuple[Path, str], name: str, content: bytes) -> RemoteFile:
    folder, address = served
    (folder / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return RemoteFile(name=name, size=len(content), sha256=digest, mirrors=(address + name,))


def named(*files: RemoteFile, layout: CifarLayout | None = None) -> dict[str, NamedSet]:
    entry = NamedSet(
        kind="test pictures",
        rows={"train": 2, "test": 1},
        licence="CC0",
        url="http://home",
        files=files,
        layout=layout,
    )
    return {"tiny": entry}


def offline(*_: Any, **__: Any) -> Any:
    raise AssertionError("the network was asked")


def cifar_archive() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3072), dtype=np.uint8)
    rows = [bytes([label]) + picture.tobytes() for label, picture in zip((1, 0, 1), pixels, strict=True)]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in {"train.bin": rows[0] + rows[1], "test.bin": rows[2], "names.txt": b"cat\ndog\n"}.items():
            entry = tarfile.TarInfo(f"tiny/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def test_the_table_is_whole() -> None:
    assert set(NAMED) == {"mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100"}
    for entry in NAMED.values():
        assert sum(entry.rows.values()) in (60_000, 70_000)
        for file in entry.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.size > 4000
            assert all(mirror.startswith("http") and mirror.endswith("/" + file.name) for mirror in file.mirrors)
    sums = [file.sha256 for entry in NAMED.values() for file in entry.files]
    assert len(set(sums)) == len(sums) == 14
    assert all(entry.size < 200_000_000 for entry in NAMED.values())


def test_label_files_are_as_long_as_their_rows_allow() -> None:
    """A .gz of n labels from ten classes holds at least n log2(10) / 8 bytes and at most its header more than n."""
    for name in ("mnist", "fashion-mnist", "kmnist"):
        for file, rows in ((NAMED[name].files[1], 60_000), (NAMED[name].files[3], 10_000)):
            assert rows * 3.32 / 8 < file.size < rows


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown dataset 'fasion-mnist'; did you mean 'fashion-mnist'"):
        locate("fasion-mnist", opener=offline)


def test_own_data_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONDE_DATA", str(tmp_path / "own"))
    (tmp_path / "own" / "tiny").mkdir(parents=True)
    (tmp_path / "own" / "tiny" / "anything.csv").write_text("a,b\n")
    assert locate("tiny", opener=offline, table=named()) == tmp_path / "own" / "tiny"


def test_an_empty_folder_of_own_data_is_passed_by(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONDE_DATA", str(tmp_path / "own"))
    (tmp_path / "own" / "tiny").mkdir(parents=True)
    table = named(offer(served, "x.gz", b"x"))
    assert locate("tiny", table=table) == tmp_path / "cache" / "tiny"


def test_files_are_downloaded_once_and_then_read_from_the_cache(served: tuple[Path, str], tmp_path: Path) -> None:
    table = named(offer(served, "images.gz", gzip.compress(b"images")), offer(served, "labels.gz", b"labels"))
    folder = locate("tiny", table=table)
    assert folder == tmp_path / "cache" / "tiny"
    assert gzip.decompress((folder / "images.gz").read_bytes()) == b"images"
    assert (folder / "labels.gz").read_bytes() == b"labels"
    assert locate("tiny", opener=offline, table=table) == folder


def test_only_what_is_missing_or_altered_is_downloaded(served: tuple[Path, str]) -> None:
    table = named(offer(served, "images.gz", b"images"), offer(served, "labels.gz", b"labels"))
    folder = locate("tiny", table=table)
    (folder / "labels.gz").write_bytes(b"edited")
    (served[0] / "images.gz").unlink()
    locate("tiny", table=table)
    assert (folder / "labels.gz").read_bytes() == b"labels"


def test_an_archive_becomes_arrays_once(served: tuple[Path, str]) -> None:
    table = named(offer(served, "tiny-binary.tar.gz", cifar_archive()), layout=LAYOUT)
    ticks: list[str] = []
    path = locate("tiny", table=table, tick=lambda label, *_: ticks.append(label))
    assert path.name == "tiny.npz"
    with np.load(path, allow_pickle=False) as saved:
        assert {name: saved[name].shape for name in saved} == {
            "x_train": (2, 32, 32, 3),
            "y_train": (2,),
            "x_test": (1, 32, 32, 3),
            "y_test": (1,),
            "names": (2,),
        }
        assert saved["y_train"].tolist() == [1, 0]
    assert {"downloading tiny-binary.tar.gz", "unpacking tiny-binary.tar.gz"} <= set(ticks)
    before = path.stat().st_mtime_ns
    assert locate("tiny", table=table, opener=offline) == path
    assert path.stat().st_mtime_ns == before


def test_altered_arrays_are_made_again_from_the_archive(served: tuple[Path, str]) -> None:
    table = named(offer(served, "tiny-binary.tar.gz", cifar_archive()), layout=LAYOUT)
    path = locate("tiny", table=table)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert locate("tiny", table=table, opener=offline).read_bytes() == whole


def test_an_archive_placed_by_hand_is_enough(tmp_path: Path, served: tuple[Path, str]) -> None:
    table = named(offer(served, "tiny-binary.tar.gz", cifar_archive()), layout=LAYOUT)
    folder = tmp_path / "cache" / "tiny"
    folder.mkdir(parents=True)
    (folder / "tiny-binary.tar.gz").write_bytes((served[0] / "tiny-binary.tar.gz").read_bytes())
    assert locate("tiny", table=table, opener=offline) == folder / "tiny.npz"


def test_without_a_network_it_says_what_to_place_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    files = [
        RemoteFile(name=name, size=1, sha256="0" * 64, mirrors=(f"http://{address}/{name}",))
        for name in ("a.gz", "b.gz")
    ]
    for root, place in ((None, "tiny/ in a folder that SONDE_DATA names"), (tmp_path, str(tmp_path / "tiny"))):
        if root is not None:
            monkeypatch.setenv("SONDE_DATA", str(root))
        with pytest.raises(DataError) as caught:
            locate("tiny", table=named(*files))
        assert str(caught.value) == (
            f"tiny: cannot download a.gz ({address}: Connection refused); place a.gz, b.gz (from http://home) "
            f"in {tmp_path / 'cache' / 'tiny'}, or the data in any form that can be read in {place}"
        )


def test_the_catalogue_says_where_each_would_come_from(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = named(offer(served, "x.gz", b"xyz"))
    digits, *made, tiny = catalogue(table)
    assert (digits.name, digits.rows, digits.where) == ("digits", 1797, "embedded")
    assert [(each.name, each.rows, each.where) for each in made] == [
        ("moving-digits", 5000, "embedded"),
        ("moving-digit", 5000, "embedded"),
    ]
    assert (tiny.kind, tiny.rows, tiny.size, tiny.licence, tiny.where) == ("test pictures", 3, 3, "CC0", "download")
    locate("tiny", table=table)
    assert catalogue(table)[-1].where == "cached"
    monkeypatch.setenv("SONDE_DATA", str(tmp_path / "cache"))
    assert catalogue(table)[-1].where == "SONDE_DATA"


def test_the_whole_catalogue_is_listed_without_a_network() -> None:
    facts = {fact.name: fact for fact in catalogue()}
    assert set(facts) == {"digits", "moving-digits", "moving-digit", *NAMED}
    assert facts["cifar10"].rows == 60_000
    assert facts["cifar10"].where == "download"
    from sklearn.datasets import load_digits

    assert facts["digits"].rows == len(load_digits(return_X_y=True)[1])
