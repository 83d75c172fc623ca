import base64
import io
import re

import numpy as np
from PIL import Image

from sonde.core.dataset import BACKGROUND, IGNORED
from sonde.core.run_lengths import encode
from sonde.report.class_maps import EDGE, INSIDE, maps, palette, palette_png
from sonde.report.shots import Shot

SHOT = Shot(uri="data:image/png;base64,AAAA", size=(12, 9), name="a")
TRUTH = np.zeros((9, 12), np.uint8)
TRUTH[2:7, 1:6], TRUTH[0, 11] = 1, IGNORED
FOUND = np.zeros((9, 12), np.uint8)
FOUND[2:7, 1:5] = 1


def pictures(markup: str) -> list[np.ndarray]:
    found = []
    for content in re.findall(r"data:image/png;base64,([^\"]{8,})", markup):
        with Image.open(io.BytesIO(base64.b64decode(content))) as image:
            found.append(np.asarray(image.convert("RGBA")))
    return found


def test_a_palette_png_is_read_back():
    numbers = np.arange(12).reshape(3, 4) % 3
    colours = [(255, 0, 0, 255), (0, 255, 0, 128), (0, 0, 255, 0)]
    with Image.open(io.BytesIO(palette_png(numbers, colours))) as image:
        assert (np.asarray(image.convert("RGBA")) == np.array(colours)[numbers]).all()


def test_truth_answer_and_mistakes_lie_over_one_picture():
    drawn = maps([BACKGROUND, "cell"]).draw(SHOT, {"truth": encode(TRUTH), "found": encode(FOUND)})
    assert drawn.count(SHOT.uri) == 1
    assert drawn.count("<use ") == 2
    truth, found, wrong = pictures(drawn)
    assert (truth[TRUTH == 0][:, 3] == 0).all()
    assert truth[4, 3, 3] == INSIDE
    assert truth[2, 1, 3] == EDGE
    assert (wrong[:, :, 3] > 0).tolist() == ((TRUTH != FOUND) & (TRUTH != IGNORED)).tolist()
    assert found.shape == truth.shape
    assert f"{100 * 5 / 107:.1f} % of the pixels wrong" in drawn


def test_names_are_escaped_and_a_first_class_that_is_no_background_has_its_colour():
    assert "&lt;b&gt;" in maps(["<b>", "c"]).legend
    assert palette(["sky", "c"])[0][3] == INSIDE
    assert palette([BACKGROUND, "c"])[0][3] == 0


def test_two_pictures_have_names_of_their_own():
    drawing = maps([BACKGROUND, "cell"])
    names = [
        re.search(r'image id="(\w+)"', drawing.draw(SHOT, {"truth": encode(TRUTH), "found": encode(FOUND)}))
        for _ in "ab"
    ]
    assert len({name[1] for name in names if name}) == 2
