"""Pages of TIFF files as channels: the values of every page, refused where pages differ, and read so from then on."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_settings import data_config

from sonde.core.errors import DataError
from sonde.modalities.image.stacks import deep_stack, read_stack
from sonde.modalities.inputs import rows_for
from sonde.modalities.open import open_data, open_like


def stack(path: Path, pages: np.ndarray) -> Path:
    """pages: (n, H, W)"""
    first, *rest = [Image.fromarray(page) for page in pages]
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, save_all=True, append_images=rest)
    return path


def cells(root: Path, dtype: type = np.uint8, high: int = 200, pages: int = 5) -> Path:
    """Two classes, 8 stacks each."""
    rng = np.random.default_rng(0)
    for name in ("dead", "live"):
        for n in range(8):
            stack(root / name / f"{n}.tif", rng.integers(0, high, (pages, 12, 10)).astype(dtype))
    return root


def test_every_page_is_a_channel(tmp_path: Path) -> None:
    pages = np.random.default_rng(0).integers(0, 256, (5, 12, 10), dtype=np.uint8)
    assert (read_stack(stack(tmp_path / "a.tif", pages), "a", (5, 12, 10)) == pages).all()
    deep = np.random.default_rng(0).integers(0, 4096, (3, 12, 10), dtype=np.uint16)
    path = stack(tmp_path / "b.tif", deep)
    assert read_stack(path, "b", (3, 12, 10), 4095.0) == pytest.approx(deep / 4095)
    values = deep_stack(path, "b")
    assert values is not None
    assert (values == deep).all()
    assert deep_stack(tmp_path / "a.tif", "a") is None
    with pytest.raises(DataError, match=r"^a has 5 pages, and 4 are read as channels; give it as many$"):
        read_stack(tmp_path / "a.tif", "a", (4, 12, 10))


def test_the_first_page_alone_is_read_with_a_warning_that_names_the_flag(tmp_path: Path) -> None:
    dataset = open_data(cells(tmp_path / "cells"), data_config())
    assert dataset.schema.input.shape == (1, 12, 10)
    (warning,) = dataset.warnings
    assert (
        "16 of 16 files hold several pages or frames (up to 5), of which the first is read; --pages channels reads"
        in warning
    )


def test_pages_as_channels_are_read_so_by_evaluation_and_prediction(tmp_path: Path) -> None:
    root = cells(tmp_path / "cells")
    dataset = open_data(root, data_config(pages="channels"))
    assert dataset.schema.input.shape == (5, 12, 10)
    assert dataset.warnings == []
    assert json.loads(dataset.schema.input.extra) == {"pages": 5}
    row = dataset.splits["train"].read(np.array([0]))["input"][0]
    with Image.open(root / dataset.splits["train"].describe(0)) as image:
        for number in range(5):
            image.seek(number)
            assert (row[number] == np.asarray(image)).all()
    found = open_like(root, dataset.schema, data_config())
    assert found.splits["test"].read(np.array([3]))["input"].shape == (1, 5, 12, 10)
    rows, names = rows_for([str(root / "dead")], dataset.schema)
    assert (len(names), rows.read(np.array([0, 7]))["input"].shape) == (8, (2, 5, 12, 10))
    stack(root / "dead" / "0.tif", np.zeros((4, 12, 10), np.uint8))
    with pytest.raises(DataError, match=r"dead/0\.tif has 4 pages, and the model was trained on 5; give it as many$"):
        open_like(root, dataset.schema, data_config())
    rows, _ = rows_for([str(root / "dead" / "0.tif")], dataset.schema)
    with pytest.raises(DataError, match=r"0\.tif has 4 pages, and 5 are read as channels; give it as many$"):
        rows.read(np.array([0]))


def test_twelve_bits_in_pages_keep_their_values(tmp_path: Path) -> None:
    dataset = open_data(cells(tmp_path / "cells", np.uint16, 4000, 3), data_config(pages="channels"))
    assert json.loads(dataset.schema.input.extra) == {"full": 4095.0, "pages": 3}
    row = dataset.splits["train"].read(np.array([1]))["input"][0]
    with Image.open(tmp_path / "cells" / dataset.splits["train"].describe(1)) as image:
        image.seek(2)
        assert row[2] == pytest.approx(np.asarray(image) / 4095)


@pytest.mark.parametrize(
    ("page", "refused"),
    [
        (
            np.zeros((4, 12, 10), np.uint8),
            r"live/7\.tif has 4 pages, and dead/0\.tif has 5; give it as many; --pages first reads",
        ),
        (
            np.zeros((5, 12, 10, 3), np.uint8),
            r"live/7\.tif has pages in colour, and only grey ones are read as channels; --pages first",
        ),
    ],
)
def test_pages_that_differ_are_refused_by_name_and_the_remedy_works(
    tmp_path: Path, page: np.ndarray, refused: str
) -> None:
    root = cells(tmp_path / "cells")
    stack(root / "live" / "7.tif", page)
    with pytest.raises(DataError, match=refused):
        open_data(root, data_config(pages="channels"))
    assert open_data(root, data_config(pages="first")).schema.input.shape[1:] == (12, 10)


def test_single_pages_and_arrays_have_none_to_read(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"dead/0\.tif has a single page, and so have the others; leave --pages channels out$"
    ):
        open_data(cells(tmp_path / "cells", pages=1), data_config(pages="channels"))
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=images, y=np.arange(30) % 2)
    with pytest.raises(DataError, match=r"a\.npz has no pages that can be read as channels; leave --pages out$"):
        open_data(tmp_path / "a.npz", data_config(pages="channels"))


def test_masks_of_stacks(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "masks").mkdir()
    for n in range(10):
        pages = rng.integers(0, 200, (4, 16, 16), dtype=np.uint8)
        stack(tmp_path / "images" / f"{n}.tif", pages)
        Image.fromarray((pages[0] > 100).astype(np.uint8)).save(tmp_path / "masks" / f"{n}.png")
    dataset = open_data(tmp_path, data_config(pages="channels"), task="segmentation")
    assert dataset.schema.input.shape == (4, 16, 16)
    row = dataset.splits["train"].read(np.array([0]))
    assert ((row["input"][0, 0] > 100) == row["target"][0]).all()
