import json
from pathlib import Path

import pytest

from sonde.core.errors import DataError
from sonde.modalities.audio.manifest import names_recordings, read_manifest


def written(folder: Path, text: str, name: str = "m.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.csv", 'file,transcript\na.wav,"one, two"\n\nb.wav,three\n'),
        ("m.csv", "file;transcript\na.wav;one, two\n\nb.wav;three\n"),
        ("m.tsv", "file\ttranscript\na.wav\tone, two\n\nb.wav\tthree\n"),
        ("m.csv", "file|transcript\na.wav|one, two\n\nb.wav|three\n"),
        ("m.jsonl", '{"file": "a.wav", "transcript": "one, two"}\n\n{"file": "b.wav", "transcript": "three"}\n'),
        ("m.csv", '\ufefffile,transcript\r\na.wav,"one, two"\r\n\r\nb.wav,three\r\n'),
    ],
)
def test_every_kind_is_read_the_same(tmp_path: Path, name: str, text: str) -> None:
    path = written(tmp_path, text, name)
    found = read_manifest(path)
    assert names_recordings(path)
    assert list(found.rows) == [
        {"file": "a.wav", "transcript": "one, two"},
        {"file": "b.wav", "transcript": "three"},
    ]
    assert found.place(1) == f"{name} line {3 if name.endswith('jsonl') else 4}"


def test_bare_quotes_stand_in_tsv_files(tmp_path: Path) -> None:
    found = read_manifest(written(tmp_path, 'path\tsentence\na.wav\t"no, he said\n', "m.tsv"))
    assert found.rows[0]["sentence"] == '"no, he said'


@pytest.mark.parametrize(("name", "text"), [("m.csv", "a,b\n1,2\n"), ("m.txt", "file\na.wav\n"), ("m.csv", "file\n")])
def test_other_files_are_no_manifests(tmp_path: Path, name: str, text: str) -> None:
    assert not names_recordings(written(tmp_path, text, name))


def test_columns_are_told_by_name_and_by_what_they_hold(tmp_path: Path) -> None:
    found = read_manifest(written(tmp_path, "id,clip,Sentence,class\n1,a.wav,hello,x\n"))
    assert found.file_column() == "clip"
    assert found.truth_column((), spoken=None) == ("Sentence", True)
    assert found.truth_column((), spoken=False) == ("class", False)
    assert found.truth_column(("class",), spoken=None) == ("class", False)
    assert found.truth_column(("id",), spoken=True) == ("id", True)
    named = read_manifest(written(tmp_path, "other,file,label\nx.wav,a.wav,1\n"))
    assert named.file_column() == "file"
    assert named.truth_column((), spoken=True) == ("label", True)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("sentense",), "has no column 'sentense'; did you mean 'sentence'"),
        (("a", "b"), "a recording has one transcript or label"),
    ],
)
def test_targets_that_do_not_suit(tmp_path: Path, asked: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_manifest(written(tmp_path, "file,sentence\na.wav,x\n")).truth_column(asked, spoken=None)


def test_files_without_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has columns file, speaker, and none is called transcript or label; say which"):
        read_manifest(written(tmp_path, "file,speaker\na.wav,x\n")).truth_column((), spoken=None)
    with pytest.raises(DataError, match=r"m\.csv names no recordings in any column"):
        read_manifest(written(tmp_path, "file,speaker\na.txt,x\n")).file_column()
    with pytest.raises(DataError, match=r"m\.csv holds no rows; add rows"):
        read_manifest(written(tmp_path, "file,transcript\n"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", b"file,text\na.wav,x\nb.wav\n", r"m\.csv line 3 has 1 columns, and the header 2; fix or"),
        ("m.csv", b"file,text\na.wav,\xff\n", r"m\.csv is not UTF-8 \(byte 16\)"),
        ("m.jsonl", b'{"file": "a.wav"\n', r"m\.jsonl line 1 is not valid JSON"),
        ("m.jsonl", b'["a.wav"]\n', r"m\.jsonl line 1 is not a JSON object"),
    ],
)
def test_broken_files_are_named_with_their_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_manifest(tmp_path / name)


def test_a_manifest_may_mean_parts_of_recordings(tmp_path: Path) -> None:
    nemo = tmp_path / "nemo.jsonl"
    lines = [
        {"audio_filepath": "a.wav", "offset": 1.5, "duration": 2.0, "text": "x"},
        {"audio_filepath": "b.wav", "text": "y"},
    ]
    nemo.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_manifest(nemo)
    assert (found.part(0), found.part(1)) == ((1.5, 3.5), (0.0, 0.0))
    cut = tmp_path / "cut.csv"
    cut.write_text("file,start,end,label\na.wav,0.5,1.25,x\na.wav,2,1,y\na.wav,one,2,y\n")
    found = read_manifest(cut)
    assert found.part(0) == (0.5, 1.25)
    for row in (1, 2):
        with pytest.raises(
            DataError, match=f"cut.csv line {row + 2}: start .* are not the begin and end of a part in seconds"
        ):
            found.part(row)
    whole = tmp_path / "whole.jsonl"  # a duration alone is that of the file
    whole.write_text(json.dumps({"audio_filepath": "a.wav", "duration": 2.0, "text": "x"}) + "\n")
    assert read_manifest(whole).part(0) == (0.0, 0.0)


@pytest.mark.parametrize("indent", [None, 1])
def test_nemos_manifests_are_called_json(tmp_path: Path, indent: int | None) -> None:
    rows = [{"audio_filepath": f"{n}.wav", "text": "x"} for n in range(3)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path = written(tmp_path, lines if indent is None else json.dumps(rows, indent=indent), "manifest.json")
    assert names_recordings(path)
    assert [row["audio_filepath"] for row in read_manifest(path).rows] == ["0.wav", "1.wav", "2.wav"]
    other = written(tmp_path, json.dumps([{"text": "he plays a.wav all day", "label": 1}]), "other.json")
    assert not names_recordings(other)
