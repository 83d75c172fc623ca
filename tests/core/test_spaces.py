"""Spaces as text, and what networks see of what they hold, beside gymnasium's own flattening."""

import pickle

import numpy as np
import pytest
from gymnasium import spaces

from sonde.acting.environments.spaces import space_of
from sonde.core.spaces import as_text, beyond, encoder, from_text

PARTS = spaces.Dict(
    {
        "where": spaces.Discrete(3, start=-1),
        "both": spaces.Tuple((spaces.MultiBinary((2, 2)), spaces.MultiDiscrete(np.array([[2, 3], [4, 2]])))),
        "at": spaces.Box(-1, np.array([1, 2], np.float32), (2,), np.float32),
    }
)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(5, start=2),
        spaces.MultiDiscrete([2, 5], start=[1, -1]),
        spaces.MultiBinary(4),
        spaces.Tuple((spaces.Discrete(2), spaces.Box(0, 255, (2, 2), np.uint8))),
        PARTS,
    ],
    ids=lambda space: type(space).__name__,
)
def test_a_row_is_gymnasiums_also_after_a_trip_through_text_and_another_process(space: spaces.Space) -> None:
    space.seed(0)
    shown, _ = from_text(as_text(observation=space_of(space), action=space_of(spaces.Discrete(2))))
    assert shown == space_of(space)
    assert shown is not None
    assert shown.size == spaces.flatdim(space)
    encode = pickle.loads(pickle.dumps(encoder(shown, (shown.size,), pixels=False)))
    for _ in range(20):
        seen = space.sample()
        np.testing.assert_array_equal(encode(seen), spaces.flatten(space, seen))
        assert encode(seen).dtype == np.float32


def test_a_box_keeps_its_shape_and_pixels_have_their_channels_first() -> None:
    box = encoder(space_of(spaces.Box(0, 1, (2, 3), np.float64)), (2, 3), pixels=False)
    assert box(np.ones((2, 3))).shape == (2, 3)
    assert box(np.ones((2, 3))).dtype == np.float32
    picture = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    first = encoder(None, (3, 4, 2), pixels=True)
    np.testing.assert_array_equal(first(picture), picture.transpose(2, 0, 1))
    np.testing.assert_array_equal(first(first(picture)), first(picture))


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ({"where": 0}, "where and not the parts at, both, where"),
        ({"where": 2, "both": (np.zeros((2, 2)), np.zeros((2, 2), int)), "at": [0, 0]}, "2 and not one of -1 to 1"),
        ({"where": 0.5, "both": (), "at": [0, 0]}, "0 parts and not 2 parts"),
        (
            {"where": 0.5, "both": (np.zeros((2, 2)), np.zeros((2, 2), int)), "at": [0, 0]},
            "float and not a whole number",
        ),
        ({"where": 0, "both": (np.zeros(4), np.zeros((2, 2), int)), "at": [0, 0]}, r"shape \(4,\) and not \(2, 2\)"),
        ({"where": 0, "both": (np.zeros((2, 2)), [1, 2, 3]), "at": [0, 0]}, "3 choices and not 4"),
        ({"where": 0, "both": (np.zeros((2, 2)), np.zeros((2, 2), int)), "at": ["a", "b"]}, "text and not numbers"),
        ({"where": 0, "both": (np.zeros((2, 2)), "x"), "at": [0, 0]}, "text and not 4 choices"),
        (7, "int and not the parts"),
    ],
)
def test_what_a_space_does_not_hold_is_told_in_words(shown: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        encoder(space_of(PARTS), (17,), pixels=False)(shown)


def test_bounds_are_those_of_a_row_and_none_where_nothing_is_bounded() -> None:
    found = space_of(PARTS).bounds
    assert found is not None
    at = slice(0, 2)  # gymnasium sorts parts by name
    assert found[0][at].tolist() == [-1, -1]
    assert found[1][at].tolist() == [1, 2]
    assert np.isinf(found[0][2:]).all()
    outside = beyond(np.array([[1.00001, 2.1]], np.float32), (found[0][at], found[1][at]))
    assert outside.tolist() == [[False, True]]
    assert space_of(spaces.Box(-np.inf, np.inf, (3,))).bounds is None


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (spaces.Discrete(16), "one of 16"),
        (spaces.Box(0, 1, (4,)), "4 numbers"),
        (spaces.Box(0, 255, (96, 96, 3), np.uint8), "96x96x3 pixels"),
        (spaces.Box(0, 1, ()), "1 number"),
        (spaces.Tuple((spaces.Discrete(2), spaces.MultiBinary(3))), "2 parts: 0 (one of 2), 1 (3 times 0 or 1)"),
        (spaces.Text(3), "something else"),
        (None, "something else"),
    ],
)
def test_a_person_is_told_what_it_is(space: spaces.Space | None, words: str) -> None:
    assert space_of(space).words == words
