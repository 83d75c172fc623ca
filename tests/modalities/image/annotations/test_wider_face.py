"""WIDER FACE's lists."""

from pathlib import Path

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import wider_face

read, recognise = form(wider_face)

FACES = "2\n4 8 20 32 0 0 0 0 0 0 \n1 1 3 3 0 0 0 1 0 0 \n"


def write(root: Path, faces: str = FACES) -> Path:
    for split in ("train", "val"):
        for event in ("0--Parade", "1--Handshaking"):
            paint(root / f"WIDER_{split}" / "images" / event, Drawn("a"), suffix=".jpg")
        lists = root / "wider_face_split"
        lists.mkdir(exist_ok=True)
        text = f"0--Parade/a.jpg\n{faces}1--Handshaking/a.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n"
        (lists / f"wider_face_{split}_bbx_gt.txt").write_text(text)
    return root


def test_faces_and_images_without_any(tmp_path: Path) -> None:
    assert recognise(write(tmp_path)) == "wider_face_train_bbx_gt.txt, wider_face_val_bbx_gt.txt, as of WIDER FACE"
    found = read(tmp_path, None)
    first, second = found.splits["validation"]
    assert first.file == tmp_path / "WIDER_val" / "images" / "0--Parade" / "a.jpg"
    assert (first.boxes.tolist(), first.names) == ([[4, 8, 24, 40]], ("face",))
    assert second.names == ()
    assert found.set_aside == {"faces marked as invalid": 2}


def test_a_number_that_is_not_followed_by_as_many_lines(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"wider_face_train_bbx_gt.txt line 1 is not followed by the number of its faces"
    ):
        read(write(tmp_path, "3\n4 8 20 32\n"), None)


@pytest.mark.parametrize(("faces", "line"), [("1\n4 8 20 32\n1 1 3 3\n", 1), ("²\n4 8 20 32\n", 1)])
def test_more_faces_than_are_counted(tmp_path: Path, faces: str, line: int) -> None:
    with pytest.raises(
        DataError, match=rf"bbx_gt.txt line {line} is not followed by the number of its faces and a line"
    ):
        read(write(tmp_path, faces), None)


@pytest.mark.parametrize("text", ["1\n4 8 20 32\n", ""])
def test_a_list_that_begins_without_an_image(tmp_path: Path, text: str) -> None:
    (write(tmp_path) / "wider_face_split" / "wider_face_val_bbx_gt.txt").write_text(text)
    with pytest.raises(DataError, match=r"wider_face_val_bbx_gt.txt does not begin with the name of an image"):
        read(tmp_path, None)
