import pickle

import numpy as np
import pytest

from sonde.core.dataset import Rows
from sonde.data.ragged import Numbered, Ragged, RaggedRows, end_to_end
from sonde.data.rows import Sequences

LISTS = [[5, 6, 7], [], [8], [9, 10]]


def reference(lists: list[list[int]], rows: list[int]) -> np.ndarray:
    """Padding by a loop."""
    longest = max((len(lists[row]) for row in rows), default=0)
    return np.array([lists[row] + [0] * (longest - len(lists[row])) for row in rows]).reshape(len(rows), longest)


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [3, 0], [2], [1], [1, 1], [3, 3, 2]])
def test_rows_are_padded_with_zeros_to_the_longest_asked_for(rows: list[int]) -> None:
    found = end_to_end(LISTS).padded(np.array(rows))
    assert found.dtype == np.int32
    assert np.array_equal(found, reference(LISTS, rows))


def test_a_row_is_what_was_put_in() -> None:
    held = end_to_end(LISTS)
    assert len(held) == 4
    assert [held[row].tolist() for row in range(4)] == LISTS
    assert held.lengths().tolist() == [3, 0, 1, 2]


def test_arrays_keep_their_further_dimensions() -> None:
    drawn = np.random.default_rng(0)
    arrays = [drawn.normal(size=(n, 2, 3)).astype(np.float32) for n in (2, 4, 1)]
    found = end_to_end(arrays, np.float32).padded(np.array([2, 1]))
    assert found.shape == (2, 4, 2, 3)
    assert np.array_equal(found[1], arrays[1])
    assert np.array_equal(found[0, :1], arrays[2])
    assert not found[0, 1:].any()


def test_nothing_is_held_in_nothing() -> None:
    held = end_to_end([])
    assert len(held) == 0
    assert held.padded(np.zeros(0, np.int64)).shape == (0, 0)


def test_rows_that_are_all_empty_have_no_width() -> None:
    held = Ragged(np.zeros(0, np.int32), np.zeros(3, np.int64))
    assert held.padded(np.array([0, 1])).shape == (2, 0)


def rows(*, with_lengths: bool = False) -> RaggedRows:
    return RaggedRows(
        ragged={"input": end_to_end(LISTS)},
        fixed={"target": np.array([1, 0, 1, 0])},
        names=Numbered("train.tsv", np.array([2, 5, 7, 9])),
        with_lengths=with_lengths,
    )


def test_fields_come_in_the_order_asked() -> None:
    found = rows().read(np.array([3, 0]))
    assert set(found) == {"input", "target"}
    assert found["input"].tolist() == [[9, 10, 0], [5, 6, 7]]
    assert found["target"].tolist() == [0, 1]


def test_lengths_come_along_where_they_are_wanted() -> None:
    assert rows(with_lengths=True).read(np.array([1, 3]))["lengths"].tolist() == [0, 2]


def test_ragged_rows_are_rows_of_sequences_and_travel() -> None:
    assert isinstance(rows(), Rows)
    assert isinstance(rows(), Sequences)
    again = pickle.loads(pickle.dumps(rows()))
    assert again.read(np.array([0]))["input"].tolist() == [[5, 6, 7]]


def test_rows_are_called_as_their_file_numbers_them() -> None:
    assert rows().describe(2) == "train.tsv row 7"
    assert list(Numbered("a.txt", np.array([1, 4]), "line")) == ["a.txt line 1", "a.txt line 4"]
    assert list(Numbered("a.txt", np.array([1, 4, 6]))[1:]) == ["a.txt row 4", "a.txt row 6"]


def test_targets_are_those_of_all_rows() -> None:
    assert rows().targets().tolist() == [1, 0, 1, 0]
    spoken = RaggedRows(ragged={"input": end_to_end(LISTS), "target": end_to_end([[1], [2, 3], [], [4]])}, names=LISTS)  # type: ignore[arg-type]
    assert spoken.targets().tolist() == [[1, 0], [2, 3], [0, 0], [4, 0]]


def test_bytes_are_those_that_are_held() -> None:
    assert rows().nbytes() == 6 * 4 + 4 * 8
