"""The same fields from tuples, dicts, dataclasses, named tuples, arrays and nested ones."""

from collections import UserDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from sonde.core.errors import DataError
from sonde.data.feed.fields import check_rows, fields_of, in_memory, named

A, B, Y = torch.zeros(4, 3), torch.ones(4, 2), torch.arange(4)


@dataclass
class Sample:
    image: Tensor
    meta: Tensor
    label: Tensor
    mask: Tensor | None = None


class Pair(NamedTuple):
    image: Tensor
    label: Tensor


def test_names_of_tuples_are_input_and_target_or_neutral_ones() -> None:
    assert {n: v.tolist() for n, v in fields_of((1.5, np.int64(2))).items()} == {"input": 1.5, "target": 2}
    assert list(fields_of([A, Y, B])) == ["part_1", "part_2", "part_3"]
    assert list(fields_of(np.zeros(3))) == ["input"]
    assert list(fields_of((A, Y, ["a", "b", "c", "d"]))) == ["input", "target", "part_3"]


@pytest.mark.parametrize(
    "sample",
    [{"image": A, "meta": B, "label": Y}, UserDict(image=A, meta=B, label=Y), Sample(A, B, Y)],
    ids=["dict", "BatchEncoding", "dataclass"],
)
def test_names_of_ones_own_are_kept_and_none_is_left_out(sample: Any) -> None:
    found = fields_of(sample)
    assert list(found) == ["image", "meta", "label"]
    assert found["meta"] is B
    assert list(in_memory(sample) or {}) == ["image", "meta", "label"]
    assert list(fields_of(Pair(A, Y))) == ["image", "label"]


def test_nested_fields_stay_nested() -> None:
    found = fields_of([[A, B], Y])  # as default_collate leaves ((a, b), y)
    assert isinstance(found["input"], tuple)
    assert [part.shape for part in found["input"]] == [(4, 3), (4, 2)]
    assert fields_of(({"image": A, "meta": B}, Y))["input"].keys() == {"image", "meta"}
    assert check_rows(found) == 4


def test_a_list_with_an_entry_for_each_row_stays_a_list() -> None:
    boxes = [{"boxes": torch.rand(n, 4)} for n in (1, 3, 2, 5)]
    images = [torch.zeros(3, 8, width) for width in (7, 8, 9, 10)]
    found = fields_of((images, boxes))
    assert [image.shape[-1] for image in found["input"]] == [7, 8, 9, 10]
    assert [entry["boxes"].shape[0] for entry in found["target"]] == [1, 3, 2, 5]
    assert check_rows(found) == 4
    ragged = fields_of({"x": A, "words": [[1], [1, 2], [3], [4]]})
    assert ragged["words"] == [[1], [1, 2], [3], [4]]


def test_doubles_become_floats_unless_the_network_has_doubles() -> None:
    assert fields_of(np.zeros(3))["input"].dtype == torch.float32
    assert fields_of((np.zeros(3), 1))["target"].dtype == torch.int64
    assert fields_of(np.zeros(3), floats=torch.float64)["input"].dtype == torch.float64
    assert fields_of(np.zeros(3, complex))["input"].dtype == torch.complex64
    assert fields_of(np.zeros(3, complex), floats=torch.float64)["input"].dtype == torch.complex128


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (
            "abc",
            r"^samples must be tensors, arrays, a tuple such as \(input, target\), a dict, a dataclass or an object with "
            r".to\(device\), but this one is a str$",
        ),
        ((), "but this one is an empty tuple$"),
        ((object(), 1), "^field 'input' of a sample is a object; give tensors, arrays or numbers$"),
    ],
)
def test_other_samples_are_refused(sample: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        fields_of(sample)


def test_parts_of_different_length_are_one_line() -> None:
    with pytest.raises(DataError, match=r"differ in their number of rows: input\.0 4, input\.1 3, target 4; give one"):
        check_rows(fields_of(((A, B[:3]), Y)))
    with pytest.raises(DataError, match="input 4, target 4, part_3 1"):
        check_rows(fields_of((A, Y, ["a"])))


def test_what_is_in_memory_as_a_whole() -> None:
    def names(data: Any) -> list[str] | None:
        found = in_memory(data)
        return None if found is None else list(found)

    assert names((A, B, Y)) == ["part_1", "part_2", "part_3"]
    assert names(((A, B), Y)) == ["input", "target"]
    assert names(A) == ["input"]
    assert names((A, Y, ["a", "b", "c", "d"])) == ["input", "target", "part_3"]
    assert names([(A, Y), (A, Y)]) is None  # batches
    assert names([{"x": 1.0, "y": 2}]) is None  # rows
    with pytest.raises(DataError, match="a tuple of tuples may be one of inputs and targets, or batches; give a dict"):
        in_memory(((A, B), (Y, Y)))
    with pytest.raises(
        DataError, match="a list of 3 tensors may be rows, batches or the parts of a sample; give torch"
    ):
        in_memory([A, B, Y])


def test_dicts_may_hold_columns_of_texts_and_numbers() -> None:
    found = in_memory({"x": A, "id": ["a", "b", "c", "d"], "y": [0, 1, 0, 1], "name": np.array(["p", "q", "r", "s"])})
    assert isinstance(found, Mapping)
    assert found["id"] == ["a", "b", "c", "d"]
    assert found["y"].tolist() == [0, 1, 0, 1]
    assert found["name"] == ["p", "q", "r", "s"]
    assert named({"a": 1}) == {"a": 1}
