import importlib.util
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset

from sonde.core.errors import ConfigError, DataError
from sonde.data.feed.iterables import (
    JoinedBatches,
    Rows,
    batches_of,
    collated,
    ends,
    is_row,
    is_streaming_set,
    never_shares,
    repeated,
)
from sonde.data.feed.loader import LoaderSource


class Plain(IterableDataset):
    """Rows 0 … n - 1, in every worker."""

    def __init__(self, rows: int = 10) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[tuple[torch.Tensor, int]]:
        for row in range(self.rows):
            yield torch.full((2,), float(row)), row


class Pipeline:
    """What webdataset's look like: stages, and rows with a key."""

    def __init__(self, *stages: str, rows: int = 5, **more: Any) -> None:
        self.pipeline = [type("Stage", (), {"f": type("F", (), {"__name__": name})()})() for name in stages]
        self.rows = rows
        vars(self).update(more)

    def __iter__(self) -> Iterator[Any]:
        for row in range(self.rows):
            yield {"__key__": f"a/{row}", "png": torch.full((3, 4, 4), float(row)), "cls": row}


@pytest.fixture
def defined(tmp_path: Path) -> Callable[[str, str], Any]:
    """A dataset whose class stands in a file of its own: (name, body of `__iter__`) -> dataset."""

    def make(name: str, body: str) -> Any:
        lines = ["import torch", f"class {name}(torch.utils.data.IterableDataset):", "    def __init__(self):"]
        lines += ["        self.rows = 10", "", "    def __iter__(self):", f"        {body}", ""]
        file = tmp_path / f"{name}.py"
        file.write_text("\n".join(lines))
        spec = importlib.util.spec_from_file_location(f"defined_{name}", file)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, name)()

    return make


def sizes(data: Any, batch_size: int = 4, workers: int = 0) -> list[int]:
    found = batches_of(data, batch_size=batch_size, workers=workers)
    return [len(batch) for batch in LoaderSource(found, device=torch.device("cpu"), seed=0)]


@pytest.mark.parametrize(("rows", "expected"), [(8, [4, 4]), (9, [4, 5]), (10, [4, 4, 2]), (1, [1]), (5, [5]), (0, [])])
def test_rows_become_batches_and_a_single_one_joins(rows: int, expected: list[int]) -> None:
    assert sizes(Plain(rows)) == expected
    source = LoaderSource(Rows(Plain(rows), 4), device=torch.device("cpu"), seed=0)
    assert [n for batch in source for n in batch["target"].tolist()] == list(range(rows))


def test_batches_of_one_that_were_asked_for_stay() -> None:
    assert sizes(Plain(3), batch_size=1) == [1, 1, 1]


def test_row_numbers_of_a_sampler_are_joined_too() -> None:
    for rows, expected in ((9, [4, 5]), (8, [4, 4]), (6, [4, 2]), (1, [1])):
        found = JoinedBatches(range(rows), 4)
        assert [len(batch) for batch in found] == expected
        assert len(found) == len(expected)
        assert sum(found, []) == list(range(rows))


@pytest.mark.parametrize(
    ("sample", "row"),
    [
        ((torch.zeros(3), 1), True),
        ({"x": torch.zeros(3), "y": torch.tensor(1)}, True),
        ({"__key__": "a", "x": torch.zeros(3, 3)}, True),
        ((Image.new("L", (3, 3)), np.zeros(3)), True),
        ((torch.zeros(3, 2), torch.zeros(3)), False),
        ({"__key__": ["a", "b"], "x": torch.zeros(2, 3)}, False),
        (torch.zeros(3, 2), False),
        (0.5, True),
    ],
)
def test_an_item_tells_whether_it_is_a_row(sample: Any, row: bool) -> None:
    assert is_row(sample) is row


def test_functions_and_generators_yield_rows_or_batches() -> None:
    def rows() -> Iterator[tuple[torch.Tensor, int]]:
        yield from Plain(6)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for _ in range(3):
            yield torch.zeros(7, 2), torch.zeros(7)

    assert sizes(rows) == [4, 2]
    assert sizes(rows()) == [4, 2]
    assert sizes(batches) == [7, 7, 7]
    source = LoaderSource(batches_of(rows, batch_size=4, workers=0), device=torch.device("cpu"), seed=0)
    assert [len(batch) for _ in range(2) for batch in source] == [4, 2, 4, 2]


def test_a_function_that_yields_nothing_is_refused() -> None:
    def wrong() -> int:
        return 3

    with pytest.raises(ConfigError, match=re.escape("wrong() returned a int; let it yield rows or batches")):
        sizes(wrong)


def test_pipelines_yield_rows_until_a_stage_makes_batches() -> None:
    assert sizes(Pipeline("_decode", "_to_tuple")) == [5]
    assert sizes(Pipeline("_decode", "_batched", "_unbatched")) == [5]
    whole = Pipeline("_decode", "_batched")
    whole.__class__ = type(
        "Batched", (Pipeline,), {"__iter__": lambda self: iter([(torch.zeros(3, 2), torch.zeros(3))] * 2)}
    )
    assert sizes(whole) == [3, 3]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (itertools.count(), False),
        (itertools.cycle([1]), False),
        (itertools.repeat(1), False),
        (itertools.repeat(1, 3), True),
        (Pipeline("_batched"), True),
        (Pipeline("_batched", repetitions=sys.maxsize, nsamples=-1), False),
        (Pipeline("_batched", repetitions=sys.maxsize, nsamples=100), True),
        (Plain(), True),
        (type("Mine", (), {"ends": False})(), False),
    ],
)
def test_what_has_no_end_is_known(data: Any, expected: bool) -> None:
    assert ends(data) is expected
    assert ends(Rows(data, 4)) is expected


def test_workers_that_would_repeat_all_rows_are_refused(defined: Callable[[str, str], Any]) -> None:
    said = "--workers 2: every worker would yield all rows of Lone, so that each comes 2 times an epoch; split them"
    lone = defined("Lone", "for row in range(self.rows):\n            yield torch.zeros(2), row")
    with pytest.raises(ConfigError, match=re.escape(said)):
        batches_of(lone, batch_size=4, workers=2)
    assert "every row occurs 2 times per epoch: Lone does not split" in repeated(DataLoader(lone, 4, num_workers=2))
    assert repeated(DataLoader(lone, 4, num_workers=1)) == repeated(DataLoader(lone, 4)) == ""


def test_what_may_share_its_rows_is_not_refused(defined: Callable[[str, str], Any]) -> None:
    sharing = defined("Sharing", "info = torch.utils.data.get_worker_info()\n        yield from range(self.rows)")
    calling = defined("Calling", "yield from somewhere_else(self.rows)")
    assert not never_shares(sharing)
    assert not never_shares(calling)
    assert repeated(DataLoader(sharing, 4, num_workers=2)) == ""
    said = "rows occur 2 times per epoch unless Calling splits them between its 2 workers"
    assert repeated(DataLoader(calling, 4, num_workers=2)) == said
    batches_of(calling, batch_size=4, workers=2)


def test_rows_of_a_batch_are_stacked_and_pictures_become_channels_first() -> None:
    picture = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    found = collated([{"image": picture, "label": n, "ids": [1, 2]} for n in range(3)])
    assert found["image"].shape == (3, 3, 2, 4)
    assert found["image"][1, :, 1, 2].tolist() == [18, 19, 20]
    assert found["label"].tolist() == [0, 1, 2]
    assert found["ids"].tolist() == [[1, 2]] * 3
    with pytest.raises(DataError, match="the rows of a batch differ in shape; give them one shape"):
        collated([(torch.zeros(2), 0), (torch.zeros(3), 0)])


def test_a_streaming_set_is_formatted_for_torch() -> None:
    class IterableSet:
        epoch, torch = -1, False

        def with_format(self, kind: str) -> "IterableSet":
            found = type(self)()
            found.torch = kind == "torch"
            return found

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

        def __iter__(self) -> Iterator[dict[str, Any]]:
            for row in range(6):
                yield {"features": torch.full((2,), float(self.epoch)) if self.torch else [0.0, 0.0], "label": row}

    IterableSet.__module__, IterableSet.__name__ = "datasets.iterable_dataset", "IterableDataset"
    assert is_streaming_set(IterableSet())
    source = LoaderSource(batches_of(IterableSet(), batch_size=4, workers=0), device=torch.device("cpu"), seed=0)
    batches = [batch for _ in range(2) for batch in source]
    assert [len(batch) for batch in batches] == [4, 2, 4, 2]
    assert [float(batch["input"][0, 0]) for batch in batches] == [0, 0, 1, 1]
    assert source.mapping == "samples hold features, label"


def forever() -> Iterator[int]:
    while True:
        yield 1


def until_found() -> Iterator[int]:
    while True:
        if np.random.rand() > 0.5:
            return
        yield 1


def test_a_loop_without_a_way_out_has_no_end() -> None:
    class Lasting(IterableDataset[int]):
        def __iter__(self) -> Iterator[int]:
            while True:
                yield from range(3)

    class Told(Lasting):
        ends = True

    assert [ends(data) for data in (Lasting(), Told(), forever(), until_found(), range(3))] == [
        False,
        True,
        False,
        True,
        True,
    ]
