import numpy as np
import pytest

from sonde.data.duplicates import digests, pairs_by_chance, quick_keys, repeated, same_groups


def test_equal_rows_have_equal_digests_and_others_do_not() -> None:
    rows = np.random.default_rng(0).integers(0, 2, (200, 3, 2, 2), dtype=np.uint8)
    keys = digests(rows)
    same = (rows.reshape(200, 1, -1) == rows.reshape(1, 200, -1)).all(axis=2)
    assert [[a == b for b in keys] for a in keys] == same.tolist()


def test_no_rows_have_no_digests() -> None:
    """As where no row that is judged may be one that is trained on."""
    assert digests(np.zeros((0, 3, 2))) == []


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64, np.int64])
def test_quick_keys_are_equal_where_digests_are(dtype: type) -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (400, 9)).astype(dtype)
    keys, exact = quick_keys(rows), digests(rows)
    assert len(set(keys.tolist())) == len(set(exact)) < 400
    assert len(set(zip(keys.tolist(), exact, strict=True))) == len(set(exact))


def test_repeated_rows_are_those_that_occur_twice() -> None:
    rows = np.random.default_rng(1).normal(size=(300, 5)).astype(np.float32)
    rows[7, 0], rows[250, 0] = 0.0, -0.0
    rows[250, 1:] = rows[7, 1:]
    rows[299] = rows[100] = rows[3]
    assert repeated(rows).tolist() == [3, 7, 100, 250, 299]
    assert repeated(rows[:100]).tolist() == []
    assert repeated(rows[:0]).tolist() == []


def test_minus_zero_is_zero() -> None:
    keys = digests(np.array([[0.0, 1.0], [-0.0, 1.0]], np.float32))
    assert keys[0] == keys[1]


def test_views_in_another_order_are_read_as_they_look() -> None:
    rows = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert digests(rows.transpose(0, 2, 1)) == digests(np.ascontiguousarray(rows.transpose(0, 2, 1)))


def test_groups_match_numpys_unique() -> None:
    values = np.random.default_rng(1).integers(0, 40, 60)
    groups = same_groups([bytes([v]) for v in values])
    found, counts = np.unique(values, return_counts=True)
    assert {int(values[g[0]]): len(g) for g in groups} == {
        int(v): int(c) for v, c in zip(found, counts, strict=True) if c > 1
    }


def test_chance_agrees_with_drawing_independently() -> None:
    """Against counting equal pairs among many independent draws."""
    rng = np.random.default_rng(2)
    expected, counted = [], []
    for _ in range(200):
        columns = [rng.integers(0, 4, 50), rng.choice([0, 1], 50, p=[0.9, 0.1])]
        expected.append(pairs_by_chance(columns))
        rows = np.stack(columns, axis=1)
        counted.append(((rows[:, None] == rows[None]).all(axis=2).sum() - 50) / 2)
    # pairs of a column's own cells agree a little more often than independent ones: the diagonal counts along
    assert np.mean(counted) == pytest.approx(np.mean(expected), rel=0.15)


def test_a_column_without_repeats_leaves_nothing_to_chance() -> None:
    assert pairs_by_chance([np.arange(1000), *[np.zeros(1000)] * 5]) == pytest.approx(1000 * 999 / 2 / 1000)
    assert pairs_by_chance([np.arange(1000)] * 4) < 1e-3
    assert pairs_by_chance([]) == 0
