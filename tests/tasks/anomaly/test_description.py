from dataclasses import replace

import pytest
import torch

from sonde.core.dataset import Column, InputSpec
from sonde.core.errors import ConfigError
from sonde.tasks.anomaly.description import Description

COLUMNS = (
    Column(name="x", kind="number", source="x"),
    Column(name="c", kind="category", source="c", categories=("a", "b")),
)


def test_steps_that_follow_one_another_are_parts_of_a_row() -> None:
    steps = torch.arange(12.0).view(1, 6, 2)
    found = Description(InputSpec(kind="array", shape=(6, 2)), 4)(steps)
    assert found.shape == (1, 2, 8)
    assert sorted(found[0, 1].tolist()) == list(range(4, 12))


def test_sequences_whose_values_are_columns_have_steps() -> None:
    """As arrays (N, T, V) are read: each value of a step is a column of numbers."""
    spec = InputSpec(kind="array", shape=(6, 2), columns=tuple(replace(COLUMNS[0], name=name) for name in "ab"))
    assert Description(spec, 4)(torch.zeros(3, 6, 2)).shape == (3, 2, 8)


def test_categories_are_no_numbers() -> None:
    found = Description(InputSpec(kind="table", shape=(2,), columns=COLUMNS), 0)(torch.tensor([[0.5, 2.0]]))
    assert found.tolist() == [[[0.5, 0.0, 0.0, 1.0]]]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (InputSpec(kind="table", shape=(2,), columns=COLUMNS), "rows of steps, and these are columns of a table"),
        (InputSpec(kind="image", shape=(1, 8, 8)), "rows of steps, and these are images; leave it out"),
        (InputSpec(kind="array", shape=(6,)), "--stretch 8 is longer than the rows, which have 6 steps"),
    ],
)
def test_a_stretch_of_what_has_no_steps_is_refused(spec: InputSpec, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Description(spec, 8)
