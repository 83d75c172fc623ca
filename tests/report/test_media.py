import base64
from pathlib import Path

import numpy as np
import pytest

from sonde.modalities.audio.waveforms import write_wav
from sonde.report.cases import PICTURES_BYTES, worst_rows
from sonde.report.media import SOUND_BYTES, data_uri, sound_of


def test_a_small_recording_stands_in_the_page(tmp_path: Path) -> None:
    (tmp_path / "worst").mkdir()
    write_wav(tmp_path / "worst" / "0.wav", np.zeros(100), 8000)
    found = data_uri(sound_of(tmp_path, "worst/0.wav"))
    kind, content = found.split(",")
    assert kind == "data:audio/wav;base64"
    assert base64.b64decode(content) == (tmp_path / "worst" / "0.wav").read_bytes()
    (case,) = worst_rows({"worst": [{"index": 0, "target": "a", "prediction": "b", "sound": "worst/0.wav"}]}, tmp_path)
    assert case.sound == found


def test_there_is_room_for_so_many(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros(SOUND_BYTES // 2 - 100), 8000)
    cases = worst_rows({"worst": [{"index": n, "sound": "a.wav"} for n in range(24)]}, tmp_path)
    held = [case.sound for case in cases if case.sound]
    assert 0 < len(held) < 24
    assert sum(map(len, held)) <= PICTURES_BYTES


@pytest.mark.parametrize("name", ["../a.wav", "b.wav", "text.wav", "large.wav", None, 3])
def test_other_files_are_left_out(tmp_path: Path, name: object) -> None:
    folder = tmp_path / "test"
    folder.mkdir()
    write_wav(tmp_path / "a.wav", np.zeros(10), 8000)
    (folder / "text.wav").write_text("no sound")
    write_wav(folder / "large.wav", np.zeros(SOUND_BYTES), 8000)
    assert sound_of(folder, name) == b""
