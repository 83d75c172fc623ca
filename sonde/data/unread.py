"""Kinds of files that are not read as they are, and how to make readable ones of them."""

from pathlib import Path

_EXCEL = "save the sheet as CSV (in Excel: Save As, CSV UTF-8)"
_TABLE = "write it as CSV or Parquet, for example with pandas: "
_TAGGED = (
    "it holds words with tags, and words are not tagged here: write the sentences with a label each into a CSV file"
)
_SPOKEN = "keep the lines that are spoken: grep -vE '^WEBVTT|^[0-9]+[[:space:]]*$|-->' {name} > {stem}.txt"
_PLACES = (
    "it names places of a sequence: cut their letters out: bedtools getfasta -fi GENOME.fa -bed {name} -fo {stem}.fasta"
)
_RECORDS = (
    "write its sequences as FASTA: python -c \"from Bio import SeqIO; SeqIO.convert('{name}', '{kind}', '{stem}.fasta', "
    "'fasta')\" (package biopython), a file for each class"
)
_WAYS = {
    **dict.fromkeys((".conll", ".conllu", ".conllx", ".conllup", ".bio", ".iob", ".iob2", ".bioes"), _TAGGED),
    **dict.fromkeys((".srt", ".vtt"), _SPOKEN),
    **dict.fromkeys((".gff", ".gff3", ".gtf", ".bed"), _PLACES),
    **dict.fromkeys((".gb", ".gbk", ".gbff", ".genbank"), _RECORDS.replace("{kind}", "genbank")),
    ".embl": _RECORDS.replace("{kind}", "embl"),
    ".vcf": "take the lines before its header away: grep -v '^##' {name} > {stem}.tsv",
    ".po": "write its translations as TMX: po2tmx -l LANGUAGE {name} {stem}.tmx (package translate-toolkit)",
    **dict.fromkeys(
        (".xliff", ".xlf"),
        "write its translations as TMX: xliff2po {name} {stem}.po; po2tmx -l LANGUAGE {stem}.po {stem}.tmx"
        " (package translate-toolkit)",
    ),
    ".xlsx": _EXCEL,
    ".xlsm": _EXCEL,
    ".xls": _EXCEL,
    ".ods": "save the sheet as CSV (in LibreOffice: Save As, Text CSV)",
    ".zip": "unpack it first: unzip {name} -d {stem}",
    ".7z": "unpack it first: 7z x {name}",
    ".rar": "unpack it first: unrar x {name}",
    ".tgz": "unpack it first: tar -xf {name}",
    ".bz2": "unpack it first: bunzip2 {name}",
    ".xz": "unpack it first: unxz {name}",
    ".zst": "unpack it first: unzstd {name}",
    ".dta": _TABLE + "pandas.read_stata('{name}').to_csv('{stem}.csv', index=False)",
    ".sas7bdat": _TABLE + "pandas.read_sas('{name}').to_csv('{stem}.csv', index=False)",
    ".sav": _TABLE + "pandas.read_spss('{name}').to_csv('{stem}.csv', index=False)",
    ".orc": _TABLE + "pandas.read_orc('{name}').to_parquet('{stem}.parquet')",
}


def way_to_read(path: Path) -> str:
    """What to do with a file that is not read as it is, "" for other files.

    >>> way_to_read(Path("data/cats.zip"))
    'unpack it first: unzip cats.zip -d cats'
    """
    name, suffix = path.name, path.suffix.lower()
    if suffix in (".gz", ".bz2", ".xz", ".zst") and name.lower().endswith(f".tar{suffix}"):
        suffix = ".tgz"
    way = _WAYS.get(suffix, "")
    return way.replace("{name}", name).replace("{stem}", name.split(".")[0])
