"""Images that are blank over white, and images that become a line."""

from pathlib import Path

import numpy as np
from PIL import Image

from sonde.core.config import DataConfig
from sonde.modalities.open import open_data

WHOLE = DataConfig(validation=0, test=0)


def icons(root: Path, ink: int) -> Path:
    """Two classes of shapes in one colour that only the transparency shows."""
    for name, left in (("a", 2), ("b", 8)):
        (root / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.full((16, 16, 4), ink, np.uint8)
            pixels[..., 3] = 0
            pixels[number : number + 6, left : left + 6, 3] = 255
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def test_white_shapes_on_nothing_are_said_to_be_blank(tmp_path: Path) -> None:
    (said,) = open_data(icons(tmp_path / "white", 255), WHOLE).warnings
    assert said.startswith(
        "8 of 8 images that were examined are of one colour once their transparency is laid over white"
    )
    assert "magick mogrify -background black -alpha remove" in said
    assert open_data(icons(tmp_path / "black", 0), WHOLE).warnings == []


def test_a_side_of_a_few_pixels_is_said(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("L", (2000, 10), number).save(tmp_path / name / f"{number}.png")
    data = open_data(tmp_path, WHOLE)
    assert data.schema.input.shape == (1, 1, 224)
    assert any(line.startswith("images are stored at 1x224, and were 10x2000 to 10x2000") for line in data.warnings)


def test_small_images_are_as_they_are(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("L", (6, 6), number).save(tmp_path / name / f"{number}.png")
    assert open_data(tmp_path, WHOLE).warnings == []
