"""What a setting takes: the same from Python, from a file and from the command line."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from sonde.core.config import GROUPS, flat, replace_leaves
from sonde.core.errors import ConfigError
from sonde.core.value_types import annotations, expected, suited


@pytest.mark.parametrize(
    ("value", "annotation", "kept"),
    [
        (5, float | None, 5),
        (None, float | None, None),
        (np.int64(7), int, 7),
        (np.float32(0.5), float, 0.5),
        (np.float64(0.5), float, 0.5),
        (Path("a") / "b", str | None, "a/b"),
        ("auto", float | Literal["auto"], "auto"),
        ([1, 2], tuple[int, ...], (1, 2)),
        ((), tuple[str, ...], ()),
        (3, tuple[int, ...], (3,)),
        ("price", tuple[str, ...], ("price",)),
        (["balanced"], tuple[float | Literal["balanced"], ...], ("balanced",)),
        (True, bool, True),
        ([1], list[int], [1]),
    ],
)
def test_values_that_suit(value: Any, annotation: Any, kept: Any) -> None:
    found = suited("x", value, annotation)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        ("1", int, "--a-b expects a whole number, got '1'"),
        (1.5, int, "--a-b expects a whole number, got 1.5"),
        (True, int, "--a-b expects a whole number, got True"),
        (True, float, "--a-b expects a number, got True"),
        (1, bool, "--a-b expects yes or no, got 1"),
        (60, str | None, "--a-b expects text, got 60"),
        (None, int, "--a-b expects a whole number, got None"),
        ("Cosin", Literal["cosine", "step"], "--a-b expects one of cosine, step, got 'Cosin'; did you mean cosine?"),
        ("fast", float | Literal["auto"], "--a-b expects a number or auto, got 'fast'"),
        ((1, "2"), tuple[int, ...], "--a-b expects a whole number, got '2'"),
        (np.zeros(2), float, "--a-b expects a number, got array([0., 0.])"),
        ([1, 2], int, "--a-b expects a whole number, got [1, 2]"),
    ],
)
def test_values_that_do_not_are_named_on_one_line(value: Any, annotation: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        suited("a_b", value, annotation)
    assert str(caught.value) == message


@pytest.mark.parametrize("group", GROUPS)
def test_every_default_suits_its_own_setting(group: str) -> None:
    kind = GROUPS[group]
    assert replace_leaves(kind, flat(kind())) == kind()
    assert all(expected(annotation) for annotation in annotations(kind).values())


def test_a_device_of_torchs_is_its_text() -> None:
    assert suited("device", torch.device("cuda:1"), str) == "cuda:1"
