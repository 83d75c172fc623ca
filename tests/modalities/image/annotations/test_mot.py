"""MOT Challenge's videos."""

from pathlib import Path

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import mot

read, recognise = form(mot)


def write(root: Path, lines: str) -> Path:
    for frame in (1, 2):
        paint(root / "train" / "MOT17-02" / "img1", Drawn(f"{frame:06d}"))
    file = root / "train" / "MOT17-02" / "gt" / "gt.txt"
    file.parent.mkdir()
    file.write_text(lines)
    return root


def test_boxes_of_frames(tmp_path: Path) -> None:
    write(tmp_path, "1,7,4,8,20,32,1,1,0.9\n1,8,1,1,5,5,0,8,1\n2,7,5,8,20,32,1,3,1\n")
    assert recognise(tmp_path) == "gt/gt.txt beside frames in MOT17-02"
    found = read(tmp_path, None)
    first, second = found.splits["train"]
    assert (first.boxes.tolist(), first.names) == ([[4, 8, 24, 40]], ("pedestrian",))
    assert second.names == ("car",)
    assert found.set_aside == {"boxes marked as not to be counted": 1}
    assert found.notes[0].startswith("frames of one video are alike")


def test_the_first_challenge_has_no_classes(tmp_path: Path) -> None:
    found = read(write(tmp_path, "1,7,4,8,20,32,1,-1,-1,-1\n"), None)
    assert found.splits["train"][0].names == ("object",)


def test_a_frame_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"MOT17-02/gt/gt.txt line 1 is of frame 9, which is not in img1/"):
        read(write(tmp_path, "9,7,4,8,20,32,1,1,1\n"), None)
