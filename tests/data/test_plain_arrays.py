"""Odd arrays and tensors: the same numbers where they can be read, one line with what to write where they cannot."""

from typing import Any

import numpy as np
import pytest
import torch

from sonde.core.errors import DataError
from sonde.data.plain_arrays import plain

X = np.arange(12, dtype=np.float32).reshape(4, 3)
T = torch.from_numpy(X)


class Foreign:
    """An array of another library, by numpy's protocol."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return X


class Shared:
    """A tensor of another library, by DLPack."""

    def __dlpack__(self, **options: Any) -> Any:
        return T.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return T.__dlpack_device__()


def objects(rows: list[Any]) -> np.ndarray:
    found = np.empty(len(rows), object)
    found[:] = rows
    return found


SAME = {
    "big-endian": X.astype(">f4"),
    "reversed": X[::-1][::-1][:, ::-1][:, ::-1],
    "long double": X.astype(np.longdouble),
    "masked nowhere": np.ma.masked_array(X),
    "objects that are numbers": X.astype(object),
    "rows as lists": objects([list(row) for row in X]),
    "of another library": Foreign(),
    "shared memory": Shared(),
    "Fortran order": np.asfortranarray(X),
    "negated": torch.complex(T, -T).conj().imag,
}


@pytest.mark.parametrize("name", SAME)
def test_what_loses_nothing_is_read(name: str) -> None:
    found = plain(SAME[name], "x", unsigned=False)
    numbers = torch.as_tensor(np.ascontiguousarray(found) if isinstance(found, np.ndarray) else found)
    assert numbers.to(torch.float32).tolist() == X.tolist()


def test_columns_turned_round_are_read_as_they_stand() -> None:
    assert torch.as_tensor(plain(X[::-1, ::-1], "x")).tolist() == [[11, 10, 9], [8, 7, 6], [5, 4, 3], [2, 1, 0]]


@pytest.mark.parametrize(
    ("kind", "axes", "becomes"),
    [("uint16", 1, "int64"), ("uint16", 2, "int32"), ("uint32", 2, "int64"), ("uint64", 1, "int64")],
)
def test_unsigned_numbers_that_torch_does_not_compute_in_become_signed(kind: str, axes: int, becomes: str) -> None:
    values = (X[0] if axes == 1 else X).astype(kind) + np.array(60000, kind)
    for given in (values, torch.from_numpy(values)):
        found = plain(given, "y", unsigned=False)
        assert str(found.dtype).removeprefix("torch.") == becomes
        assert found.tolist() == values.tolist()
    assert plain(values, "y").dtype == kind


MASKED = np.ma.masked_array(X, mask=X == 7)
REFUSED = {
    "sparse": (lambda: T.to_sparse(), "x is a sparse tensor (coo) of shape (4, 3); give its .to_dense()"),
    "csr": (lambda: T.to_sparse_csr(), "x is a sparse tensor (csr) of shape (4, 3); give its .to_dense()"),
    "nested": (
        lambda: torch.nested.nested_tensor([T[0], T[1, :2]], layout=torch.jagged),
        "x is a nested tensor, whose rows differ",
    ),
    "meta": (lambda: T.to("meta"), "x is a tensor of shape (4, 3) on the meta device, which holds no data"),
    "float8": (lambda: T.to(torch.float8_e4m3fn), "which cannot be read by rows; give its .float()"),
    "masked": (
        lambda: MASKED,
        "x is a masked array with 1 masked values (first in row 2); fill them with its .filled(value), or leave",
    ),
    "ragged": (lambda: objects([[1.0], [1.0, 2.0]]), "x: rows differ in length (1 to 2); pad them"),
    "structured": (
        lambda: np.zeros(3, [("a", "f4"), ("b", "i4")]),
        "x is a structured array with the fields a, b; give its columns as",
    ),
    "dates": (
        lambda: np.array(["2020-01-01"], "M8[D]"),
        "x holds datetime64[D], which are not numbers; give numbers, such as (x - x.min()) / np.",
    ),
    "spans": (
        lambda: np.array([3], "m8[s]"),
        "x holds timedelta64[s], which are not numbers; give numbers, such as x / np.timedelta64(1, 's')",
    ),
    "too large": (
        lambda: np.array([[1.0], [1e300]]),
        "x row 1 holds 1e+300, and the largest number in single precision is 3.4e+38; scale the numbers",
    ),
    "beyond int64": (
        lambda: np.array([2**63], np.uint64),
        "x holds 9223372036854775808, and the largest integer is 2^63 - 1",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_what_would_change_is_refused_in_a_line(name: str) -> None:
    value, told = REFUSED[name]
    with pytest.raises(DataError) as refusal:
        plain(value(), "x", unsigned=False)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.filterwarnings("ignore")
def test_the_remedies_work() -> None:
    dates = np.array(["2020-01-01", "2020-01-03"], "M8[D]")
    assert plain((dates - dates.min()) / np.timedelta64(1, "D"), "x").tolist() == [0, 2]
    assert plain(MASKED.filled(0), "x")[2].tolist() == [6, 0, 8]
    quantised = torch.quantize_per_tensor(T, 0.5, 0, torch.qint8)
    with pytest.raises(
        DataError, match=r"x is a quantised tensor \(qint8\) of shape \(4, 3\); give its \.dequantize\(\)"
    ):
        plain(quantised, "x")
    assert plain(quantised.dequantize(), "x").tolist() == X.tolist()
    nested = torch.nested.nested_tensor([T[0], T[1, :2]])
    assert plain(torch.nested.to_padded_tensor(nested, 0.0), "x").tolist() == [[0, 1, 2], [3, 4, 0]]


def test_doubles_may_stay_where_they_are_computed_with() -> None:
    assert plain(np.array([1e300]), "x", doubles=True)[0] == 1e300


def test_texts_lists_and_frames_are_left_to_who_knows_them() -> None:
    for value in (["a", "b"], np.array(["a", "b"]), objects(["a", None]), objects([[1, "a"], [2, "b"]]), None, "x"):
        assert plain(value, "x") is value
