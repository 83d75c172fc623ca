"""Records of FASTA and FASTQ files: a name, what else stands in the header, and letters.

Sources: Pearson and Lipman 1988, Improved tools for biological sequence comparison, PNAS 85; Cock et al. 2010, The Sanger FASTQ
file format, Nucleic Acids Research 38 (6)
"""

from dataclasses import dataclass
from pathlib import Path

from sonde.core.errors import DataError
from sonde.data.unzipped import begins_zipped, content_of

FASTA = (".fasta", ".fa", ".faa", ".fna", ".ffn", ".fas")
FASTQ = (".fastq", ".fq")


@dataclass(frozen=True)
class Record:
    """One sequence. name: the first word of its header;  header: all of it, without the sign before;  line: of the header"""

    name: str
    header: str
    letters: str
    line: int


def sequence_suffix(path: Path) -> str:
    """The ending that says that a file holds records, "" of other files; that of gzip is looked through.

    >>> sequence_suffix(Path("a.fa.gz")), sequence_suffix(Path("B.FASTA")), sequence_suffix(Path("c.txt"))
    ('.fa', '.fasta', '')
    """
    suffix = (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()
    return suffix if suffix in (*FASTA, *FASTQ) else ""


def read_records(path: Path) -> list[Record]:
    """The records of a file, gzipped or not, in its order; letters as they stand, the lines of each joined.

    Raises: DataError for a file without any, one that is cut off or not text, and a record without letters
    """
    lines = _lines(path)
    records = _of_fastq(path, lines) if sequence_suffix(path) in FASTQ else _of_fasta(path, lines)
    if not records:
        raise DataError(f"{path} holds no sequence; a FASTA file has lines of residues below a line >NAME")
    empty = next((record for record in records if not record.letters), None)
    if empty is not None:
        raise DataError(f"{path} line {empty.line:,}: {empty.name} has no sequence; add it or remove the record")
    return records


def _lines(path: Path) -> list[str]:
    try:
        text = content_of(path, zipped=begins_zipped(path)).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start:,}; save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _of_fasta(path: Path, lines: list[str]) -> list[Record]:
    found: list[tuple[str, int, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith(">"):
            found.append((text[1:].strip(), number, []))
        elif text and not text.startswith(";"):  # a remark
            if not found:
                found.append((path.stem, number, []))
            found[-1][2].append("".join(text.split()))
    return [Record((header.split() or [f"line {n}"])[0], header, "".join(parts), n) for header, n, parts in found]


def _of_fastq(path: Path, lines: list[str]) -> list[Record]:
    filled = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if len(filled) % 4 or any(not filled[n][1].startswith("@") for n in range(0, len(filled), 4)):
        raise DataError(f"{path} has no four lines for each record (@name, letters, +, qualities); copy it again")
    return [
        Record(
            (filled[n][1][1:].split() or [f"line {filled[n][0]}"])[0], filled[n][1][1:], filled[n + 1][1], filled[n][0]
        )
        for n in range(0, len(filled), 4)
    ]
