"""What the recipe advises, in real runs of a few steps."""

from pathlib import Path

import numpy as np

import sonde
from sonde.core.config_file import read_config


def chosen(folder: Path) -> tuple[object, ...]:
    settings = read_config(folder / "config.yaml").settings
    return tuple(settings[name] for name in ("model", "gan_loss", "beta1", "ema"))


def test_images_and_rows_of_numbers_get_a_network_and_settings(tmp_path: Path) -> None:
    images = sonde.train("digits", task="gan", steps=2, widths=(8,), quiet=True, out=tmp_path / "images")
    assert chosen(tmp_path / "images") == ("dcgan", "hinge", 0.5, 0.999)
    rows = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    numbers = sonde.train((rows, rows[:, 0] > 0), task="gan", steps=2, width=8, quiet=True, out=tmp_path / "numbers")
    assert chosen(tmp_path / "numbers") == ("gan-mlp", "wgan-gp", 0.5, 0.999)
    assert numbers.sample(5).shape == (5, 3)
    same = images.sample(3, seed=1)
    assert same.shape == (3, 8, 8)
    assert np.array_equal(same, sonde.load(tmp_path / "images").sample(3, seed=1))
