"""Pictures in a report."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.modalities.image.show import save_png


@pytest.mark.parametrize(("bands", "expected"), [(13, [0, 9, 18]), (5, [0, 9, 18]), (3, [0, 9, 18]), (2, 0), (1, 0)])
def test_of_many_bands_the_first_are_shown(tmp_path: Path, bands: int, expected: list[int] | int) -> None:
    save_png(tmp_path / "a.png", np.stack([np.full((64, 64), 9 * band, np.uint8) for band in range(bands)]))
    with Image.open(tmp_path / "a.png") as image:
        assert np.asarray(image)[7, 7].tolist() == expected
