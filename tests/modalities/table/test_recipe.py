"""Settings for tables: every one a setting that exists and is accepted, right for the size, with a reason."""

import dataclasses

import numpy as np
import pytest

from sonde.core.config import GROUPS, leaves, replace_leaves
from sonde.core.dataset import Column, Dataset, InputSpec, Schema, TargetSpec
from sonde.modalities.table.recipe import settings
from sonde.modalities.table.rows import TableRows
from sonde.models.tabular import TabularConfig


def dataset(rows: int, *, classes: bool = True, validation: bool = True) -> Dataset:
    spec = InputSpec(kind="table", shape=(1,), columns=(Column(name="x", kind="number", source="x"),))
    target = TargetSpec(kind="class", names=("a", "b", "c")) if classes else TargetSpec(kind="value", names=("y",))
    held = TableRows({}, "t", np.arange(rows))
    splits = {"train": held, "validation": held} if validation else {"train": held}
    return Dataset(name="t", source="t", form="t", schema=Schema(input=spec, target=target), splits=splits, facts=[])


@pytest.mark.parametrize("rows", [40, 600, 15_000, 1_000_000])
@pytest.mark.parametrize("classes", [True, False])
def test_every_setting_is_known_and_accepted_with_a_reason(rows: int, classes: bool):
    found = settings(dataset(rows, classes=classes), "tabular")
    groups = dict(leaves())
    own = {field.name for field in dataclasses.fields(TabularConfig)}
    for name, (_, why) in found.items():
        assert name in groups or name in own, name
        assert why
    for group, kind in GROUPS.items():
        built = replace_leaves(kind, {n: v for n, (v, _) in found.items() if groups.get(n) == group})
        assert isinstance(built, kind)
    TabularConfig(**{n: v for n, (v, _) in found.items() if n in own})


def test_batches_never_exceed_the_rows():
    assert settings(dataset(40), "tabular")["batch_size"][0] == 40
    assert settings(dataset(600), "tabular")["batch_size"][0] == 64


def test_updates_stay_within_reason_at_every_size():
    for rows in (200, 1_999, 2_000, 20_000, 99_999, 100_000, 1_000_000):
        found = settings(dataset(rows), "tabular")
        updates = found["epochs"][0] * -(-rows // found["batch_size"][0])
        assert 100 <= updates <= 15_000, (rows, updates)


def test_log_loss_chooses_the_best_checkpoint_of_classes_where_there_is_validation():
    assert settings(dataset(600), "tabular")["monitor"][0] == "log_loss"
    assert "monitor" not in settings(dataset(600, validation=False), "tabular")
    assert "monitor" not in settings(dataset(600, classes=False), "tabular")
