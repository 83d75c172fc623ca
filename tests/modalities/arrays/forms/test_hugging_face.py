"""Sets of Hugging Face's `datasets`, held to the same rows in a frame, an array and a list of pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import sonde
from sonde.core.errors import DataError

datasets = pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")

QUIET: dict[str, Any] = {"epochs": 1, "threads": 1, "quiet": True}
DRAW = np.random.default_rng(0)
ROWS = 120
NAMES = ["dog", "cat"]  # not in alphabetical order
LABELS = DRAW.integers(0, 2, ROWS).tolist()
PICTURES = [Image.fromarray(DRAW.integers(0, 255, (16, 16), dtype=np.uint8)) for _ in range(ROWS)]
TABLE = pd.DataFrame({"a": DRAW.normal(size=ROWS), "b": DRAW.choice(["x", "y"], ROWS), "y": DRAW.integers(0, 2, ROWS)})
TEXTS = [" ".join(DRAW.choice(["good", "bad", "film", "plot"], 6)) for _ in range(ROWS)]


@pytest.fixture(autouse=True)
def quiet() -> None:
    datasets.disable_progress_bars()


def pictures() -> Any:
    made = datasets.Dataset.from_dict({"image": PICTURES, "label": LABELS})
    return made.cast_column("label", datasets.ClassLabel(names=NAMES))


def same_weights(one: sonde.Run, other: sonde.Run) -> bool:
    return all(
        torch.equal(a, b)
        for a, b in zip(one.model.state_dict().values(), other.model.state_dict().values(), strict=True)
    )


def test_a_table_is_the_frame_to_the_last_bit(tmp_path: Path) -> None:
    run = sonde.train(datasets.Dataset.from_pandas(TABLE), target="y", out=tmp_path / "a", **QUIET)
    frame = sonde.train(TABLE, target="y", out=tmp_path / "b", **QUIET)
    assert same_weights(run, frame)
    assert run.metrics == frame.metrics
    assert run.predict(datasets.Dataset.from_pandas(TABLE)) == frame.predict(TABLE)
    assert run.evaluate(datasets.Dataset.from_pandas(TABLE), target=("y",)) == frame.evaluate(TABLE, target=("y",))
    chosen = datasets.Dataset.from_pandas(TABLE).select(range(60))
    assert sonde.train(chosen, target="y", out=tmp_path / "c", **QUIET).metrics == (
        sonde.train(TABLE[:60], target="y", out=tmp_path / "d", **QUIET).metrics
    )


def test_images_are_the_pictures_to_the_last_bit(tmp_path: Path) -> None:
    run = sonde.train(pictures(), out=tmp_path / "a", **QUIET)
    plain = sonde.train((PICTURES, LABELS), out=tmp_path / "b", **QUIET)
    assert same_weights(run, plain)
    assert run.classes == NAMES
    assert [row["prediction"] for row in run.predict(pictures())] == [
        NAMES[int(row["prediction"])] for row in plain.predict(PICTURES)
    ]
    assert run.evaluate(pictures())["accuracy"] == plain.evaluate((PICTURES, LABELS))["accuracy"]
    torch_format = sonde.train(pictures().with_format("torch"), out=tmp_path / "c", **QUIET)
    assert same_weights(run, torch_format)


def test_splits_are_used_as_they_are_called(tmp_path: Path) -> None:
    parts = pictures().train_test_split(0.25, shuffle=False)
    unlabelled = parts["test"].remove_columns("label").add_column("label", [-1] * len(parts["test"]))
    assert isinstance(parts, dict)
    run = sonde.train(parts, out=tmp_path / "a", **QUIET)
    assert run.evaluated_on == "test"
    again = sonde.train({"train": parts["train"], "test": parts["test"]}, out=tmp_path / "b", **QUIET)
    assert same_weights(run, again)
    assert run.metrics == again.metrics
    more = datasets.DatasetDict({"train": parts["train"], "test": unlabelled, "unsupervised": parts["test"]})
    sonde.train(more, out=tmp_path / "c", **QUIET)
    warnings = str(sonde.load(tmp_path / "c").folder.joinpath("data.json").read_text())
    assert "test has no labels, so the model cannot be evaluated on it" in warnings
    assert "left out the split unsupervised, which is none of train, validation and test" in warnings


def test_texts_and_classes_by_name(tmp_path: Path) -> None:
    made = datasets.Dataset.from_dict({"text": TEXTS, "label": LABELS}).cast_column(
        "label", datasets.ClassLabel(names=NAMES)
    )
    run = sonde.train(made, out=tmp_path / "a", **QUIET)
    frame = sonde.train(
        {"text": TEXTS, "label": [NAMES[place] for place in LABELS]}, target="label", out=tmp_path / "b", **QUIET
    )
    assert same_weights(run, frame)
    assert sorted(run.classes) == sorted(NAMES)
    assert run.predict(made) == frame.predict({"text": TEXTS})


def test_lists_of_numbers_are_arrays(tmp_path: Path) -> None:
    x = DRAW.normal(size=(ROWS, 3))
    run = sonde.train(datasets.Dataset.from_dict({"x": x.tolist(), "label": LABELS}), out=tmp_path / "a", **QUIET)
    assert same_weights(run, sonde.train((x, LABELS), out=tmp_path / "b", **QUIET))
    assert len(run.predict(datasets.Dataset.from_dict({"x": x.tolist()}))) == ROWS


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    ragged = datasets.Dataset.from_dict({"ids": [[1] * (1 + row % 3) for row in range(ROWS)], "label": LABELS})
    two = datasets.Dataset.from_dict({"image": PICTURES, "mask": PICTURES, "label": LABELS})
    for data, told in (
        (
            pictures().to_iterable_dataset(),
            r"streaming Hugging Face set cannot be read here.*from_list\(list\(stream.take\(",
        ),
        ({"train": pictures().to_iterable_dataset()}, "streaming Hugging Face set cannot be read here"),
        (ragged, "column 'ids' holds lists of different lengths"),
        (two, "columns 'image' and 'mask' hold images, and one is read"),
        (datasets.DatasetDict({"a": pictures()}), "there is no train split, only a"),
    ):
        with pytest.raises(DataError, match=told):
            sonde.train(data, out=tmp_path / "run", **QUIET)


def test_a_transform_of_ones_own_is_applied(tmp_path: Path) -> None:
    def dark(rows: dict[str, Any]) -> dict[str, Any]:
        return {"image": [torch.zeros(1, 8, 8) + place for place in rows["label"]], "label": rows["label"]}

    run = sonde.train(pictures().with_transform(dark), out=tmp_path / "a", **dict(QUIET, epochs=3))
    assert run.schema.input.shape == (1, 8, 8)
