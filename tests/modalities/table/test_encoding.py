"""UTF-16, as Excel writes "Unicode text"."""

import gzip
from pathlib import Path

import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.read import head_of, read_table

TEXT = 'größe\tword\r\n1,5\t"a ""b"""\r\n2\té\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_table_is_the_same_in_every_encoding(tmp_path: Path, encoding: str):
    content = TEXT.encode(encoding)
    content = b"\xfe\xff" + content if encoding == "utf-16-be" else content
    (tmp_path / "t.tsv").write_bytes(content)
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(content))
    for name in ("t.tsv", "t.tsv.gz"):
        table = read_table(tmp_path / name)
        cells = {column: cells.to_pylist() for column, cells in table.columns.items()}
        assert cells == {"größe": ["1,5", "2"], "word": ['a "b"', "é"]}
        head = head_of(tmp_path / name)
        assert head is not None
        assert list(head.columns) == ["größe", "word"]


def test_utf16_that_is_cut_off(tmp_path: Path):
    (tmp_path / "t.csv").write_bytes(TEXT.encode("utf-16")[:-1])
    with pytest.raises(
        DataError, match=r"^t\.csv begins as UTF-16 and cannot be read as such \(.*\); save it as UTF-8$"
    ):
        read_table(tmp_path / "t.csv")
