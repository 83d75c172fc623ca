"""Archives: nothing leaves the folder, nothing is a link, nothing fills the disk."""

import bz2
import gzip
import io
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from sonde.core.errors import DataError
from sonde.core.progress import silent
from sonde.data.archives import decompress, unpack


class Usage(NamedTuple):
    free: int


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty one."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def _tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for name, content in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            file.addfile(about, io.BytesIO(content))
    return path


@pytest.mark.parametrize("ending", ["zip", "tar", "tgz", "tar.bz2", "tar.xz"])
def test_files_are_unpacked_as_they_are_without_what_systems_leave(tmp_path: Path, folder: Path, ending: str) -> None:
    members = {"a/x.csv": b"1,2\n" * 9000, "b.txt": b"", "__MACOSX/a/._x.csv": b"?", "a/.DS_Store": b"?"}
    modes = {"tar": "w", "tgz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}
    path = tmp_path / f"f.{ending}"
    _zip(path, members) if ending == "zip" else _tar(path, members, modes[ending])
    unpack(path, folder, silent)
    found = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert found == {"a/x.csv": members["a/x.csv"], "b.txt": b""}


@pytest.mark.parametrize("name", ["../evil.csv", "/tmp/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:\\evil.csv"])
def test_what_leads_out_of_the_folder_is_refused(tmp_path: Path, folder: Path, name: str) -> None:
    for path in (_zip(tmp_path / "f.zip", {name: b"x"}), _tar(tmp_path / "f.tgz", {name: b"x"})):
        with pytest.raises(
            DataError, match=rf"{path.name} cannot be unpacked \(it holds .+ which points outside its folder\); unpack"
        ):
            unpack(path, folder, silent)
    assert [file for file in tmp_path.rglob("evil*")] == []


def test_links_and_devices_are_refused(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as file:
        about = zipfile.ZipInfo("link.csv")
        about.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(about, "/etc/passwd")
    with tarfile.open(tmp_path / "f.tar", "w") as file:
        about = tarfile.TarInfo("link.csv")
        about.type, about.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(about)
    for name in ("f.zip", "f.tar"):
        with pytest.raises(DataError, match=rf"{name} cannot be unpacked \('link\.csv' in it is a link"):
            unpack(tmp_path / name, folder, silent)
    assert list(folder.iterdir()) == []


def test_more_than_the_disk_holds_is_refused_before_and_while_it_is_written(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped = _zip(tmp_path / "f.zip", {"a": bytes(3_000_000)})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=2_000_000))
    refused = r"unpacks to more than the disk has room for \(1\.8 MB\); free some space, set SONDE_CACHE"
    with pytest.raises(DataError, match=refused):
        unpack(zipped, folder, silent)
    with pytest.raises(DataError, match=refused):
        unpack(_tar(tmp_path / "f.tgz", {"a": bytes(3_000_000)}), folder, silent)
    assert list(folder.iterdir()) == []
    (tmp_path / "f.csv.xz").write_bytes(lzma.compress(bytes(3_000_000)))
    with pytest.raises(DataError, match=refused):
        decompress(tmp_path / "f.csv.xz", folder, silent)
    assert (folder / "f.csv").stat().st_size <= 1_800_000


def test_a_directory_that_lies_of_a_size_is_refused(tmp_path: Path, folder: Path) -> None:
    path = _zip(tmp_path / "f.zip", {"a": bytes(3_000_000)})
    content = path.read_bytes().replace(struct.pack("<I", 3_000_000), struct.pack("<I", 3_000))
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"f\.zip cannot be unpacked \(.*CRC.*\); unpack it first: unzip f\.zip -d f"):
        unpack(path, folder, silent)
    assert (folder / "a").stat().st_size <= 3_000


def test_a_tar_header_that_asks_for_gigabytes_is_refused_without_taking_them(tmp_path: Path, folder: Path) -> None:
    about = tarfile.TarInfo("names")
    about.type, about.size = tarfile.GNUTYPE_LONGNAME, 1 << 34
    with gzip.open(tmp_path / "f.tgz", "wb") as file:
        file.write(about.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    with pytest.raises(DataError, match=r"f\.tgz cannot be unpacked \(a header asks for 17,179,869,184 bytes\)"):
        unpack(tmp_path / "f.tgz", folder, silent)


def test_damaged_encrypted_and_empty_archives_are_refused(tmp_path: Path, folder: Path) -> None:
    whole = _zip(tmp_path / "f.zip", {"a": bytes(range(256)) * 50})
    (tmp_path / "cut.zip").write_bytes(whole.read_bytes()[:-30])
    (tmp_path / "cut.tgz").write_bytes(_tar(tmp_path / "f.tgz", {"a": bytes(range(256)) * 50}).read_bytes()[:-30])
    content = bytearray(whole.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(content)
    _zip(tmp_path / "empty.zip", {})
    (tmp_path / "f.csv.bz2").write_bytes(b"x,y\n1,2\n")
    for name, why in {
        "cut.zip": ".+",
        "cut.tgz": ".+",
        "locked.zip": "it is encrypted",
        "empty.zip": "it holds no files",
    }.items():
        with pytest.raises(DataError, match=rf"{name} cannot be unpacked \({why}\); unpack it first"):
            unpack(tmp_path / name, folder, silent)
    with pytest.raises(DataError, match=r"f\.csv\.bz2 cannot be unpacked \(it does not begin as \.bz2 files do\)"):
        decompress(tmp_path / "f.csv.bz2", folder, silent)


@pytest.mark.parametrize("ending", [".bz2", ".xz", ".zst"])
def test_one_compressed_file_is_its_content(tmp_path: Path, folder: Path, ending: str) -> None:
    import pyarrow as pa

    content, path = b"x,y\n" * 400_000, tmp_path / f"a.csv{ending}"
    if ending == ".zst":
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(content)
    else:
        path.write_bytes({".bz2": bz2, ".xz": lzma}[ending].compress(content))
    decompress(path, folder, silent)
    assert (folder / "a.csv").read_bytes() == content


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as file:
        file.writestr("a.csv", "x")
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("a.csv", "y")
    with pytest.raises(DataError, match=r"it holds 'a\.csv' twice"):
        unpack(tmp_path / "f.zip", folder, silent)


def test_the_checksum_behind_the_last_member_is_read(tmp_path: Path, folder: Path) -> None:
    path = _tar(tmp_path / "a.tar.gz", {"a.txt": b"one", "b.txt": b"two"})
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # of gzip's checksum, which stands before the length
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a.tar.gz .*CRC check failed"):
        unpack(path, folder, silent)
