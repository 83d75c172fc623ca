"""Decoding one image: every mode, depth and orientation, against numpy and Pillow's own conversions."""

import io
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.core.errors import DataError
from sonde.modalities.image.files import Header, convert_all, decode, pixels, read_header, read_pixels, stored_size

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def array(content: bytes) -> np.ndarray:
    return np.asarray(decode(content, "x"))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_colour_and_grey_come_back_exactly(kind: str) -> None:
    assert (array(encoded(Image.fromarray(RGB), kind)) == RGB).all()
    assert (array(encoded(Image.fromarray(GREY), kind)) == GREY).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_kinds_come_back_nearly(kind: str) -> None:
    smooth = np.add.outer(np.arange(32) * 3, np.arange(40) * 2).astype(np.uint8)
    colour = np.stack([smooth, smooth // 2, 255 - smooth], axis=-1)
    back = array(encoded(Image.fromarray(colour), kind, quality=95)).astype(int)
    assert np.abs(back - colour).mean() < 4


def test_transparent_pixels_show_white() -> None:
    alpha = np.zeros((6, 9, 1), np.uint8)
    alpha[:, 3:6] = 255
    alpha[:, 6:] = 128
    shown = array(encoded(Image.fromarray(np.concatenate([RGB, alpha], axis=-1))))
    expected = np.rint(RGB * (alpha / 255) + 255 * (1 - alpha / 255))
    assert np.abs(shown.astype(int) - expected).max() <= 1


def test_grey_with_alpha_stays_grey() -> None:
    image = Image.merge("LA", (Image.fromarray(GREY), Image.new("L", (9, 6), 0)))
    assert decode(encoded(image), "x").mode == "L"
    assert (array(encoded(image)) == 255).all()


def test_a_transparent_colour_shows_white() -> None:
    image = Image.fromarray(np.array([[[1, 2, 3], [9, 9, 9]]], np.uint8))
    shown = array(encoded(image, transparency=(1, 2, 3)))
    assert shown.tolist() == [[[255, 255, 255], [9, 9, 9]]]


def test_a_palette_is_resolved() -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    assert array(encoded(image)).tolist() == [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [40, 50, 60]]]
    clear = array(encoded(image, transparency=1))
    assert clear[0, 1].tolist() == [255, 255, 255]
    assert clear[0, 0].tolist() == [10, 20, 30]


def test_sixteen_bits_become_eight_by_scaling() -> None:
    deep = np.array([[0, 257, 128, 65535], [129, 32896, 65278, 300]], np.uint16)
    content = encoded(Image.fromarray(deep))
    assert array(content).tolist() == np.rint(deep / 257).astype(int).tolist()
    assert read_header(content, "x") == Header(2, 4, 1, True)


def test_floats_on_a_known_scale() -> None:
    unit = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    assert array(encoded(Image.fromarray(unit), "TIFF")).tolist() == np.rint(unit * 255).astype(int).tolist()
    with pytest.raises(DataError, match="^x holds values from 0 to 1000; save it with 8 or 16 bits$"):
        decode(encoded(Image.fromarray(unit * 1000), "TIFF"), "x")


def test_one_bit_and_cmyk() -> None:
    bits = np.array([[True, False], [False, True]])
    assert array(encoded(Image.fromarray(bits))).tolist() == [[255, 0], [0, 255]]
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = array(encoded(cmyk, "TIFF"))
    assert red[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    """Each tag value says which corner is the top left; source: EXIF 2.32, tag 0x0112."""
    upright = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif)
    assert array(content).tolist() == upright.tolist()
    assert read_header(content, "x") == Header(2, 3, 1, False, orientation=orientation)


def test_resizing_averages() -> None:
    checks = np.indices((64, 64)).sum(0) % 2 * 255
    small = pixels(Image.fromarray(checks.astype(np.uint8)), (1, 8, 8))
    assert np.abs(small.astype(int) - 127).max() <= 2  # without antialiasing it would be all 0 or all 255
    same = pixels(Image.fromarray(RGB), (3, 6, 9))
    assert (same == RGB.transpose(2, 0, 1)).all()
    assert (pixels(Image.fromarray(GREY), (3, 6, 9)) == GREY).all()


def test_a_large_jpeg_is_decoded_small_and_looks_the_same() -> None:
    smooth = np.add.outer(np.arange(640) * 0.2, np.arange(800) * 0.1).astype(np.uint8)
    content = encoded(Image.fromarray(smooth), "JPEG", quality=95)
    near = decode(content, "x", near=(64, 80))
    assert near.width == 200  # a quarter, which is still more than twice what is needed
    difference = pixels(near, (1, 64, 80)).astype(int) - pixels(decode(content, "x"), (1, 64, 80))
    assert np.abs(difference).max() <= 2


def test_the_stored_size() -> None:
    assert stored_size([(30, 40)] * 3, None) == (30, 40, "their common size")
    height, width, why = stored_size([(10, 20), (30, 40), (50, 90)], None)
    assert (height, width) == (30, 40)
    assert why == "the median size of 10x20 to 50x90; aspect ratios are not kept (--image-size changes the size)"
    assert stored_size([(480, 640)], None)[:2] == (168, 224)
    assert stored_size([(480, 640)], 320) == (320, 320, "--image-size")


def test_arrays_are_resized_like_images() -> None:
    images = np.stack([RGB, RGB[::-1]]).transpose(0, 3, 1, 2)
    out = convert_all(images, (1, 3, 4))
    assert (out[1] == pixels(Image.fromarray(np.ascontiguousarray(RGB[::-1])), (1, 3, 4))).all()
    with pytest.raises(DataError, match="5 channels cannot be resized"):
        convert_all(np.zeros((1, 5, 4, 4), np.uint8), (1, 2, 2))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "unknown image format"),
        (b"not an image at all", "unknown image format"),
        (encoded(Image.fromarray(RGB))[:60], "Truncated File Read|broken PNG|truncated"),
        (encoded(Image.fromarray(RGB.repeat(9, 0)), "JPEG")[:400], "Truncated File Read"),
    ],
)
def test_broken_content_names_the_place(content: bytes, what: str) -> None:
    with pytest.raises(DataError, match=rf"^train/cat/1.png cannot be read as an image \(.*({what}).*\); replace or"):
        decode(content, "train/cat/1.png")


def test_a_changed_byte_in_the_pixels_of_a_png_is_seen_wherever_it_is() -> None:
    """Some such changes inflate to other pixels without complaint; the chunk's checksum tells."""
    smooth = np.add.outer(np.arange(40), np.arange(50)).astype(np.uint8)
    whole = encoded(Image.fromarray(np.stack([smooth, smooth, 255 - smooth], axis=-1)))
    start = whole.index(b"IDAT") + 4
    for place in range(start, whole.index(b"IEND") - 8):
        for value in (0x01, 0x80, 0xFF):
            content = bytearray(whole)
            content[place] ^= value
            with pytest.raises(DataError, match=r"^a.png cannot be read as an image"):
                decode(bytes(content), "a.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_whatever_is_broken_the_error_is_ours(kind: str) -> None:
    rng, whole = random.Random(0), encoded(Image.fromarray(RGB.repeat(4, 0)), kind)
    said = []
    for trial in range(150):
        content = bytearray(whole)
        if trial % 3 == 0:
            content = content[: rng.randrange(1, len(content))]
        for _ in range(trial % 5):
            content[rng.randrange(len(content))] = rng.randrange(256)
        for read in (decode, read_header):
            try:
                read(bytes(content), "place")
            except DataError as error:
                said.append(str(error))
    assert len(said) > 50
    assert all(text.startswith("place ") and "\n" not in text for text in said)


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert (np.asarray(decode(tmp_path / "a.png", "a.png")) == RGB).all()
    assert read_header(tmp_path / "a.png", "a.png") == Header(6, 9, 3, False)
    with pytest.raises(DataError, match="^b.png cannot be read as an image"):
        decode(tmp_path / "b.png", "b.png")


def heic(path: Path, image: Image.Image) -> Path:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(image).save(path, quality=100, chroma=444)
    return path


def test_heic_is_read_whatever_its_name(tmp_path: Path) -> None:
    square = np.zeros((64, 96, 3), np.uint8)
    square[:, :48, 0], square[:, 48:, 2] = 200, 100
    path = heic(tmp_path / "a.heic", Image.fromarray(square))
    other = tmp_path / "a.jpg"
    other.write_bytes(path.read_bytes())
    for content in (path, other, path.read_bytes()):
        header = read_header(content, "a")
        assert (header.height, header.width, header.channels, header.deep) == (64, 96, 3, False)
        found = read_pixels(content, "a", (3, 64, 96))
        assert np.abs(found.transpose(1, 2, 0)[:, [10, 80]].astype(int) - square[:, [10, 80]]).max() <= 4


def test_heic_without_the_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    with pytest.raises(
        DataError, match=rf"^{path} cannot be read as an image \(it is HEIC; to read such, pip install pillow-heif\)"
    ):
        read_header(path, str(path))
