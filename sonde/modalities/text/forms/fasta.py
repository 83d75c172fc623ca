"""FASTA files of nucleotides or residues, what is to be predicted standing in headers or in the names of files.

promoters.fasta                    >seq1|promoter     or >P1 score=2.3 OS=Homo sapiens
posneg/positive.fa negative.fa     a file a class
split/train.fasta test.fasta       a file a split; split/train/positive.fa a file a class in each
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing, split_folders
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.modalities.fasta import Record, read_records, sequence_suffix
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import short_name
from sonde.modalities.table.kinds import infer_kind
from sonde.modalities.table.read import Table
from sonde.modalities.text.biological import chain_kind
from sonde.modalities.text.columns import TextColumns, looked_at, uninformative
from sonde.modalities.text.forms.tables import tables_as_trained, tables_of_texts
from sonde.tasks.table import refuse_columns

SEQUENCE, ID, CLASS = "sequence", "id", "file"
KEY = re.compile(r"(\w+)[=:]([^=]*?)(?=\s+\w+[=:]|[|;]|$)")  # of UniProt, and of many others


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a path is a FASTA file or a folder of them, None if it is not."""
    if wanted.like is not None and wanted.like.input.kind != "tokens":
        return None
    files = [file for found in _files(listing).values() for file in found]
    return f"{len(files):,} FASTA file{'s' * (len(files) > 1)}, such as {files[0].name}" if files else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Sequences with what their headers or the names of their files say of them.

    Raises: DataError for files without records, and where headers say nothing that can be predicted, or several things
    """
    by_split = _files(listing, alone="train" if like is None else "test")
    tables: dict[str, Table] = {}
    for done, (split, files) in enumerate(by_split.items()):
        tick("reading sequences", done, len(by_split))
        tables[split] = _table(files, by_file=any(len(found) > 1 for found in by_split.values()))
    everything = [file for files in by_split.values() for file in files]
    about = About.at(listing, name=short_name(listing.path), form="FASTA", why=everything[0].name, files=everything)
    first = next(iter(tables.values()))
    if config.of(TableConfig).columns:
        raise DataError(f"{listing.path} holds FASTA, whose headers name no columns; leave --columns out")
    requested = config.of(TableConfig).target
    if like is not None:
        names = like.target.names if like.target.kind != "class" else requested or (_target(first, listing)[0],)
        return tables_as_trained(tables, dict.fromkeys(tables, tuple(names)), SEQUENCE, about, like)
    guessed = ""
    if not requested:
        refuse_columns(task, "tokens", listing.path.name)
        target, guessed = _target(first, listing)
        requested = (target,)
    aside = [
        name for name in first.columns if name not in (SEQUENCE, ID, *requested) and not uninformative(first, name)
    ]
    plain = [letters.upper().replace("-", "").replace("*", "") for letters in looked_at(first, SEQUENCE)]
    chain = chain_kind(plain)  # of an alignment too, most of which may be gaps
    about = replace(about, warnings=[*about.warnings, *_odd_letters(tables.values(), chain)])
    found = TextColumns(input=SEQUENCE, targets=tuple(requested), chain=chain, aside=tuple(aside), guessed=guessed)
    return tables_of_texts(tables, found, about, config, task=task, tick=tick)


def _odd_letters(tables: Iterable[Table], chain: str) -> list[str]:
    """Warnings of what sequences are written in: small letters, RNA beside DNA, and the same sequence in several records."""
    cells = [str(cell) for table in tables for cell in table.columns[SEQUENCE].to_pylist()]
    found = []
    if chain and (small := sum(cell != cell.upper() for cell in cells)):
        found.append(
            f"{small:,} of {len(cells):,} sequences have small letters (soft-masked), which are read as capitals"
        )
    rna, dna = ({row for row, cell in enumerate(cells) if letter in cell.upper()} for letter in "UT")
    if chain == "nucleotides" and rna and dna:
        found.append(
            f"{len(rna):,} sequences hold U and {len(dna):,} hold T: RNA beside DNA, whose U and T are different letters here; "
            "write all in one way unless that is meant"
        )
    return found


def _files(listing: Listing, *, alone: str = "train") -> dict[str, list[Path]]:
    """Split -> its files: of a folder those for its splits, or all; the folders of splits where they hold such files."""
    if listing.is_file:
        return {alone: [listing.path]} if sequence_suffix(listing.path) else {}
    files = [file for file in listing.files if sequence_suffix(file)]
    if not files:
        folders = {
            split: [f for f in folder.files if sequence_suffix(f)] for split, folder in split_folders(listing).items()
        }
        return in_order({split: found for split, found in folders.items() if found}) if folders.get("train") else {}
    named = {SPLIT_NAMES.get(file.name.split(".")[0].lower()): [file] for file in files}
    if "train" in named and len(named) == len(files) and None not in named:
        return in_order({split: found for split, found in named.items() if split})
    return {alone: files}


def _table(files: Sequence[Path], *, by_file: bool) -> Table:
    """A row a record: its letters, its name, what its header says, and the file it stands in where several are classes."""
    rows: list[Mapping[str, str]] = []
    for file in files:
        for record in read_records(file):
            more = {CLASS: _class(file)} if by_file else {}
            rows.append({SEQUENCE: record.letters, ID: record.name, **_said(record), **more})
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: pa.chunked_array([pa.array([row.get(name) for row in rows], pa.string())]) for name in names}
    return Table(name=files[0].name if len(files) == 1 else files[0].parent.name, columns=columns, first_row=1)


def _class(file: Path) -> str:
    return file.name.lower().removesuffix(".gz").rsplit(".", 1)[0]


def _said(record: Record) -> dict[str, str]:
    """What a header says besides the name: pairs such as score=2.3, and parts between bars.

    >>> _said(Record("seq1|promoter", "seq1|promoter", "ACGT", 1))
    {'part 2': 'promoter'}
    >>> _said(Record("P1", "P1 score=2.3 OS=Homo sapiens", "MKT", 1))
    {'score': '2.3', 'OS': 'Homo sapiens'}
    """
    pairs = {key: value.strip() for key, value in KEY.findall(record.header) if key not in (SEQUENCE, ID, CLASS)}
    bare = KEY.sub("", record.header).strip()
    parts = [part.strip() for part in re.split(r"[|\t;]", bare)]
    numbered = {f"part {n}": part for n, part in enumerate(parts, start=1) if n > 1 and part}
    if len(parts) == 1 and len(words := bare.split()) == 2:
        numbered = {"part 2": words[1]}
    return {**numbered, **pairs}


def _target(table: Table, listing: Listing) -> tuple[str, str]:
    """The one thing that headers or files say of sequences and that differs, and why it is taken. Raises: DataError"""
    if CLASS in table.columns and len(set(table.columns[CLASS].to_pylist())) > 1:
        return CLASS, "a file a class"
    said = [name for name in table.columns if name not in (SEQUENCE, ID)]
    open_ones = [name for name in said if not uninformative(table, name) and infer_kind(table, name).kind != "date"]
    if len(open_ones) == 1:
        return open_ones[0], "the only item in the headers that varies; --target selects another"
    if open_ones:
        raise DataError(
            f"{listing.path}: headers say {', '.join(open_ones[:8])}; which is the target? Use --target '{open_ones[0]}'"
        )
    raise DataError(
        f"{listing.path} holds sequences and nothing to predict; give a folder with a file for each class, headers such as "
        "'>name label=a', or a CSV file with columns sequence and label"
    )
