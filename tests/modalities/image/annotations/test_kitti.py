"""KITTI's text files."""

from pathlib import Path

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import kitti

read, recognise = form(kitti)

LINE = "{} 0.00 0 -1.58 {} {} {} {} 1.41 1.58 4.36 3.18 2.27 34.38 -1.58\n"


def write(root: Path, count: int = 4) -> Path:
    for number in range(count):
        paint(root / "training" / "image_2", Drawn(f"{number:06d}"))
        labels = root / "training" / "label_2" / f"{number:06d}.txt"
        labels.parent.mkdir(exist_ok=True)
        labels.write_text(LINE.format("Car", 4.5, 8, 24, 40) + LINE.format("DontCare", 1, 1, 9, 9) * (number == 0))
    return root


def test_boxes_stand_in_the_fifth_to_eighth_column(tmp_path: Path) -> None:
    paint(write(tmp_path) / "testing" / "image_2", Drawn("000000"))
    assert recognise(tmp_path) == "text files of 15 columns in label_2, by KITTI"
    found = read(tmp_path, None)
    first = found.splits["train"][0]
    assert (first.boxes.tolist(), first.names) == ([[4.5, 8, 24, 40]], ("Car",))
    assert found.set_aside == {"regions marked as DontCare": 1}
    assert found.notes == ["1 images have no annotation and are not used, such as testing/image_2/000000.png"]


def test_lists_tell_the_splits(tmp_path: Path) -> None:
    lists = write(tmp_path) / "ImageSets"
    lists.mkdir()
    (lists / "train.txt").write_text("000000\n000001\n000002\n")
    (lists / "val.txt").write_text("000003\n")
    splits = read(tmp_path, None).splits
    assert {split: [one.file.stem for one in images] for split, images in splits.items()} == {
        "train": ["000000", "000001", "000002"],
        "validation": ["000003"],
    }


def test_a_line_that_is_no_object(tmp_path: Path) -> None:
    file = write(tmp_path, 22) / "training" / "label_2" / "000021.txt"
    file.write_text(LINE.format("Car", 1, 2, 3, 4) + "Car 1 2 3\n")
    with pytest.raises(DataError, match=r"000021.txt line 2 is not a KITTI object \(a class and 14 numbers\); fix"):
        read(tmp_path, None)
