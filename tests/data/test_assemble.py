"""From parts to a dataset: what is fitted on the training rows, and judging by a saved schema."""

from typing import Any

import numpy as np
import pytest
from sample_settings import data_config

from sonde.core.dataset import Schema
from sonde.core.errors import DataError
from sonde.data.assemble import About
from sonde.data.rows import ArrayInputs
from sonde.data.splits import labels_of
from sonde.data.targets import raw_target
from sonde.modalities.arrays.dataset import ArrayPair, assemble_arrays
from sonde.modalities.image.pixel_statistics import image_statistics

RNG = np.random.default_rng(0)
ABOUT = About(name="set", source="/data/set", form="arrays", why="x and y")


def pair(x: np.ndarray, y: Any) -> ArrayPair:
    return ArrayPair(x, raw_target(y, "y"), "x")


def assembled(parts: dict[str, ArrayPair], like: Schema | None = None, **config: Any) -> Any:
    return assemble_arrays(parts, ABOUT, data_config(**config), like=like)


def test_image_statistics_are_exact_per_channel() -> None:
    images = RNG.integers(0, 256, (700, 3, 5, 4), dtype=np.uint8)
    mean, std = image_statistics(ArrayInputs(images, "x"), np.arange(700))
    assert mean == pytest.approx(tuple(images.mean((0, 2, 3)) / 255), rel=1e-12)
    assert std == pytest.approx(tuple(images.std((0, 2, 3)) / 255), rel=1e-12)


def test_a_blank_channel_divides_by_one() -> None:
    images = np.full((9, 1, 4, 4), 255, np.uint8)
    assert image_statistics(ArrayInputs(images, "x"), np.arange(9)) == ((1.0,), (1.0,))


def test_held_back_rows_do_not_shape_the_statistics() -> None:
    """Rows of the test split are a thousand times larger; the fit must not see them."""
    x, y = RNG.normal(size=(200, 2)), np.arange(200) % 2
    held = assembled({"train": pair(x, y)}, validation=0).splits["test"].indices
    x[held] *= 1000
    columns = assembled({"train": pair(x, y)}, validation=0).schema.input.columns
    rest = np.delete(x, held, axis=0)
    np.testing.assert_allclose([c.mean for c in columns], rest.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose([c.std for c in columns], rest.std(0), rtol=1e-5)


def test_quantiles_are_of_the_standardised_rows() -> None:
    x = RNG.normal(3, 2, (400, 1))
    column = assembled({"train": pair(x, np.arange(400) % 2)}, validation=0, test=0).schema.input.columns[0]
    standard = (x[:, 0] - x.mean()) / x.std()
    assert column.quantiles[0] == pytest.approx(standard.min(), rel=1e-4)
    assert column.quantiles[-1] == pytest.approx(standard.max(), rel=1e-4)
    assert column.quantiles[24] == pytest.approx(np.median(standard), abs=0.01)


def test_a_saved_schema_reads_other_data_the_same_way() -> None:
    x, y = RNG.normal(5, 3, (90, 2)), np.array(["a", "b", "c"])[np.arange(90) % 3]
    trained = assembled({"train": pair(x, y)}, validation=0, test=0)
    schema = Schema.from_dict(trained.schema.as_dict())
    some = np.array([4, 3, 8])  # classes b, a, c
    judged = assembled({"train": pair(x[some], y[some])}, like=schema)
    assert list(judged.splits) == ["test"]
    assert labels_of(judged.splits["test"]).tolist() == [1, 0, 2]
    assert (judged.splits["test"].read(np.arange(3))["input"] == trained.splits["train"].read(some)["input"]).all()


def test_values_are_scaled_by_the_saved_schema() -> None:
    x, y = RNG.normal(size=(30, 2)), RNG.normal(10, 4, 30)
    trained = assembled({"train": pair(x, y)}, validation=0, test=0)
    judged = assembled({"train": pair(x[:5], y[:5]), "test": pair(x[5:9], y[5:9])}, like=trained.schema)
    np.testing.assert_allclose(
        judged.splits["test"].read(np.arange(4))["target"][:, 0], (y[5:9] - y.mean()) / y.std(), rtol=1e-5
    )


def test_what_a_model_does_not_know_is_named() -> None:
    x, y = RNG.normal(size=(30, 2)), np.array(["cat", "dog", "owl"])[np.arange(30) % 3]
    schema = assembled({"train": pair(x, y)}).schema
    with pytest.raises(DataError, match="^y row 1: label 'cow' is out of range; the 3 classes are cat, dog, owl$"):
        assembled({"train": pair(x[:2], np.array(["cat", "cow"]))}, like=schema)
    with pytest.raises(DataError, match="^x has 3 numbers a row; the model takes 2$"):
        assembled({"train": pair(RNG.normal(size=(4, 3)), y[:4])}, like=schema)


def test_a_class_without_training_rows_is_a_warning() -> None:
    x = RNG.normal(size=(20, 2))
    data = assembled({"train": pair(x, np.arange(20) % 2), "test": pair(x[:3], np.array([0, 1, 2]))}, validation=0)
    assert data.schema.target.names == ("0", "1", "2")
    assert data.warnings == ["no training row has the class 2"]


def test_facts_in_one_short_block() -> None:
    images, y = RNG.integers(0, 256, (50, 8, 8), dtype=np.uint8), np.arange(50) % 5
    data = assembled({"train": pair(images, y), "test": pair(images[:10], y[:10])})
    assert [(fact.what, fact.why) for fact in data.facts] == [
        ("50 train + 10 test images, 8x8 grey", "arrays: x and y"),
        ("5 classes", "labels are the integers 0-4"),
        (
            "5 of the training rows kept for validation",
            "random, same share of every class",
        ),
    ]
