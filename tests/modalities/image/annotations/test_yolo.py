"""YOLO's text files: where they and the names stand, outlines, and lines that are no boxes."""

from pathlib import Path

import numpy as np
import pytest
from sample_boxes import Drawn, paint, random_images, write_yolo, yolo_lines
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import yolo

read, recognise = form(yolo)

ONE = Drawn("one", objects=(("red", 4, 8, 24, 40),))


def beside(folder: Path, text: str, *, names: str = "blue\nred\n") -> Path:
    """An image with its text file beside it."""
    paint(folder, ONE)
    (folder / "one.txt").write_text(text, encoding="utf-8")
    if names:
        (folder / "classes.txt").write_text(names, encoding="utf-8")
    return folder


def test_folders_of_splits_above_or_below(tmp_path: Path):
    write_yolo(tmp_path / "a", {"train": random_images(3), "val": [ONE]})
    assert {split: len(images) for split, images in read(tmp_path / "a", None).splits.items()} == {
        "train": 3,
        "validation": 1,
    }
    for split, images in (("train", random_images(3)), ("test", [ONE])):
        write_yolo(tmp_path / "b" / split, {".": images})
    found = read(tmp_path / "b", None)
    assert {split: len(images) for split, images in found.splits.items()} == {"train": 3, "test": 1}
    assert found.splits["test"][0].boxes[0] == pytest.approx([4 / 64, 8 / 48, 24 / 64, 40 / 48], abs=1e-6)


def test_an_image_without_a_text_file_has_no_objects(tmp_path: Path):
    write_yolo(tmp_path, {"train": [ONE, Drawn("empty")]})
    assert [len(image.boxes) for image in read(tmp_path, None).splits["train"]] == [0, 1]


def test_text_files_beside_the_images_with_a_list_of_names(tmp_path: Path):
    found = read(beside(tmp_path, yolo_lines(ONE)), None)
    assert recognise(tmp_path)
    assert found.names == ("blue", "red")
    assert found.splits["train"][0].names == ("red",)


def test_lists_tell_the_splits(tmp_path: Path):
    write_yolo(tmp_path, {".": random_images(4)})
    (tmp_path / "train.txt").write_text("".join(f"./images/image{n}.png\n" for n in range(3)), encoding="utf-8")
    (tmp_path / "val.txt").write_text("image3\n", encoding="utf-8")
    found = read(tmp_path, None)
    assert {split: len(images) for split, images in found.splits.items()} == {"train": 3, "validation": 1}
    assert found.why == "lists train.txt, val.txt"


@pytest.mark.parametrize(
    ("text", "names"),
    [("names: [blue, red]", ("blue", "red")), ("names: {0: blue, 1: red}", ("blue", "red"))],
)
def test_names_may_stand_in_a_yaml_file(tmp_path: Path, text: str, names: tuple[str, ...]):
    beside(tmp_path, yolo_lines(ONE), names="")
    (tmp_path / "data.yaml").write_text(text, encoding="utf-8")
    assert read(tmp_path, None).names == names


def test_without_names_the_numbers_are_the_names(tmp_path: Path):
    found = read(beside(tmp_path, "2 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.1 0.1\n", names=""), None)
    assert found.names == ("0", "1", "2")
    assert found.splits["train"][0].names == ("2", "0")


def test_an_outline_gives_the_box_around_it(tmp_path: Path):
    found = read(beside(tmp_path, "1 0.2 0.1 0.6 0.3 0.4 0.9\n"), None)
    assert found.splits["train"][0].boxes.tolist() == [[0.2, 0.1, 0.6, 0.9]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "0 0.5 0.5 0.2 0.2\n7 0.5 0.5 0.2 0.2\n",
            r"one.txt line 2: class 7 has no name; there are 2 names, counted from 0",
        ),
        (
            "0 0.5 0.5 0.2 0.2 0.9\n",
            r"one.txt line 1 has 5 numbers after its class; a box has 4 \(a fifth is the confidence",
        ),
    ],
)
def test_lines_that_are_no_boxes_are_named_or_passed_over(tmp_path: Path, text: str, message: str):
    beside(tmp_path, text)
    with pytest.raises(DataError, match=message):
        read(tmp_path, None)
    skipped: list[str] = []
    assert read(tmp_path, skipped).splits["train"] == []
    assert len(skipped) == 1


def test_a_word_among_good_files_is_named(tmp_path: Path):
    write_yolo(tmp_path, {".": random_images(30)})
    (tmp_path / "labels" / "image29.txt").write_text("cell 0.5 0.5 0.1 0.1\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"labels/image29.txt line 1 begins with 'cell'; a line begins with the number of a class"
    ):
        read(tmp_path, None)


@pytest.mark.parametrize(
    ("text", "message"), [("names: 3", "has no names; write names:"), ("a: [", "is not valid YAML")]
)
def test_a_broken_yaml_file_is_named(tmp_path: Path, text: str, message: str):
    beside(tmp_path, yolo_lines(ONE), names="")
    (tmp_path / "data.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read(tmp_path, None)


@pytest.mark.parametrize("text", ["a red square\n", "0.5 0.5 0.2 0.2 0.1\n", "1 0.5\n"])
def test_other_text_beside_images_is_not_taken_for_it(tmp_path: Path, text: str):
    assert recognise(beside(tmp_path, text, names="")) is None


def by_yaml(folder: Path, yaml: str) -> Path:
    """Images of a day and a night, and a data.yaml that says what they are for."""
    for name in ("day", "night"):
        file = paint(folder / "images" / name, ONE)
        text = folder / "labels" / name / "one.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text("0 0.5 0.5 0.2 0.2\n")
        file.rename(file.with_stem(name))
        text.rename(text.with_stem(name))
    (folder / "data.yaml").write_text(yaml + "\nnames: [red]\n")
    return folder


@pytest.mark.parametrize(
    "yaml",
    [
        "train: images/day\nval: images/night",
        "path: .\ntrain: [images/day]\nval: images/night\ntest:",
        "train: ../images/day\nval: ../images/night",  # as Roboflow writes them
        "path: /somewhere/else/set\ntrain: images/day\nval: images/night",
        "train: C:\\data\\set\\images\\day\nval: /kaggle/input/set/images/night",
        "train: day.txt\nval: night.txt",
    ],
)
@pytest.mark.parametrize("given", ["", "data.yaml"])
def test_data_yaml_says_the_splits(tmp_path: Path, yaml: str, given: str):
    by_yaml(tmp_path, yaml)
    for name, line in (("day", "./images/day/day.png"), ("night", "/old/place/images/night/night.png")):
        (tmp_path / f"{name}.txt").write_text(f"{line}\n")
    found = read(tmp_path / given, None)
    assert {split: [image.file.stem for image in images] for split, images in found.splits.items()} == {
        "train": ["day"],
        "validation": ["night"],
    }
    assert found.splits["validation"][0].boxes[0].tolist() == pytest.approx([0.4, 0.4, 0.6, 0.6])
    assert found.notes == []
    assert recognise(tmp_path / given)


def test_a_validation_part_that_is_the_training_part_is_said(tmp_path: Path):
    found = read(by_yaml(tmp_path, "train: images/day\nval: images/day\ntest: images/gone"), None)
    assert {split: len(images) for split, images in found.splits.items()} == {"train": 1}
    assert found.notes == [
        "data.yaml: validation is the same folder as train, and is not used: rows are drawn from train instead",
        "data.yaml: test: images/gone does not exist and is not used",
        "1 images are in no part that data.yaml names and are not used",
    ]


def test_lists_by_autosplit(tmp_path: Path):
    write_yolo(tmp_path, {"all": random_images(3)})
    names = [f"./images/all/image{number}.png" for number in range(3)]
    (tmp_path / "autosplit_train.txt").write_text("\n".join(names[:2]))
    (tmp_path / "autosplit_val.txt").write_text(names[2])
    assert {split: len(images) for split, images in read(tmp_path, None).splits.items()} == {
        "train": 2,
        "validation": 1,
    }


@pytest.mark.parametrize("yaml", ["names: [a]\nkpt_shape: [2, 3]\n", "names: [a]\n"])
def test_key_points_are_no_outline(tmp_path: Path, yaml: str):
    beside(tmp_path, "0 0.5 0.5 0.2 0.4 0.45 0.4 2 0 0 0\n0 0.2 0.2 0.2 0.2 0.2 0.25 1 0.15 0.2 2\n", names="")
    (tmp_path / "data.yaml").write_text(yaml)
    found = read(tmp_path, None)
    assert found.splits["train"][0].boxes[0].tolist() == pytest.approx([0.4, 0.3, 0.6, 0.7])
    assert found.notes == ["key points of objects are left out; their boxes are learned"]


def test_outlines_of_one_length_stay_outlines(tmp_path: Path):
    beside(tmp_path, "0 0.1 0.1 0.3 0.1 0.3 0.5 0.1 0.5\n0 0.5 0.5 0.9 0.5 0.9 0.7 0.5 0.7\n")
    found = read(tmp_path, None)
    assert found.splits["train"][0].boxes.tolist() == pytest.approx(
        np.array([[0.1, 0.1, 0.3, 0.5], [0.5, 0.5, 0.9, 0.7]])
    )
    assert found.notes == []


def test_a_kpt_shape_that_does_not_fit(tmp_path: Path):
    beside(tmp_path, "0 0.5 0.5 0.2 0.4 0.45 0.4 2\n", names="")
    (tmp_path / "data.yaml").write_text("names: [a]\nkpt_shape: [2, 3]\n")
    with pytest.raises(
        DataError, match=r"one.txt line 1 has 7 numbers after its class; a box has 4, and its key points 6 more"
    ):
        read(tmp_path, None)
    (tmp_path / "data.yaml").write_text("names: [a]\nkpt_shape: 17\n")
    with pytest.raises(
        DataError, match=r"data.yaml: kpt_shape is 17; write the number of points and of values of each"
    ):
        read(tmp_path, None)


def test_turned_boxes_and_outlines_are_said(tmp_path: Path):
    turned = read(beside(tmp_path / "a", "1 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5\n"), None)
    assert turned.splits["train"][0].boxes.tolist() == [[0.1, 0.1, 0.9, 0.9]]
    assert turned.notes == ["1 rotated boxes (OBB) are learned as the upright boxes around them"]
    outlined = read(beside(tmp_path / "b", "1 0.2 0.1 0.6 0.3 0.4 0.9\n"), None)
    assert outlined.notes == ["outlines of objects are learned as the boxes around them"]


def test_classes_as_decimals_and_a_line_twice(tmp_path: Path):
    found = read(beside(tmp_path, "1.000e+00 5.0e-01 0.5 0.2 0.2\n1.0 0.5 0.5 0.2 0.2\n0.0 0.5 0.5 0.4 0.4\n"), None)
    assert found.splits["train"][0].names == ("red", "blue")
    assert found.set_aside == {"objects marked twice": 1}


def test_pixels_are_no_shares(tmp_path: Path):
    with pytest.raises(
        DataError, match=r"one.txt line 1 holds 32, and YOLO's numbers are shares .*: divide x and widths"
    ):
        read(beside(tmp_path, "1 14 24 20 32\n"), None)


def described(root: Path, yaml: str) -> Path:
    write_yolo(root, {"train": [ONE, Drawn("two", objects=ONE.objects)], "val": [ONE]})
    (root / "data.yaml").write_text(f"train: images/train\nval: images/val\n{yaml}\n", encoding="utf-8")
    return root


def test_names_by_text_keys_or_only_counted(tmp_path: Path):
    assert read(described(tmp_path, "names: {'0': blue, '1': red}"), None).names == ("blue", "red")
    assert read(described(tmp_path, "nc: 2"), None).names == ("0", "1")
    assert read(described(tmp_path, "nc: 3\nnames: [blue, red]"), None).notes == [
        "data.yaml says nc: 3 and names 2 classes; its names are taken"
    ]
    with pytest.raises(DataError, match=r"data.yaml: names lacks 0; name every number from 0 on"):
        read(described(tmp_path, "names: {1: blue, 2: red}"), None)


def test_text_files_without_an_image_and_images_without_text_files(tmp_path: Path):
    labels = described(tmp_path, "names: [blue, red]") / "labels"
    (labels / "train" / "ghost.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (labels / "val" / "one.txt").unlink()
    assert read(tmp_path, None).notes == [
        "1 text files have no image, such as labels/train/ghost.txt",
        "none of the 1 validation images has a text file: they count as images that show no object",
    ]


def test_text_files_elsewhere_are_named_with_a_command_that_works(tmp_path: Path):
    labels = described(tmp_path, "names: [blue, red]") / "labels"
    labels.rename(tmp_path / "txt")
    assert recognise(tmp_path)
    with pytest.raises(
        DataError, match=r"expected in labels, but are in txt; rename the folder: mv (\S+) (\S+)"
    ) as raised:
        read(tmp_path, None)
    _, here, there = str(raised.value).rsplit(" ", 2)
    Path(here).rename(there)
    assert [len(images) for images in read(tmp_path, None).splits.values()] == [2, 1]


def test_lines_with_commas_are_named(tmp_path: Path):
    file = described(tmp_path, "names: [blue, red]") / "labels" / "train" / "one.txt"
    for other in file.parent.iterdir():
        other.write_text(other.read_text().replace(" ", ", "))
    with pytest.raises(
        DataError, match=r"labels/train/one.txt line 1 begins with '1,'; a line begins with the number of a class"
    ):
        read(tmp_path, None)
