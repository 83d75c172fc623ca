import gzip
from pathlib import Path

import pytest

from sonde.core.errors import DataError
from sonde.data import unzipped
from sonde.data.unzipped import content_of, opened


def test_what_was_packed_comes_out(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9_999
    (tmp_path / "a.gz").write_bytes(gzip.compress(content[:5]) + gzip.compress(content[5:]))
    (tmp_path / "a").write_bytes(content)
    assert content_of(tmp_path / "a.gz") == content_of(tmp_path / "a") == content
    with opened(tmp_path / "a.gz") as file:
        assert file.read(7) == content[:7]


@pytest.mark.parametrize("place", [15, 30, -6, -2])
def test_a_changed_byte_is_refused(tmp_path: Path, place: int) -> None:
    packed = bytearray(gzip.compress(b"a,b\n1,2\n" * 99, mtime=0))
    packed[place] ^= 0xFF
    (tmp_path / "a.gz").write_bytes(packed)
    with pytest.raises(DataError, match=r"a.gz cannot be unpacked \(.*\); copy or download it again"):
        content_of(tmp_path / "a.gz")


def test_a_torn_file_and_one_that_is_no_gzip(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"a" * 999)[:-9])
    (tmp_path / "b.gz").write_bytes(b"a,b\n1,2\n")
    for name in ("a.gz", "b.gz", "c.gz"):
        with pytest.raises(DataError, match=name):
            content_of(tmp_path / name)


def test_what_unpacks_to_more_than_memory_is_refused_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unzipped, "free_bytes", lambda: 4_000_000)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(9_000_000)))
    assert (tmp_path / "a.gz").stat().st_size < 20_000
    with pytest.raises(DataError, match=r"unpacks to more than memory has room for \(2.0 MB\)"):
        content_of(tmp_path / "a.gz")
