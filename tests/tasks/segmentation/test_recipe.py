"""What images with masks are trained with by default."""

import numpy as np
import pytest

from sonde.augment.policy import parse
from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.core.overrides import Overrides
from sonde.modalities.table.rows import TableRows
from sonde.run.choose import Recipe
from sonde.run.resolve import resolve
from sonde.tasks.segmentation.recipe import FEWEST, MOST, UPDATES, settings


def dataset(rows: int) -> Dataset:
    schema = Schema(
        input=InputSpec(kind="image", shape=(3, 64, 64), mean=(0.5,) * 3, std=(0.2,) * 3),
        target=TargetSpec(kind="mask", names=("background", "cell")),
    )
    held = TableRows({}, "t", np.arange(rows))
    return Dataset(name="t", source="t", form="t", schema=schema, splits={"train": held}, facts=[])


@pytest.mark.parametrize("rows", [1, 5, 45, 300, 20_000])
def test_updates_are_what_is_planned_for_within_sensible_epochs(rows: int) -> None:
    chosen = settings(dataset(rows), "unet-small")
    batch, epochs = chosen["batch_size"][0], chosen["epochs"][0]
    assert batch == min(8, rows)
    updates = epochs * -(-rows // batch)
    assert FEWEST <= epochs <= MOST
    assert epochs in (FEWEST, MOST) or updates == pytest.approx(UPDATES, rel=0.05)
    assert 1 <= chosen["evaluate_every"][0] <= epochs / 10 or epochs < 24


def test_every_setting_has_a_reason_and_masks_can_follow_the_augmentation() -> None:
    chosen = settings(dataset(45), "unet-small")
    assert all(why for _, why in chosen.values())
    config = resolve(Overrides(), Recipe(task="segmentation", model="unet-small", settings=chosen)).config
    policy = parse(config.feed.augment)
    policy.check_moves("masks")
    assert policy.flip
    assert policy.resized_crop
