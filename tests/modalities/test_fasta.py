import gzip
from pathlib import Path

import pytest

from sonde.core.errors import DataError
from sonde.modalities.fasta import read_records


def test_fasta_holds_names_headers_and_letters(tmp_path: Path) -> None:
    file = tmp_path / "a.fasta"
    file.write_text(">one of many\nMKT\nAYI*\n\n; a remark\n>two\nGG S\n", encoding="utf-8")
    found = read_records(file)
    assert [(one.name, one.header, one.letters, one.line) for one in found] == [
        ("one", "one of many", "MKTAYI*", 1),
        ("two", "two", "GGS", 6),
    ]
    (tmp_path / "b.fa.gz").write_bytes(gzip.compress(file.read_bytes().replace(b"\n", b"\r\n")))
    assert read_records(tmp_path / "b.fa.gz") == found
    file.write_text("MKT\nAYI\n", encoding="utf-8")
    assert [(one.name, one.letters) for one in read_records(file)] == [("a", "MKTAYI")]


def test_fastq_holds_four_lines_a_record(tmp_path: Path) -> None:
    file = tmp_path / "a.fastq"
    file.write_text("@r1 x\nACGT\n+\n@@@@\n@r2\nGGG\n+r2\nIII\n", encoding="utf-8")
    assert [(one.name, one.letters) for one in read_records(file)] == [("r1", "ACGT"), ("r2", "GGG")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.fasta", b"\n", "a.fasta holds no sequence"),
        (
            "a.fasta",
            b">one\nACG\n>two\n>three\nA\n",
            "a.fasta line 3: two has no sequence; add it or remove the record",
        ),
        ("a.fastq", b"@r1\nACGT\n+\n", "a.fastq has no four lines for each record"),
        ("a.fa", b"\xff\xfe>", "a.fa is not UTF-8"),
        ("a.fa.gz", gzip.compress(b">one\nACGT\n", mtime=0)[:20], "a.fa.gz cannot be unpacked"),
        ("none.fa", None, "none.fa cannot be read .*No such file"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_records(tmp_path / name)
