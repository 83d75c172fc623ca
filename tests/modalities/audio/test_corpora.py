from pathlib import Path

import pytest
from sample_settings import data_config

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.modalities.audio.recordings import Recordings, find_recordings


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not read here")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def found(folder: Path) -> Recordings:
    return find_recordings(Listing(folder), data_config(), task=None)


def told(given: Recordings) -> list[tuple[str, str, str]]:
    return [(one.name, one.truth, one.split) for one in given.recordings]


def test_librispeech_has_transcripts_beside_its_chapters(tmp_path: Path) -> None:
    touched(tmp_path, "train-clean-100/84/121/84-121-0000.flac", "train-clean-100/84/121/84-121-0001.flac")
    touched(tmp_path, "dev-clean/7/9/7-9-0000.flac", "test-other/8/1/8-1-0000.flac")
    write(
        tmp_path,
        "train-clean-100/84/121/84-121.trans.txt",
        "84-121-0000 GO DO YOU HEAR\n84-121-0001 BUT\n84-121-0002 X\n",
    )
    write(tmp_path, "dev-clean/7/9/7-9.trans.txt", "7-9-0000 SEVEN\n")
    write(tmp_path, "test-other/8/1/8-1.trans.txt", "8-1-0000 EIGHT\n")
    given = found(tmp_path)
    assert sorted(told(given)) == [
        ("dev-clean/7/9/7-9-0000.flac", "SEVEN", "validation"),
        ("test-other/8/1/8-1-0000.flac", "EIGHT", "test"),
        ("train-clean-100/84/121/84-121-0000.flac", "GO DO YOU HEAR", "train"),
        ("train-clean-100/84/121/84-121-0001.flac", "BUT", "train"),
    ]
    assert given.spoken
    assert {one.parts["speaker"] for one in given.recordings} == {"84", "7", "8"}
    assert given.warnings == [
        "1 transcripts have no recording and are left out, first train-clean-100/84/121/84-121.trans.txt line 3"
    ]
    alone = found(tmp_path / "train-clean-100" / "84")
    assert {split for _, _, split in told(alone)} == {"train"}


def test_ljspeech_has_bars_and_no_header(tmp_path: Path) -> None:
    touched(tmp_path, "wavs/LJ001-0001.wav", "wavs/LJ001-0002.wav")
    write(tmp_path, "metadata.csv", 'LJ001-0001|Printed, in "1450|Printed, in "fourteen fifty\nLJ001-0002|in being\n')
    assert told(found(tmp_path)) == [
        ("wavs/LJ001-0001.wav", 'Printed, in "fourteen fifty', "train"),
        ("wavs/LJ001-0002.wav", "in being", "train"),
    ]


def test_kaldi_names_recordings_and_transcripts_in_two_files(tmp_path: Path) -> None:
    touched(tmp_path, "wavs/a.wav", "wavs/b.wav")
    for split, name in (("train", "a"), ("test", "b")):
        write(tmp_path, f"data/{split}/wav.scp", f"utt-{name} wavs/{name}.wav\n")
        write(tmp_path, f"data/{split}/text", f"utt-{name} three {name}\n")
    assert sorted(told(found(tmp_path))) == [("wavs/a.wav", "three a", "train"), ("wavs/b.wav", "three b", "test")]
    write(tmp_path, "data/test/wav.scp", "utt-b sox wavs/b.wav -t wav - |\n")
    with pytest.raises(DataError, match="wav.scp line 1 is a command, not a file; run it and name the file it writes"):
        found(tmp_path)
    write(tmp_path, "data/test/wav.scp", "utt-c wavs/b.wav\n")
    with pytest.raises(DataError, match="wav.scp line 1: utt-c has no transcript in text"):
        found(tmp_path)


def test_the_lists_of_speech_commands_are_its_splits_and_its_noise_is_no_class(tmp_path: Path) -> None:
    names = [f"{word}/{n}_nohash_0.wav" for word in ("yes", "no") for n in range(4)]
    touched(tmp_path, *names, "_background_noise_/pink_noise.wav")
    write(tmp_path, "validation_list.txt", "yes/0_nohash_0.wav\nno/0_nohash_0.wav\nno/9_nohash_0.wav\n")
    write(tmp_path, "testing_list.txt", "yes/1_nohash_0.wav\n")
    given = found(tmp_path)
    splits = {one.name: one.split for one in given.recordings}
    assert splits == {name: "train" for name in names} | {
        "yes/0_nohash_0.wav": "validation",
        "no/0_nohash_0.wav": "validation",
        "yes/1_nohash_0.wav": "test",
    }
    assert {one.truth for one in given.recordings} == {"yes", "no"}
    assert [fact.what for fact in given.facts] == [
        "1 recordings of _background_noise_ left out",
        "3 recordings are not trained on",
    ]
    assert given.warnings == [
        "1 names in validation_list.txt and testing_list.txt have no recording, such as no/9_nohash_0.wav"
    ]


@pytest.mark.parametrize("written", ["a.mp3", "clips\\a.mp3"])
def test_names_in_a_manifest_are_looked_for_in_the_folders_that_corpora_have(tmp_path: Path, written: str) -> None:
    touched(tmp_path, "clips/a.mp3", "clips/b.mp3")
    rows = f'c0\t{written}\t"Two.\t2\nc1\t{written.replace("a.mp3", "b.mp3")}\tThree\r four.\t2\n'
    write(tmp_path, "train.tsv", "client_id\tpath\tsentence\tup_votes\n" + rows)
    assert told(found(tmp_path)) == [("clips/a.mp3", '"Two.', "train"), ("clips/b.mp3", "Three  four.", "train")]


def test_json_lines_may_hold_what_breaks_lines_elsewhere(tmp_path: Path) -> None:
    touched(tmp_path, "a.wav", "b.wav")
    lines = [f'{{"audio_filepath": "{name}.wav", "text": "one\u2028two\x85{name}"}}' for name in "ab"]
    write(tmp_path, "train.jsonl", "\n".join(lines))
    assert [truth for _, truth, _ in told(found(tmp_path))] == ["one\u2028two\x85a", "one\u2028two\x85b"]


def test_kaldis_segments_cut_recordings_into_utterances(tmp_path: Path) -> None:
    touched(tmp_path, "wavs/talk.wav")
    write(tmp_path, "wav.scp", "talk wavs/talk.wav\n")
    write(tmp_path, "segments", "anna-1 talk 0.5 1.25\nbo-2 talk 1.5 -1\n")
    write(tmp_path, "text", "anna-1 three four\nbo-2 five\n")
    write(tmp_path, "utt2spk", "anna-1 anna\nbo-2 bo\n")
    given = found(tmp_path).recordings
    assert [(one.name, one.begin, one.end, one.truth, one.parts["speaker"]) for one in given] == [
        ("wavs/talk.wav", 0.5, 1.25, "three four", "anna"),
        ("wavs/talk.wav", 1.5, 0.0, "five", "bo"),
    ]
    assert [one.label for one in given] == ["wavs/talk.wav 0.5 to 1.25 s", "wavs/talk.wav 1.5 to the end"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("utt-1 talk 2 1", "segments line 1 is not an utterance, recording, begin and end in seconds"),
        ("utt-1 talk 2", "segments line 1 is not an utterance"),
        ("utt-1 talk nan 2", "segments line 1 is not an utterance"),
        ("utt-1 other 1 2", "segments line 1: other is not in wav.scp; add it or remove the line"),
        ("utt-9 talk 1 2", "segments line 1: utt-9 has no transcript in text"),
    ],
)
def test_a_segment_that_is_none_is_named(tmp_path: Path, line: str, message: str) -> None:
    touched(tmp_path, "wavs/talk.wav")
    write(tmp_path, "wav.scp", "talk wavs/talk.wav\n")
    write(tmp_path, "segments", line + "\n")
    write(tmp_path, "text", "utt-1 three four\n")
    with pytest.raises(DataError, match=message):
        found(tmp_path)


def test_lists_of_no_utterance(tmp_path: Path) -> None:
    touched(tmp_path, "wavs/talk.wav")
    write(tmp_path, "wav.scp", "talk wavs/talk.wav\n")
    write(tmp_path, "text", "anna-1 three four\n")
    write(tmp_path, "segments", "\n")
    with pytest.raises(DataError, match=r"has wav.scp and text \(Kaldi\), in which no utterance is listed; copy or"):
        found(tmp_path)
