"""Settings for images: known, accepted, right for the data, with a reason."""

import dataclasses

import numpy as np
import pytest
import torch

from sonde.augment.policy import parse
from sonde.core.config import GROUPS, leaves, replace_leaves
from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.modalities.image.recipe import FEW_ROWS, settings
from sonde.modalities.table.rows import TableRows
from sonde.models.build import config_class
from sonde.models.table import MODELS
from sonde.tasks.classification.config import ClassificationConfig


def dataset(channels: int, rows: int) -> Dataset:
    spec = InputSpec(kind="image", shape=(channels, 28, 28), mean=(0.5,) * channels, std=(0.2,) * channels)
    target = TargetSpec(kind="class", names=tuple("abcdefghij"))
    held = TableRows({}, "t", np.arange(rows))
    schema = Schema(input=spec, target=target)
    return Dataset(name="t", source="t", form="t", schema=schema, splits={"train": held}, facts=[])


@pytest.mark.parametrize(("channels", "rows"), [(1, 500), (1, 60_000), (3, 500), (3, 50_000)])
def test_every_setting_is_known_and_accepted_with_a_reason(channels: int, rows: int) -> None:
    data, groups = dataset(channels, rows), dict(leaves())
    for model in (name for name in MODELS if name != "tabular"):
        found = settings(data, model)
        own = {f.name for kind in (config_class(model), ClassificationConfig) for f in dataclasses.fields(kind)}
        assert [name for name in found if name not in groups and name not in own] == [], model
        assert all(why for _, why in found.values()), model
        for group, kind in GROUPS.items():
            replace_leaves(kind, {n: v for n, (v, _) in found.items() if groups.get(n) == group})
        if "augment" in found:
            parse(found["augment"][0])


def test_symbols_are_never_mirrored() -> None:
    for rows in (500, 60_000):
        assert "flip" not in settings(dataset(1, rows), "compact-cnn")["augment"][0]
    assert "flip" in settings(dataset(3, 500), "compact-cnn")["augment"][0]


@pytest.mark.parametrize(("channels", "rows"), [(1, FEW_ROWS - 1), (3, 500)])
def test_few_rows_train_longer_in_smaller_batches(channels: int, rows: int) -> None:
    few, many = (settings(dataset(channels, count), "compact-cnn") for count in (rows, FEW_ROWS))
    assert few["epochs"][0] > many["epochs"][0]
    assert few["batch_size"][0] < many["batch_size"][0]


def test_bf16_is_advised_where_the_hardware_has_units_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for units in (torch.bfloat16, torch.float32):
        monkeypatch.setattr("sonde.modalities.image.recipe.product_dtype", lambda kind, units=units: units)
        assert ("precision" in settings(dataset(3, 500), "compact-cnn")) == (units == torch.bfloat16)


def test_fewer_pictures_are_seen_more_often() -> None:
    epochs = [
        settings(dataset(3, rows), "compact-cnn")["epochs"][0] for rows in (20, 344, 1_000, FEW_ROWS - 1, FEW_ROWS)
    ]
    assert epochs == [60, 43, 15, 12, 12]


def test_log_loss_chooses_where_it_is_measured() -> None:
    few = dataset(1, 500)
    assert "monitor" not in settings(few, "compact-cnn")  # no validation split
    judged = dataclasses.replace(few, splits={**few.splits, "validation": few.splits["train"]})
    assert settings(judged, "compact-cnn")["monitor"][0] == "log_loss"
    numbers = dataclasses.replace(judged.schema, target=TargetSpec(kind="value", names=("y",)))
    assert "monitor" not in settings(dataclasses.replace(judged, schema=numbers), "compact-cnn")
