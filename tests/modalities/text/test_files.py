import gzip
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sonde.core.errors import DataError
from sonde.modalities.text.files import read_text
from sonde.modalities.text.long_text import whole_text


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


def test_a_nul_character_is_named_with_a_command_that_takes_it_out(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntw\0o\n")
    with pytest.raises(DataError, match=r"a.txt line 2 holds a NUL character") as said:
        read_text(path)
    with pytest.raises(DataError, match=r"a.txt line 2 holds a NUL character"):
        whole_text(path)
    command = str(said.value).partition("remove them with ")[2]
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert read_text(tmp_path / "clean-a.txt") == "one\ntwo\n"


@pytest.mark.parametrize("read", [read_text, whole_text])
def test_utf_16_is_named_with_a_command_that_converts_it(read: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("é one\n", encoding="utf-16")
    with pytest.raises(DataError, match="a.txt is UTF-16") as said:
        read(tmp_path / "a.txt")
    subprocess.run(str(said.value).partition("convert it: ")[2], shell=True, cwd=tmp_path, check=True)
    assert read_text(tmp_path / "a.txt") == "é one\n"
