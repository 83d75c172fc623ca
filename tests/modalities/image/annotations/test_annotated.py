"""Lists and names of splits, and numbers that are none."""

from pathlib import Path

import pytest

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.modalities.image.annotations.annotated import annotated, chosen_by, number, split_lists, unlisted

NAMES = ["a/one.png", "a/two.png", "b/two.png"]


def lists(folder: Path, **texts: str) -> dict[str, Path]:
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return split_lists(Listing(folder))


def test_lists_choose_by_path_name_or_stem(tmp_path: Path):
    found = lists(tmp_path, train="one\n\n", val="./a/two.png\n", test="b\\two.png")
    assert list(found) == ["train", "validation", "test"]
    chosen = chosen_by(found, NAMES, None)
    assert chosen == {"train": ["a/one.png"], "validation": ["a/two.png"], "test": ["b/two.png"]}
    assert unlisted(NAMES, chosen, found) == []


def test_lists_without_one_for_train_are_none(tmp_path: Path):
    assert lists(tmp_path, test="one") == {}
    assert split_lists(Listing(tmp_path / "nowhere")) == split_lists(None) == {}


def test_what_is_in_no_list_is_said(tmp_path: Path):
    found = lists(tmp_path, train="one")
    note = "2 annotated images are in none of train.txt and are not used"
    assert unlisted(NAMES, chosen_by(found, NAMES, None), found) == [note]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\nthree", r"train.txt line 2: 'three' names no annotated image; fix the list"),
        ("two", r"train.txt line 1: 'two' names 2 files; fix the list"),
    ],
)
def test_a_line_that_names_no_single_image_is_refused_or_counted(tmp_path: Path, text: str, message: str):
    found = lists(tmp_path, train=text)
    with pytest.raises(DataError, match=message):
        chosen_by(found, NAMES, None)
    skipped: list[str] = []
    chosen_by(found, NAMES, skipped)
    assert len(skipped) == 1


def test_an_image_in_two_lists_is_refused(tmp_path: Path):
    found = lists(tmp_path, train="one", test="one.png")
    with pytest.raises(DataError, match="a/one.png is in the lists of train and test; an image belongs to one split"):
        chosen_by(found, NAMES, None)


def test_sides_must_be_finite_numbers():
    with pytest.raises(DataError, match="here: box 2 has a coordinate that is not a finite number"):
        annotated(Path("a.png"), "here", [("x", (0, 0, 1, 1)), ("x", (0, float("inf"), 1, 1))])
    with pytest.raises(DataError, match="here: xmin is 'left', which is not a number; fix the file"):
        number("left", "xmin", "here")
    assert annotated(Path("a.png"), "here", []).boxes.shape == (0, 4)
