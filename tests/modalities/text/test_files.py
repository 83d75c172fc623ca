import gzip
import re
from pathlib import Path

import pytest

from sonde.core.errors import DataError
from sonde.modalities.text.files import read_text


def test_text_is_read_without_its_mark_and_with_one_kind_of_line_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfna\xc3\xafve\r\ntwo\rthree\n")
    assert read_text(tmp_path / "a.txt") == "naïve\ntwo\nthree\n"
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("naïve".encode()))
    assert read_text(tmp_path / "a.txt.gz") == "naïve"


def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"fine\nna\xefve\n")
    said = re.escape(
        "a.txt is not UTF-8 in line 2 (byte 7); if it is Latin-1, convert it: iconv -f latin1 -t utf-8 a.txt"
    )
    with pytest.raises(DataError, match=said):
        read_text(tmp_path / "a.txt")


def test_utf_16_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("film".encode("utf-16"))
    with pytest.raises(DataError, match=r"a\.txt is UTF-16; save it as UTF-8"):
        read_text(tmp_path / "a.txt")


def test_a_torn_archive_and_an_absent_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"film" * 100)[:20])
    with pytest.raises(DataError, match=r"a\.txt\.gz cannot be unpacked"):
        read_text(tmp_path / "a.txt.gz")
    with pytest.raises(DataError, match=r"b\.txt cannot be read"):
        read_text(tmp_path / "b.txt")
