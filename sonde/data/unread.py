"""Kinds of files that are not read as they are, and how to make readable ones of them."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

_UNPACK = "unpack it first: "
_EXCEL = "save the sheet as CSV (in Excel: Save As, CSV UTF-8)"
_TABLE = "write it as CSV or Parquet, for example with pandas: "
_PICTURE = "write each as PNG or TIFF, for example in Python: "
_PILLOW = _PICTURE + "from PIL import Image; Image.open('{name}').save('{stem}.png')"
_RAW = (
    _PICTURE
    + "import rawpy; from PIL import Image; Image.fromarray(rawpy.imread('{name}').postprocess()).save('{stem}.png')"
)
_NIFTI = (
    _PICTURE
    + "import nibabel, tifffile; tifffile.imwrite('{stem}.tif', nibabel.load('{name}').get_fdata(dtype='float32').T)"
)
_PICTURES = {
    **dict.fromkeys(
        (".dcm", ".dicom"),
        _PICTURE + "import pydicom, tifffile; tifffile.imwrite('{stem}.tif', pydicom.dcmread('{name}').pixel_array)",
    ),
    **dict.fromkeys((".nii", ".nii.gz"), _NIFTI),
    **dict.fromkeys((".psd", ".jp2", ".j2k", ".tga", ".pcx", ".ico", ".sgi", ".dds"), _PILLOW),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2", ".pef"), _RAW),
    ".jxl": _PICTURE + "import pillow_jxl; from PIL import Image; Image.open('{name}').save('{stem}.png')",
    ".svg": _PICTURE + "import cairosvg; cairosvg.svg2png(url='{name}', write_to='{stem}.png')",
}
_TAGGED = (
    "it holds words with tags (CoNLL), and tagging words is not supported: write the sentences, each with one label, "
    "into a CSV file"
)
_SPOKEN = "keep the lines that are spoken: grep -vE '^WEBVTT|^[0-9]+[[:space:]]*$|-->' {name} > {stem}.txt"
_PLACES = (
    "it lists regions of sequences: extract their letters: bedtools getfasta -fi GENOME.fa -bed {name} -fo {stem}.fasta"
)
_RECORDS = (
    "write its sequences as FASTA: python -c \"from Bio import SeqIO; SeqIO.convert('{name}', '{kind}', '{stem}.fasta', "
    "'fasta')\" (package biopython), a file for each class"
)
_WAYS = {
    **_PICTURES,
    **dict.fromkeys((".conll", ".conllu", ".conllx", ".conllup", ".bio", ".iob", ".iob2", ".bioes"), _TAGGED),
    **dict.fromkeys((".srt", ".vtt"), _SPOKEN),
    **dict.fromkeys((".gff", ".gff3", ".gtf", ".bed"), _PLACES),
    **dict.fromkeys((".gb", ".gbk", ".gbff", ".genbank"), _RECORDS.replace("{kind}", "genbank")),
    ".embl": _RECORDS.replace("{kind}", "embl"),
    ".vcf": "remove the lines before its header: grep -v '^##' {name} > {stem}.tsv",
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
    ".zip": _UNPACK + "unzip {name} -d {stem}",
    ".7z": _UNPACK + "7z x {name}",
    ".rar": _UNPACK + "unrar x {name}",
    **dict.fromkeys((".tar", ".tgz", ".tbz2", ".txz"), _UNPACK + "tar -xf {name}"),
    ".bz2": _UNPACK + "bunzip2 {name}",
    ".xz": _UNPACK + "unxz {name}",
    ".zst": _UNPACK + "unzstd {name}",
    ".dta": _TABLE + "pandas.read_stata('{name}').to_csv('{stem}.csv', index=False)",
    ".sas7bdat": _TABLE + "pandas.read_sas('{name}').to_csv('{stem}.csv', index=False)",
    ".sav": _TABLE + "pandas.read_spss('{name}').to_csv('{stem}.csv', index=False)",
    ".arff": _TABLE
    + "pandas.DataFrame(scipy.io.arff.loadarff('{name}')[0]).map(lambda v: v.decode() if isinstance(v, bytes) "
    "else v).to_csv('{stem}.csv', index=False)",
    ".ts": "write it as NPZ, for example with aeon: x, y = aeon.datasets.load_from_ts_file('{name}'); "
    "numpy.savez('{stem}.npz', x=x, y=y)",
    ".orc": _TABLE + "pandas.read_orc('{name}').to_parquet('{stem}.parquet')",
}
_ENDINGS = frozenset({*_WAYS, ".gz"})  # the last of a name that `_suffix` looks at


def way_to_read(path: Path) -> str:
    """What to do with a file that is not read as it is, "" for other files.

    >>> way_to_read(Path("data/cats.zip"))
    'unpack it first: unzip cats.zip -d cats'
    """
    name = path.name
    return _WAYS.get(_suffix(path), "").replace("{name}", name).replace("{stem}", name.split(".")[0])


def is_unread_picture(path: Path) -> bool:
    """Whether a file's name is that of a picture of a kind that is not read."""
    return _suffix(path) in _PICTURES


def _suffix(path: Path) -> str:
    """The ending that tells what to do, in small letters."""
    name, suffix = path.name.lower(), path.suffix.lower()
    if name.endswith(".nii.gz"):
        return ".nii.gz"
    return ".tgz" if suffix in (".gz", ".bz2", ".xz", ".zst") and name.endswith(f".tar{suffix}") else suffix


def left_unread(names: Sequence[str]) -> list[str]:
    """Warnings of files that are not read as they are: how many of each kind, and what to do with them.

    Packed files beside what was unpacked from them, by the name, are not meant.

    >>> left_unread(["a/1.rar", "a/2.csv", "b/3.RAR", "b/3/x.csv"])
    ['1 .rar file is not read, such as a/1.rar: unpack it first: unrar x 1.rar']
    """
    odd = [name for name in names if os.path.splitext(name)[1].lower() in _ENDINGS and way_to_read(Path(name))]
    packed = {name for name in odd if way_to_read(Path(name)).startswith(_UNPACK)}
    there = _stems(name for name in names if name not in packed) if packed else set()
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for name in odd:
        if name not in packed or _stem(name) not in there:
            suffix = _suffix(Path(name))
            first.setdefault(suffix, name)
            counts[suffix] += 1
    return [
        f"{counts[suffix]:,} {suffix} {'files are' if counts[suffix] > 1 else 'file is'} not read, such as {name}: "
        f"{way_to_read(Path(name))}"
        for suffix, name in first.items()
    ]


def _stem(name: str) -> str:
    """A file's path up to the first point of its name."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.split(".")[0]


def _stems(names: Iterable[str]) -> set[str]:
    """`_stem` of some files, and the folders that they stand in."""
    found: set[str] = set()
    for name in names:
        found.add(_stem(name))
        folder = name.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found
