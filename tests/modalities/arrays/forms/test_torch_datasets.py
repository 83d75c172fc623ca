"""Datasets and loaders of torch's kind: tuples, dicts, streams, images, and what does not fit in memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sample_settings import data_config
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.data.splits import targets_of
from sonde.modalities.arrays.forms.torch_datasets import read
from sonde.modalities.open import open_data

X, Y = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)), torch.arange(50) % 2
WHOLE = DataConfig(validation=0, test=0)
PIXELS = np.random.default_rng(0).integers(0, 256, (50, 6, 5, 3), dtype=np.uint8)


class Items(TorchDataset[Any]):
    """Items from a function of their number."""

    def __init__(self, item: Any, n: int = 50) -> None:
        self.item, self.n, self.asked = item, n, 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Any:
        if index >= self.n:
            raise IndexError(index)
        self.asked += 1
        return self.item(index)


class Stream(IterableDataset[Any]):
    """A stream of rows without a length."""

    def __iter__(self) -> Iterator[Any]:
        return iter(zip(X, Y, strict=True))


@pytest.mark.parametrize(
    "dataset",
    [
        TensorDataset(X, Y),
        Items(lambda i: (X[i], int(Y[i]))),
        Items(lambda i: {"features": X[i].numpy(), "label": Y[i], "id": i}),
        Subset(TensorDataset(X, Y), range(50)),
        Stream(),
        DataLoader(TensorDataset(X, Y), batch_size=7, shuffle=True),
    ],
    ids=["tensors", "items", "dicts", "subset", "stream", "loader"],
)
def test_all_give_the_same_rows(dataset: Any) -> None:
    data = open_data(dataset, WHOLE)
    reference = open_data((X, Y), WHOLE)
    everything = np.arange(50)
    assert data.schema == reference.schema
    assert (data.splits["train"].read(everything)["input"] == reference.splits["train"].read(everything)["input"]).all()
    assert (targets_of(data.splits["train"]) == Y.numpy()).all()


def test_pictures_and_their_tensors_are_the_same_images() -> None:
    pictures = Items(lambda i: (Image.fromarray(PIXELS[i]), i % 2))
    tensors = Items(lambda i: (torch.tensor(PIXELS[i]).permute(2, 0, 1) / 255, i % 2))  # what ToTensor gives
    expected = PIXELS.transpose(0, 3, 1, 2)
    for dataset in (pictures, tensors):
        data = open_data(dataset, WHOLE)
        assert data.schema.input.shape == (3, 6, 5)
        assert (data.splits["train"].read(np.arange(50))["input"] == expected).all()


@pytest.mark.parametrize("kind", ["pictures", "images", "rows"])
def test_what_does_not_fit_is_asked_for_again(kind: str) -> None:
    item = {
        "pictures": lambda i: (Image.fromarray(PIXELS[i]), i % 2),
        "images": lambda i: (PIXELS[i] / 255.0, i % 2),
        "rows": lambda i: (X[i], i % 2),
    }[kind]
    small, large = Items(item), Items(item)
    kept = read({"train": small}, WHOLE)
    again = read({"train": large}, WHOLE, limit=100)
    asked = large.asked
    order = np.array([41, 0, 7])
    assert (again.splits["train"].read(order)["input"] == kept.splits["train"].read(order)["input"]).all()
    assert large.asked == asked + 3
    assert again.splits["train"].describe(7) == "Items item 7"
    assert again.splits["train"].nbytes() == kept.splits["train"].nbytes()
    assert again.schema == kept.schema


def test_a_size_may_be_asked_for() -> None:
    item = lambda i: (PIXELS[i], i % 2)  # noqa: E731
    config = data_config(validation=0, test=0, image_size=12)
    kept = read({"train": Items(item)}, config)
    again = read({"train": Items(item)}, config, limit=100)
    assert kept.schema.input.shape == (3, 12, 12)
    one, two = (data.splits["train"].read(np.array([3, 9]))["input"] for data in (kept, again))
    assert (one == two).all()


def test_names_of_classes_are_taken_over() -> None:
    dataset = Items(lambda i: (X[i], i % 2))
    dataset.classes = ["cat", "dog"]  # type: ignore[attr-defined]
    assert open_data(dataset, WHOLE).schema.target.names == ("cat", "dog")


def test_splits_may_be_datasets() -> None:
    data = open_data({"train": TensorDataset(X, Y), "test": TensorDataset(X[:8], Y[:8])}, WHOLE)
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 50, "test": 8}


def test_a_random_transform_is_noticed() -> None:
    generator = torch.Generator().manual_seed(0)
    data = open_data(Items(lambda i: (X[i] + torch.randn(3, generator=generator), i % 2)), WHOLE)
    assert data.warnings == ["Items gives another item 0 each time (a random transform?); the first one read is kept"]


def test_a_loader_is_told_that_its_batches_are_not_used() -> None:
    data = open_data(DataLoader(TensorDataset(X, Y), batch_size=7), WHOLE)
    assert any(fact.what == "the rows of the DataLoader's dataset" for fact in data.facts)


def test_a_dicts_keys_are_said() -> None:
    data = open_data(Items(lambda i: {"pixel_values": X[i], "labels": i % 2}), WHOLE)
    assert data.facts[0].why == "torch Dataset: Items: 'pixel_values' is the input, 'labels' the target"


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Items(lambda i: X[i]), "Items item 0 is a Tensor; an item is (input, target) or a dict with these keys"),
        (
            Items(lambda i: {"a": 1, "b": 2}),
            "Items item 0 is a dict with a, b; name the two to use input and target",
        ),
        (Items(lambda i: (X[i][: 1 + i % 2], 0)), "items differ in shape: (1,), (2,); resize them in the Dataset"),
        (Items(lambda i: (X[i], 0)), "Items target: the target is 0 in every row"),
        (Items(lambda i: ("text", i % 2)), "Items item 0 holds <U4; inputs are numbers"),
        (Items(lambda i: (X[i], torch.zeros(1 + i % 2))), "Items: targets differ in shape from item to item"),
        (Items(lambda i: (X[i] / (0.0 if i == 5 else 1.0), i % 2)), "Items row 5 holds"),
        (Items(lambda i: (X[i], 0), n=0), "Items has no items"),
        (TensorDataset(X), "the TensorDataset holds one tensor; it needs inputs and targets"),
    ],
)
def test_refused(dataset: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        open_data(dataset, DataConfig())
    assert str(caught.value).startswith(message)


def test_a_stream_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="^Stream yields more than 100 bytes and has no random access"):
        read({"train": Stream()}, WHOLE, limit=100)


def test_bad_numbers_are_named_when_read_later() -> None:
    dataset = Items(lambda i: (X[i] if i != 5 else X[i] * float("nan"), i % 2))
    with pytest.raises(DataError, match="^Items item 5 row 0 holds nan"):
        read({"train": dataset}, WHOLE, limit=100)
