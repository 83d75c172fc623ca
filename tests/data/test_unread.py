"""Files that are not read as they are: one line, with the way on."""

import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sample_settings import data_config

from sonde.core.errors import DataError
from sonde.data.unread import way_to_read
from sonde.modalities.open import open_data
from sonde.modalities.table.read import read_table


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("sales.ods", r"save the sheet as CSV \(in LibreOffice: Save As, Text CSV\)"),
        ("a.rar", r"unpack it first: unrar x a\.rar"),
        ("a.sav", r"with pandas: pandas\.read_spss\('a\.sav'\)\.to_csv\('a\.csv', index=False\)"),
    ],
)
def test_the_way_on_is_in_the_error(tmp_path: Path, name: str, way: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=rf"{name} cannot be read as it is: .*{way}$"):
        open_data(tmp_path / name, data_config())
    with pytest.raises(DataError, match=rf"holds {name}, which cannot be read as it is: .*{way}$"):
        open_data(tmp_path, data_config())
    with pytest.raises(DataError, match=rf"^{name} cannot be read as it is: .*{way}$"):
        read_table(tmp_path / name)


def test_a_packed_file_in_a_folder_is_to_be_named_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONDE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "my data").mkdir()
    with zipfile.ZipFile(tmp_path / "my data" / "sales.zip", "w") as file:
        file.writestr("train.csv", "x,y\n" + "".join(f"{i / 7:.3f},{i % 2}\n" for i in range(40)))
    with pytest.raises(DataError, match=r"holds sales\.zip, which is read if you give it itself: '") as refused:
        open_data(tmp_path / "my data", data_config())
    (named,) = shlex.split(str(refused.value).partition("itself: ")[2])
    assert open_data(named, data_config(target=("y",))).schema.target.names == ("0", "1")


def test_other_files_have_none() -> None:
    assert [way_to_read(Path(name)) for name in ("a.csv", "a.csv.gz", "a.png", "a")] == [""] * 4


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip")
def test_unpacked_as_the_error_says_it_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "sales.zip", "w") as file:
        file.writestr("train.csv", "x,y\n" + "".join(f"{i / 7:.3f},{i % 2}\n" for i in range(40)))
    command = way_to_read(tmp_path / "sales.zip").partition(": ")[2]
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    assert open_data(tmp_path / "sales", data_config(target=("y",))).schema.target.names == ("0", "1")


def test_the_way_to_read_arff_works(tmp_path: Path) -> None:
    (tmp_path / "a.arff").write_text("@relation x\n@attribute t1 numeric\n@attribute kind {a,b}\n@data\n1.5,a\n2,b\n")
    command = way_to_read(tmp_path / "a.arff").partition(": ")[2]
    script = f"import pandas, scipy.io.arff; {command}"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "a.csv").read_text().splitlines() == ["t1,kind", "1.5,a", "2.0,b"]


def test_the_way_to_read_ts_gives_arrays_of_known_names() -> None:
    assert "numpy.savez('x.npz', x=x, y=y)" in way_to_read(Path("x.ts"))


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("dev.conllu", "tagging words is not supported"),
        ("talk.srt", "grep -vE '^WEBVTT|^[0-9]+[[:space:]]*$|-->' talk.srt > talk.txt"),
        ("genes.GFF3", "bedtools getfasta -fi GENOME.fa -bed genes.GFF3 -fo genes.fasta"),
        ("one.gbk", "SeqIO.convert('one.gbk', 'genbank', 'one.fasta', 'fasta')"),
        ("calls.vcf", "grep -v '^##' calls.vcf > calls.tsv"),
        ("de.po", "po2tmx -l LANGUAGE de.po de.tmx"),
        ("de.xlf", "xliff2po de.xlf de.po"),
    ],
)
def test_files_of_texts_and_sequences_are_named_with_a_way(name: str, way: str) -> None:
    assert way in way_to_read(Path(name))


def test_the_way_of_subtitles_leaves_what_is_spoken(tmp_path: Path) -> None:
    said = (
        "1\r\n00:00:01,000 --> 00:00:02,000\r\nAt 7 we went.\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\n7 of us\r\n"
    )
    (tmp_path / "talk.srt").write_bytes(said.encode())
    command = way_to_read(Path("talk.srt")).partition(": ")[2]
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert (tmp_path / "talk.txt").read_text().split() == ["At", "7", "we", "went.", "7", "of", "us"]
