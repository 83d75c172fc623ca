"""Defaults of normalizing flows."""

from types import SimpleNamespace
from typing import Any

import pytest

from sonde.core.dataset import Column, InputSpec, Schema, TargetSpec
from sonde.tasks.normalizing_flow.recipe import model, settings


def dataset(rows: int, shape: tuple[int, ...], columns: tuple[Column, ...] = ()) -> Any:
    schema = Schema(
        input=InputSpec(kind="any", shape=shape, columns=columns), target=TargetSpec(kind="none", names=("row",))
    )
    return SimpleNamespace(schema=schema, splits={"train": range(rows)})


@pytest.mark.parametrize(
    ("rows", "shape", "name", "rate", "batch"),
    [
        (20_000, (9,), "realnvp-mlp", 3e-3, 256),
        (300, (9,), "realnvp-mlp", 1e-3, 64),
        (20, (9,), "realnvp-mlp", 1e-3, 20),
        (60_000, (1, 28, 28), "glow", 1e-3, 256),
    ],
)
def test_the_network_suits_the_shape_and_the_rate_the_rows(rows, shape, name, rate, batch) -> None:
    given = dataset(rows, shape)
    assert model(given)[0] == name
    found = settings(given, name)
    assert (found["lr"][0], found["batch_size"][0], found["precision"][0]) == (rate, batch, "fp32")


@pytest.mark.parametrize(
    ("rows", "kind", "found"), [(5_000, "number", 32), (300, "number", None), (5_000, "category", None)]
)
def test_tables_of_many_rows_of_numbers_get_gaussians(rows, kind, found) -> None:
    columns = (Column(name="x", kind=kind, source="x", categories=("a",) if kind == "category" else ()),)
    chosen = settings(dataset(rows, (1,), columns), "realnvp-mlp")
    assert chosen.get("components", (None,))[0] == found
    assert chosen.get("marginals", (None,))[0] == ("straight" if found else None)
    assert chosen.get("mixture", (None,))[0] == (64 if kind == "number" else None)
