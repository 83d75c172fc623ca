"""Resident and streaming must be the same source; these tests hold whatever reads the rows."""

import itertools
from typing import Any, Literal

import numpy as np
import pytest
import torch
from sample_rows import SCHEMA, SHAPE, PixelRows, Unreadable, pixels

from sonde.augment.policy import parse
from sonde.augment.views import Views
from sonde.core.batch import Batch
from sonde.core.config import FeedConfig
from sonde.core.dataset import InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.data.feed.build import build_source, evaluation_batch_size
from sonde.data.feed.source import BatchSource
from sonde.data.rows import ArrayInputs, InputRows

CPU = torch.device("cpu")
POLICY = parse("flip,crop=2,rotate=15,cutout=3,mixup=0.2,cutmix=1,colour=0.4,randaugment=2x9,resized-crop=0.5")
WAYS: list[tuple[Literal["resident", "streaming"], int]] = [("resident", 0), ("streaming", 0), ("streaming", 2)]


def source(
    kind: Literal["resident", "streaming"] = "resident", workers: int = 0, rows: Rows | None = None, **more: Any
) -> BatchSource:
    config = FeedConfig(batch_size=more.pop("batch_size", 8), workers=workers, balanced=more.pop("balanced", False))
    settings: dict[str, Any] = {"training": True, "seed": 0, "device": CPU, "kind": kind, **more}
    return build_source(PixelRows(21) if rows is None else rows, SCHEMA, config, **settings)


def epochs(data: BatchSource, count: int) -> list[Batch]:
    return [batch for _ in range(count) for batch in data]


def assert_same(left: list[Batch], right: list[Batch]) -> None:
    for a, b in zip(left, right, strict=True):
        assert torch.equal(a.index, b.index)
        assert a.fields.keys() == b.fields.keys()
        for name in a.fields:
            assert torch.equal(a[name], b[name]), name
            assert a[name].stride() == b[name].stride(), name


@pytest.mark.parametrize(("kind", "workers"), WAYS)
@pytest.mark.parametrize("training", [True, False])
def test_batches_hold_the_rows_their_index_names(
    kind: Literal["resident", "streaming"], workers: int, training: bool
) -> None:
    for batch in epochs(source(kind, workers, training=training), 2):
        rows = batch.index.numpy()
        mean, std = (np.array(part)[:, None, None] for part in (SCHEMA.input.mean, SCHEMA.input.std))
        np.testing.assert_allclose(batch["input"].numpy(), (pixels(rows) / 255 - mean) / std, atol=3e-6)
        assert batch["target"].tolist() == (rows % 4).tolist()
        assert batch["target"].dtype == torch.int64


@pytest.mark.parametrize("channels_last", [False, True])
def test_order_and_results_do_not_depend_on_how_rows_are_read(channels_last: bool) -> None:
    made = [
        epochs(source(kind, workers, augment=POLICY, channels_last=channels_last), 2)
        for kind, workers in [*WAYS, ("streaming", 1)]
    ]
    for other in made[1:]:
        assert_same(made[0], other)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 6])
def test_streaming_resumes_where_it_was(workers: int, at: int) -> None:
    whole = epochs(source(augment=POLICY), 3)
    first = source("streaming", workers, augment=POLICY)
    taken = []
    while len(taken) < at:
        for batch in first:
            taken.append(batch)
            if len(taken) == at:
                break
    again = source("streaming", workers, augment=POLICY)
    again.load_state_dict(first.state_dict())
    while len(taken) < len(whole):
        taken += epochs(again, 1)
    assert_same(taken, whole)


@pytest.mark.parametrize(("kind", "workers"), WAYS)
def test_an_unreadable_row_is_named_in_one_line(kind: Literal["resident", "streaming"], workers: int) -> None:
    with pytest.raises(DataError, match="^photos/9.png: truncated at byte 77; delete it or copy it again$"):
        epochs(source(kind, workers, PixelRows(21, Unreadable(9))), 1)


def test_rows_of_arrays_in_another_order_of_axes_give_the_same_batches() -> None:
    array = pixels(np.arange(21))
    turned = np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    target = {"target": np.arange(21) % 4}
    rows = InputRows(ArrayInputs(turned, "x"), target)
    for kind, workers in WAYS:
        assert_same(epochs(source(kind, workers, rows, augment=POLICY), 1), epochs(source(augment=POLICY), 1))


def test_judging_neither_shuffles_nor_augments() -> None:
    judged = epochs(source(training=False, augment=POLICY), 1)
    assert torch.cat([batch.index for batch in judged]).tolist() == list(range(21))
    assert judged[0].fields.keys() == {"input", "target"}


def test_judging_in_batches_that_fit_memory() -> None:
    assert evaluation_batch_size(1024, SHAPE) == 1024
    assert evaluation_batch_size(1024, (3, 4096, 4096)) == 1
    assert evaluation_batch_size(4, (3, 32, 32)) == 4
    assert evaluation_batch_size(1024, (3, 256, 256), activations=32) == 10


def test_limited_batches_are_judged_on_the_rows_that_were_learnt() -> None:
    learnt = torch.cat([batch.index for batch in source(limit_batches=1)])
    judged = torch.cat([batch.index for batch in source(training=False, limit_batches=1)])
    assert len(learnt) == 8
    assert learnt.sort().values.tolist() == judged.tolist()


@pytest.mark.parametrize(("kind", "workers"), WAYS)
def test_balanced_rows_reach_every_reader(kind: Literal["resident", "streaming"], workers: int) -> None:
    labels = np.array([0] * 18 + [1] * 3)
    drawn = torch.cat([batch.index for batch in source(kind, workers, balanced=True, labels=labels)]).numpy()
    assert sorted(np.bincount(labels[drawn]).tolist()) == [10, 11]


def test_cutout_fills_with_the_datas_mean() -> None:
    batch = epochs(source(augment=parse("cutout=100")), 1)[0]
    # half a grey level is what rounding the mean to a byte costs
    assert batch["input"].abs().max() <= 0.5 / 255 / min(SCHEMA.input.std) + 1e-6


def test_tables_are_fed_as_they_are() -> None:
    table = np.random.default_rng(0).normal(size=(21, 5)).astype(np.float32)
    schema = Schema(input=InputSpec(kind="table", shape=(5,)), target=TargetSpec(kind="value", names=("y",)))
    rows = InputRows(ArrayInputs(table, "t"), {"target": table[:, :1], "mask": np.ones((21, 1), bool)})
    made = []
    for kind, workers in WAYS:
        config = FeedConfig(batch_size=8, workers=workers)
        data = build_source(rows, schema, config, training=True, seed=0, device=CPU, kind=kind)
        made.append(epochs(data, 2))
        for batch in made[-1]:
            assert np.array_equal(batch["input"].numpy(), table[batch.index.numpy()])
            assert batch["mask"].dtype == torch.float32
    assert_same(made[0], made[1])
    assert_same(made[0], made[2])


def test_no_rows_are_refused() -> None:
    with pytest.raises(
        DataError, match="^the validation split holds no rows; add rows, or share them among two: --test 0$"
    ):
        source(rows=PixelRows(0), label="validation")


def test_building_and_reading_draw_no_global_randomness() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]
    for kind, workers in WAYS:
        epochs(source(kind, workers, augment=POLICY), 1)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # type: ignore[index]


def test_this_process_reads_when_there_are_no_workers() -> None:
    rows = PixelRows(21)
    epochs(source("streaming", 0, rows), 1)
    epochs(source("streaming", 2, rows), 1)
    assert len(rows.read_by) == 1


@pytest.mark.parametrize(("kind", "workers"), WAYS)
def test_views_change_with_the_epoch_in_training_and_never_in_judging(
    kind: Literal["resident", "streaming"], workers: int
) -> None:
    changes = Views(policy=parse("resized-crop=0.3,cutout=3"))
    assert_same(epochs(source(augment=changes), 2), epochs(source(kind, workers, augment=changes), 2))
    judging = source(kind, workers, augment=changes, training=False)
    assert_same(epochs(judging, 1), epochs(judging, 1))
    training = source(augment=changes)
    first, second = (
        {int(n): view for batch in training for n, view in zip(batch.index, batch["view"], strict=True)} for _ in "ab"
    )
    assert first.keys() == second.keys()
    assert not any(torch.equal(first[row], second[row]) for row in first)
    cut = (epochs(judging, 1)[0]["view"].abs() < 1e-5).all(1).flatten(1).any(1)  # filled with the mean, which is 0
    assert cut.float().mean() > 0.9


def test_a_source_of_views_goes_on_with_the_very_next_batch() -> None:
    def made() -> BatchSource:
        return source(augment=Views(policy=parse("resized-crop=0.3")))

    straight = epochs(made(), 2)
    begun, resumed = made(), made()
    assert_same(list(itertools.islice(begun, 2)), straight[:2])
    resumed.load_state_dict(begun.state_dict())
    assert_same(epochs(resumed, 2), straight[2:])
