"""Planted copies among pictures that are not copies, made here and real ones."""

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.modalities.image import near_duplicates as recoded


def pictures(n: int, *, seed: int, side: int = 48, channels: int = 3) -> np.ndarray:
    """(n, channels, side, side) uint8: a few broad waves each, and grain."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side)))
    frequency = rng.normal(0, 8, (n, channels, 5, 2))
    phase = rng.uniform(0, 6.28, (n, channels, 5, 1, 1))
    waves = np.sin(np.einsum("ncfd,dhw->ncfhw", frequency, grid) + phase).mean(axis=2)
    waves = 0.8 * waves[:, :1] + 0.4 * waves  # as in photographs, channels mostly go together; JPEG counts on it
    return (128 + 100 * waves + rng.normal(0, 6, waves.shape)).clip(0, 255).astype(np.uint8)


def saved_anew(image: np.ndarray, kind: str, quality: int, scale: float = 1.0) -> np.ndarray:
    """(channels, height, width) -> the same through a file, at the same size again."""
    grey = image.shape[0] == 1
    picture = Image.fromarray(image[0] if grey else image.transpose(1, 2, 0))
    size = picture.size
    picture = picture.resize((round(size[0] * scale), round(size[1] * scale)), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    picture.save(file, kind, quality=quality)
    read = np.asarray(Image.open(file).convert("L" if grey else "RGB").resize(size, Image.Resampling.BILINEAR))
    return read[None] if grey else read.transpose(2, 0, 1)


def groups(images: np.ndarray) -> list[list[int]]:
    return sorted(c.places.tolist() for c in recoded.find(recoded.small(images), lambda places: images[places]))


@pytest.mark.parametrize(
    ("kind", "quality", "scale"),
    [("JPEG", 90, 1.0), ("JPEG", 50, 1.0), ("WEBP", 80, 1.0), ("JPEG", 90, 0.5), ("PNG", 0, 1.5)],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_planted_copy_is_found_and_nothing_else(kind: str, quality: int, scale: float, channels: int) -> None:
    images = pictures(120, seed=0, channels=channels)
    planted = np.stack([saved_anew(image, kind, quality, scale) for image in images[:10]])
    assert groups(np.concatenate([images, planted])) == [[place, 120 + place] for place in range(10)]


def test_a_brighter_picture_with_less_contrast_is_a_copy() -> None:
    images = pictures(50, seed=1)
    brighter = (images[7].astype(float) * 0.6 + 80).astype(np.uint8)
    assert groups(np.concatenate([images, brighter[None]])) == [[7, 50]]


def test_three_copies_of_one_picture_are_one_group() -> None:
    images = pictures(50, seed=2)
    planted = np.stack([saved_anew(images[3], "JPEG", quality) for quality in (95, 80, 60)])
    assert groups(np.concatenate([images, planted])) == [[3, 50, 51, 52]]


def test_pictures_that_are_all_alike_are_no_copies() -> None:
    """A conveyor belt seen again and again: near each other, none nearer than the rest."""
    rng = np.random.default_rng(3)
    scene = pictures(1, seed=3).astype(float)
    images = (scene + rng.normal(0, 12, (200, *scene.shape[1:]))).clip(0, 255).astype(np.uint8)
    assert groups(images) == []


def test_pages_with_one_layout_and_other_text_are_no_copies() -> None:
    """Blurred to a few pixels they are near each other and far from the rest; looked at again they differ."""
    rng = np.random.default_rng(4)
    blocks = np.where(np.indices((384, 384)).sum(axis=0) // 96 % 2, 60, 195)
    stroke = 30 * np.kron([[1, -1]], np.ones((12, 6)))  # as much ink as paper, so a blur leaves nothing of it
    letters = [np.kron(rng.choice([-1, 1], (32, 32)), stroke) for _ in range(2)]
    pages = np.stack([blocks + ink for ink in letters]).astype(np.uint8)[:, None]
    others = pictures(30, seed=4, side=384, channels=1)
    points = recoded.small(pages) / np.linalg.norm(recoded.small(pages), axis=1, keepdims=True)
    assert np.linalg.norm(points[0] - points[1]) < recoded.NEAR
    assert groups(np.concatenate([others, pages])) == []


def test_blank_pages_have_nothing_to_recognise_them_by() -> None:
    """The scanner's faint shading is the same on all of them."""
    rng = np.random.default_rng(5)
    shading = 240 + np.linspace(-3, 3, 120)[:, None]
    blanks = (shading + rng.normal(0, 1, (2, 1, 120, 120))).round().astype(np.uint8)
    others = pictures(30, seed=5, side=120, channels=1)
    assert groups(np.concatenate([others, blanks])) == []


def test_one_picture_is_no_group() -> None:
    assert groups(pictures(1, seed=6)) == []


@pytest.fixture(scope="module")
def digits(shared_data: Path) -> np.ndarray:
    content = gzip.decompress((shared_data / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 1, 28, 28)


def test_real_digits_are_not_copies_of_each_other(digits: np.ndarray) -> None:
    planted = np.stack([saved_anew(image, "JPEG", 80) for image in digits[:20]])
    assert groups(np.concatenate([digits, planted])) == [[place, 10_000 + place] for place in range(20)]
