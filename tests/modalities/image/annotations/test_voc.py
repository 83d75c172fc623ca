"""Where Pascal VOC's files stand, and how they can be broken."""

from pathlib import Path

import pytest
from sample_boxes import Drawn, paint, random_images, voc_xml, write_voc
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import voc

read, recognise = form(voc)

ONE = Drawn("one", objects=(("red", 4, 8, 24, 40),))


def test_the_folder_may_stand_one_level_down(tmp_path: Path):
    write_voc(tmp_path / "VOC2007", {"train": random_images(3), "val": [ONE]})
    assert recognise(tmp_path) == "VOC2007 has XML files in Annotations and images beside them"
    found = read(tmp_path, None)
    assert found.why == "lists in VOC2007/ImageSets/Main"
    assert {split: len(images) for split, images in found.splits.items()} == {"train": 3, "validation": 1}
    assert found.splits["validation"][0].boxes.tolist() == [[4, 8, 24, 40]]


def test_files_may_stand_beside_the_images_of_each_split(tmp_path: Path):
    for split, image in (("train", ONE), ("valid", Drawn("two", objects=(("blue", 1, 1, 9, 9),)))):
        file = paint(tmp_path / split, image)
        file.with_suffix(".xml").write_text(voc_xml(image, file.name), encoding="utf-8")
    assert recognise(tmp_path) == "XML files beside the images of train, valid"
    found = read(tmp_path, None)
    assert [image.file.name for images in found.splits.values() for image in images] == ["one.png", "two.png"]


def test_an_image_is_found_by_its_annotations_stem_or_file_name(tmp_path: Path):
    write_voc(tmp_path, {"train": [ONE]})
    other = tmp_path / "Annotations" / "other.xml"
    other.write_text(voc_xml(ONE, "one.png"), encoding="utf-8")
    assert {image.file.name for image in read(tmp_path, None).splits["train"]} == {"one.png"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<annotation><object>",
            r"Annotations/one.xml is not valid XML \(.*line 1.*\); fix the file, or skip such files with --skip",
        ),
        ("<annotation><object></object></annotation>", "Annotations/one.xml: object 1 has no name; fix the file"),
        (
            "<annotation><object><name>a</name><bndbox><xmin>1</xmin></bndbox></object></annotation>",
            "Annotations/one.xml: ymin of object 1 is None, which is not a number",
        ),
        (
            "<annotation><object><name>a</name><bndbox><xmin>left</xmin></bndbox></object></annotation>",
            "xmin of object 1 is 'left', which is not a number",
        ),
    ],
)
def test_a_broken_file_is_named_or_passed_over(tmp_path: Path, text: str, message: str):
    write_voc(tmp_path, {"train": [ONE, *random_images(2)]})
    (tmp_path / "Annotations" / "one.xml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read(tmp_path, None)
    skipped: list[str] = []
    assert len(read(tmp_path, skipped).splits["train"]) == 2
    assert len(skipped) == 1


@pytest.mark.parametrize("content", ["<dataset><images/></dataset>", "<svg/>"])
def test_other_xml_is_not_taken_for_it(tmp_path: Path, content: str):
    paint(tmp_path, ONE)
    (tmp_path / "one.xml").write_text(content, encoding="utf-8")
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "one.xml") is None
