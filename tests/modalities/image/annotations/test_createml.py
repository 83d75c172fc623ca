"""Create ML's JSON."""

import json
from pathlib import Path

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import createml

read, recognise = form(createml)

BOX = {"label": "cat", "coordinates": {"x": 14, "y": 24, "width": 20, "height": 32}}


@pytest.mark.parametrize(("image", "marks"), [("image", "annotations"), ("imagefilename", "annotation")])
def test_middles_and_sizes_in_pixels(image: str, marks: str, tmp_path: Path) -> None:
    for split in ("train", "valid"):
        paint(tmp_path / split, Drawn("one"))
        (tmp_path / split / "_annotations.createml.json").write_text(json.dumps([{image: "one.png", marks: [BOX]}]))
    assert recognise(tmp_path) == "_annotations.createml.json, _annotations.createml.json by Create ML"
    found = read(tmp_path, None)
    (one,) = found.splits["validation"]
    assert (one.file, one.boxes.tolist(), one.names) == (tmp_path / "valid" / "one.png", [[4, 8, 24, 40]], ("cat",))


def test_an_entry_without_a_side(tmp_path: Path) -> None:
    paint(tmp_path, Drawn("one"))
    odd = {"label": "cat", "coordinates": {"x": 14, "y": 24, "width": 20}}
    (tmp_path / "a.json").write_text(json.dumps([{"image": "one.png", "annotations": [odd]}]))
    with pytest.raises(DataError, match=r"a.json image 1 is not as Create ML writes it \(no 'height'\)"):
        read(tmp_path, None)


def test_an_image_that_is_not_named_by_a_text(tmp_path: Path) -> None:
    paint(tmp_path, Drawn("one"))
    entries = [{"image": name, "annotations": [BOX]} for name in ("one.png", 40)]
    (tmp_path / "_annotations.createml.json").write_text(json.dumps(entries))
    with pytest.raises(DataError, match=r"annotations in .* name an image '40', which is not text; fix or remove it"):
        read(tmp_path, None)
