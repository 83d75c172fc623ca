"""Images that are decoded as they are read: sizes, colours, and the bad ones."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.image.rows import Chosen, Files, ImageInputs, Pictures, survey


def picture(height: int, width: int, *, grey: bool = False, seed: int = 0) -> Image.Image:
    shape = (height, width) if grey else (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def files(folder: Path, *pictures: Image.Image) -> Files:
    for number, image in enumerate(pictures):
        image.save(folder / f"{number}.png")
    return Files(folder, tuple(f"{number}.png" for number in range(len(pictures))))


def test_pixels_come_at_the_stored_size_and_pickle(tmp_path: Path) -> None:
    first, second = picture(6, 8), picture(6, 8, seed=1)
    inputs = pickle.loads(pickle.dumps(ImageInputs(files(tmp_path, first, second), (3, 6, 8))))
    read = inputs.read(np.array([1, 0]))
    assert read.dtype == np.uint8
    assert (read[0] == np.asarray(second).transpose(2, 0, 1)).all()
    assert (read[1] == np.asarray(first).transpose(2, 0, 1)).all()
    assert inputs.nbytes() == 2 * 3 * 6 * 8
    assert inputs.describe(1) == "1.png"


def test_an_unreadable_file_is_named_by_its_path(tmp_path: Path) -> None:
    inputs = ImageInputs(files(tmp_path, picture(6, 8)), (3, 6, 8))
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "0.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=rf"^{tmp_path}/0.png cannot be read as an image"):
        inputs.read(np.array([0]))


def test_mixed_sizes_take_the_median_and_mixed_colours_rgb(tmp_path: Path) -> None:
    mixed = files(tmp_path, picture(10, 10), picture(20, 30, grey=True), picture(40, 50))
    seen = survey({"train": mixed}, DataConfig(), every_header=True)
    assert seen.shape == (3, 20, 30)
    assert [(fact.what, fact.why) for fact in seen.facts] == [
        (
            "image size 20x30",
            "the median size of 10x10 to 40x50; aspect ratios are not kept (--image-size changes the size)",
        ),
        ("all images are read as RGB", "1 of 3 are grey, the others in colour"),
    ]


def test_grey_images_keep_one_channel_and_a_size_may_be_asked(tmp_path: Path) -> None:
    grey = files(tmp_path, picture(10, 10, grey=True), picture(12, 12, grey=True))
    seen = survey({"train": grey}, data_config(image_size=32), every_header=True)
    assert seen.shape == (1, 32, 32)
    assert seen.facts[0].why == "--image-size"


def test_sixteen_bits_are_said(tmp_path: Path) -> None:
    deep = Image.fromarray(np.linspace(0, 65535, 16, dtype=np.uint16).reshape(4, 4))
    seen = survey({"train": files(tmp_path, deep, deep)}, DataConfig(), every_header=True)
    assert seen.facts[-1].what == "16 bits scaled to 8"


def test_headers_are_checked_and_bad_ones_found_when_asked(tmp_path: Path) -> None:
    encoded = files(tmp_path, picture(6, 6), picture(6, 6), picture(6, 6))
    (tmp_path / "1.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"1.png cannot be read as an image \(unknown image format"):
        survey({"train": encoded}, DataConfig(), every_header=True)
    whole = (tmp_path / "2.png").read_bytes()
    (tmp_path / "2.png").write_bytes(whole[:-30])  # the header is fine, the pixels are not
    seen = survey({"train": encoded}, DataConfig(skip_unreadable=True), every_header=True)
    assert seen.bad["train"].tolist() == [1, 2]
    (tmp_path / "0.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match="^none of the 3 images can be read$"):
        survey({"train": encoded}, DataConfig(skip_unreadable=True), every_header=True)


def test_a_choice_of_images() -> None:
    pictures = Pictures((picture(4, 4, seed=1), picture(4, 4, seed=2)), "train")
    chosen = Chosen(pictures, np.array([1]))
    assert len(chosen) == 1
    assert chosen.describe(0) == "train image 1"
    assert (
        ImageInputs(chosen, (3, 4, 4)).read(np.array([0]))[0] == np.asarray(pictures.images[1]).transpose(2, 0, 1)
    ).all()


def test_pages_behind_the_first_are_said(tmp_path: Path) -> None:
    first, second = picture(6, 8), picture(6, 8, seed=1)
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second, second])
    second.save(tmp_path / "b.tif")
    found = survey({"train": Files(tmp_path, ("a.tif", "b.tif"))}, DataConfig(), every_header=True)
    assert found.warnings[0].startswith(
        "1 of 2 files hold several pages or frames (up to 3), of which the first is read"
    )
