"""Images of more than 8 bits keep what bytes would lose."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_places import form
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.image.depth import depth_of
from sonde.modalities.image.forms import class_folders
from sonde.modalities.image.inputs import rows_to_predict
from sonde.modalities.open import open_data, open_like

read, _ = form(class_folders)
WHOLE = DataConfig(test=0, validation=0)


def filled(root: Path, low: int, high: int, *, kind: type = np.uint16, ending: str = "png") -> np.ndarray:
    """Eight grey pictures in two folders, whose values lie in low..high; (8, 6, 6) in their order."""
    draw = np.random.default_rng(0)
    values = np.asarray(draw.uniform(low, high, (8, 6, 6)), kind)
    values[0, 0, :2] = low, high
    for number, picture in enumerate(values):
        folder = root / "ab"[number // 4]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{number}.{ending}")
    return values


@pytest.mark.parametrize(("low", "high", "full"), [(0, 1000, 1023), (900, 1100, 4095), (0, 4095, 4095), (0, 200, 255)])
def test_10_and_12_bits_in_16_bit_files(tmp_path: Path, low: int, high: int, full: int) -> None:
    values = filled(tmp_path, low, high)
    data = read(tmp_path, WHOLE)
    pixels = data.splits["train"].read(np.arange(8))["input"][:, 0]
    assert pixels.dtype == np.float32
    assert pixels == pytest.approx(values / full, rel=1e-6)
    spec = data.schema.input
    assert depth_of(spec) == full
    assert (spec.mean[0], spec.std[0]) == pytest.approx((values.mean() / full, values.std() / full), rel=1e-6)
    assert any("kept as float32" in fact.what for fact in data.facts)
    again = open_like(tmp_path, data.schema, DataConfig()).splits["test"]
    assert (again.read(np.arange(8))["input"][:, 0] == pixels).all()
    rows, _ = rows_to_predict(tmp_path / "a" / "1.png", data.schema, lambda *_: None)
    assert (rows.read(np.array([0]))["input"][0, 0] == pixels[1]).all()


def test_a_narrow_window_high_up_is_kept_and_a_wide_one_becomes_bytes(tmp_path: Path) -> None:
    values = filled(tmp_path / "narrow", 32700, 32900)
    data = read(tmp_path / "narrow", WHOLE)
    assert data.splits["train"].read(np.arange(8))["input"][:, 0] * 65535 == pytest.approx(values, abs=0.01)
    values = filled(tmp_path / "wide", 0, 65535)
    data = read(tmp_path / "wide", WHOLE)
    pixels = data.splits["train"].read(np.arange(8))["input"]
    assert pixels.dtype == np.uint8
    assert (pixels[:, 0] == np.rint(values / 257)).all()
    assert data.schema.input.extra == ""


def test_floats_in_files_keep_their_values(tmp_path: Path) -> None:
    values = filled(tmp_path, -1, 1, kind=np.float32, ending="tif")
    data = read(tmp_path, data_config(test=0.0, validation=0.0, image_size=6))
    assert (data.splits["train"].read(np.arange(8))["input"][:, 0] == values).all()
    values[2, 1, 1] = np.nan
    Image.fromarray(values[2]).save(tmp_path / "a" / "2.tif")
    with pytest.raises(DataError, match=r"2.tif holds values that are not finite; replace them by numbers"):
        read(tmp_path, WHOLE)


@pytest.mark.parametrize(
    ("shape", "low", "high", "kind", "full"),
    [
        ((20, 8, 8, 3), 0, 1.4, np.float32, 1.0),
        ((20, 8, 8), 0, 1.4, np.float32, 1.0),
        ((20, 3, 8, 8), -2, 2, np.float32, 1.0),
        ((20, 8, 8, 4), 0, 10000, np.uint16, 16383.0),
        ((20, 8, 8), 0, 4095, np.uint16, 4095.0),
        ((20, 8, 8, 5), -1000, 3000, np.int16, 3000.0),
    ],
)
def test_arrays_keep_their_values(
    tmp_path: Path, shape: tuple[int, ...], low: float, high: float, kind: type, full: float
) -> None:
    x = np.random.default_rng(0).uniform(low, high, shape).astype(kind)
    x.reshape(-1)[:2] = low, high
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(20) % 2)
    data = open_data(tmp_path / "a.npz", WHOLE)
    assert (data.schema.input.kind, depth_of(data.schema.input), data.schema.input.scale) == ("image", full, 0.0)
    found = data.splits["train"].read(np.arange(20))["input"]
    planes = x[:, None] if x.ndim == 3 else x if shape[1] == 3 else x.transpose(0, 3, 1, 2)
    assert found == pytest.approx(planes / np.float32(full), rel=1e-6)
    rows, _ = rows_to_predict(x[:3], data.schema, lambda *_: None)
    assert (rows.read(np.arange(3))["input"] == found[:3]).all()


@pytest.mark.parametrize(("high", "whole"), [(1.0, False), (16, True), (255, True), (255, False)])
def test_what_bytes_hold_stays_bytes(tmp_path: Path, high: float, whole: bool) -> None:
    x = np.random.default_rng(0).uniform(0, high, (20, 8, 8, 3)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=np.rint(x) if whole else x, y=np.arange(20) % 2)
    data = open_data(tmp_path / "a.npz", WHOLE)
    assert data.splits["train"].read(np.arange(2))["input"].dtype == np.uint8
    assert data.schema.input.extra == ""
