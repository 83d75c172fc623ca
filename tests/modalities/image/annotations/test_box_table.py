"""Boxes in the rows of a table."""

from pathlib import Path

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.image.annotations import box_table
from sonde.modalities.open import open_data

read, recognise = form(box_table)

ONE = Drawn("one", objects=(("red", 4, 8, 24, 40),))
TWO = Drawn("two")
HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def test_roboflows_table_in_the_folder_of_each_split(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        for image in (ONE, TWO):
            paint(tmp_path / split, image)
        rows = "one.png,64,48,red,4,8,24,40\none.png,64,48,blue,1,2,3,4\ntwo.png,64,48,red,5,5,9,9\n"
        (tmp_path / split / "_annotations.csv").write_text(HEAD + rows)
    assert recognise(tmp_path) == "_annotations.csv, _annotations.csv with corners of boxes in columns"
    found = read(tmp_path, None)
    assert list(found.splits) == ["train", "validation"]
    first, _ = found.splits["validation"]
    assert first.file == tmp_path / "valid" / "one.png"
    assert first.boxes.tolist() == [[4, 8, 24, 40], [1, 2, 3, 4]]
    assert first.names == ("red", "blue")


def test_a_table_by_itself_and_an_image_without_objects(tmp_path: Path) -> None:
    for number in range(6):
        paint(tmp_path / "images", Drawn(f"{number}", objects=ONE.objects))
    rows = "".join(f"{n}.png,64,48,red,4,8,24,40\n" for n in range(5))
    (tmp_path / "t.csv").write_text(f"{HEAD}{rows}5.png,64,48,,,,,\n")
    data = open_data(tmp_path / "t.csv", DataConfig(test=0, validation=0))
    assert data.schema.target.kind == "boxes"
    assert data.schema.target.names == ("red",)
    assert any(fact.what == "1 image shows no object" for fact in data.facts)


def test_what_is_wrong_with_a_row(tmp_path: Path) -> None:
    paint(tmp_path, ONE)
    (tmp_path / "t.csv").write_text(HEAD + "one.png,64,48,red,4,8,24,40\none.png,64,48,red,4,8,wide,40\n")
    with pytest.raises(DataError, match=r"t.csv row 3: a corner is 'wide', which is not a number"):
        read(tmp_path, None)
    (tmp_path / "t.csv").write_text(
        HEAD + "one.png,64,48,red,4,8,24,40\none.png,1,1,red,4,8,2,4\nx.png,64,48,red,4,8,9,40\n"
    )
    with pytest.raises(
        DataError, match=r"t.csv row 4: 'x.png' names no image below .*; fix it, or skip .*--skip-unreadable"
    ):
        read(tmp_path, None)


def test_open_images_has_shares_names_and_groups(tmp_path: Path) -> None:
    head = "ImageID,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf\n"
    for split in ("train", "validation"):
        paint(tmp_path / split, Drawn(f"{split}0a"))
        rows = f"{split}0a,/m/1,1,0.25,0.5,0.5,1.0,0\n{split}0a,/m/1,1,0,1,0,1,1\n"
        (tmp_path / f"{split}-annotations-bbox.csv").write_text(head + rows)
    (tmp_path / "class-descriptions-boxable.csv").write_text("/m/1,Cat\n")
    found = read(tmp_path, None)
    (one,) = found.splits["validation"]
    assert found.shares
    assert (one.boxes.tolist(), one.names) == ([[0.25, 0.5, 0.5, 1.0]], ("Cat",))
    assert found.set_aside == {"boxes around groups of objects": 2}
