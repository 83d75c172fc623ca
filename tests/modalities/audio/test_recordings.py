from pathlib import Path

import pytest
from sample_settings import data_config

from sonde.core.errors import ConfigError, DataError
from sonde.data.listing import Listing
from sonde.modalities.audio.recordings import Recordings, find_recordings, sounds_below


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not read here")
    return folder


def found(folder: Path, task: str | None = None, **settings: object) -> Recordings:
    return find_recordings(Listing(folder), data_config(**settings), task=task)  # type: ignore[arg-type]


def told(given: Recordings) -> list[tuple[str, str, str]]:
    return [(recording.name, recording.truth, recording.split) for recording in given.recordings]


def test_a_folder_is_a_class_and_perhaps_below_a_split(tmp_path: Path) -> None:
    plain = found(touched(tmp_path / "a", "yes/1.wav", "no/2.FLAC", "no/sub/3.wav", "readme.txt", ".hidden/4.wav"))
    assert told(plain) == [("no/2.FLAC", "no", "train"), ("no/sub/3.wav", "no", "train"), ("yes/1.wav", "yes", "train")]
    split = found(touched(tmp_path / "b", "train/yes/1.wav", "train/no/2.wav", "test/yes/3.wav", "val/no/4.wav"))
    assert {(truth, where) for _, truth, where in told(split)} == {
        ("yes", "train"), ("no", "train"), ("yes", "test"), ("no", "validation"),
    }  # fmt: skip
    assert not plain.spoken


def test_recordings_in_one_heap_need_to_be_told_apart(tmp_path: Path) -> None:
    for names in (("a.wav", "b.wav"), ("all/a.wav", "all/b.wav")):
        with pytest.raises(DataError, match="are not in class folders; give the label in their"):
            found(touched(tmp_path / names[0].replace("/", "-"), *names))
    with pytest.raises(DataError, match=r"x/a\.wav is outside the folders of the splits; move it into one of them"):
        found(touched(tmp_path / "c", "train/yes/1.wav", "train/no/1.wav", "x/a.wav"))


def test_names_tell_labels_splits_and_who_speaks(tmp_path: Path) -> None:
    folder = touched(tmp_path, "r/7_theo_0.wav", "r/7_theo_10.wav", "r/8_jim_2.wav")
    given = found(folder, labels="{label}_{speaker}_{take}", held_out="take=0-4")
    assert told(given) == [
        ("r/7_theo_0.wav", "7", "test"), ("r/7_theo_10.wav", "7", "train"), ("r/8_jim_2.wav", "8", "test"),
    ]  # fmt: skip
    assert given.recordings[2].parts["speaker"] == "jim"
    by_split = found(touched(tmp_path / "s", "dev-yes.wav", "train-no.wav"), labels="{split}-{label}")
    assert [split for _, _, split in told(by_split)] == ["validation", "train"]
    with pytest.raises(DataError, match="x-yes.wav is of a split called 'x'; write train, validation or test"):
        found(touched(tmp_path / "s", "x-yes.wav"), labels="{split}-{label}")


def test_held_out_recordings_must_be_some(tmp_path: Path) -> None:
    folder = touched(tmp_path, "7_0.wav", "8_1.wav")
    for chosen, what in (("take=5", "no recording"), ("take=0-1", "every recording")):
        with pytest.raises(DataError, match=f"--held-out {chosen} takes {what}"):
            found(folder, labels="{label}_{take}", held_out=chosen)
        judged = find_recordings(
            Listing(folder), data_config(labels="{label}_{take}", held_out=chosen), task=None, evaluating=True
        )
        assert {recording.split for recording in judged.recordings} == {"train"}
    with pytest.raises(ConfigError, match="has no part 'speaker'; there are label, take"):
        found(folder, labels="{label}_{take}", held_out="speaker=a")


def test_manifests_name_files_beside_or_below_them(tmp_path: Path) -> None:
    touched(tmp_path, "wavs/a.wav", "wavs/b.wav")
    (tmp_path / "m.csv").write_text("file,transcript,split,speaker\nwavs/a.wav,one,train,x\nwavs/b.wav,two,dev,y\n")
    for source in (tmp_path, tmp_path / "m.csv"):
        given = found(source)
        assert told(given) == [("wavs/a.wav", "one", "train"), ("wavs/b.wav", "two", "validation")]
        assert given.spoken
        assert given.root == tmp_path
    assert not found(tmp_path, task="classification").spoken
    held = found(tmp_path, held_out="speaker=y")
    assert [split for _, _, split in told(held)] == ["train", "test"]


def test_a_manifest_a_split(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("path\tlabel\na.wav\tyes\n")
    (tmp_path / "test.tsv").write_text("path\tlabel\nb.wav\tno\n")
    given = found(tmp_path)
    assert told(given) == [("a.wav", "yes", "train"), ("b.wav", "no", "test")]
    assert not given.spoken
    (tmp_path / "train.tsv").rename(tmp_path / "other.tsv")
    with pytest.raises(DataError, match=r"holds several tables of recordings \(other\.tsv, test\.tsv\); name one"):
        found(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"), [(",one", "m.csv line 3 has no file"), ("b.wav,", "m.csv line 3 has no transcript; fill it")]
)
def test_lines_without_what_they_are_for(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "m.csv").write_text(f"file,transcript\na.wav,one\n{row}\n")
    with pytest.raises(DataError, match=message):
        found(tmp_path)


def test_labels_in_names_beside_a_manifest_are_too_much(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("file,label\na.wav,one\n")
    with pytest.raises(ConfigError, match=r"--labels reads labels from names, and .*m\.csv gives them; leave it out"):
        found(tmp_path, labels="{label}_x")


def test_recordings_come_in_the_order_of_numbers(tmp_path: Path) -> None:
    assert sounds_below(Listing(touched(tmp_path, "a10.wav", "a2.wav", "b.txt"))) == ["a2.wav", "a10.wav"]
