"""By what a resumed run knows again the data that were handed to it."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sample_tasks
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset

import sonde
from sonde.core.errors import DataError, RunFolderError
from sonde.run.given_rows import class_names, fingerprints

Pair = tuple[Tensor, Tensor]


class Own(Dataset[Any]):
    """Rows by number, some of them turned; all that it draws from is its own, torch's, numpy's and Python's."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.own, self.reads = np.random.default_rng(), 0
        self.generator = torch.Generator()
        self.generator.seed()

    def __len__(self) -> int:
        return len(self.pair[0])

    def __getitem__(self, row: int) -> dict[str, Any]:
        self.reads += 1
        noise = self.own.random() + torch.rand(1, generator=self.generator) + torch.rand(1) + random.random()
        return {"input": self.pair[0][row] + 0.01 * (noise + np.random.rand()).float(), "target": self.pair[1][row]}


WAYS: dict[str, Callable[[Pair], Any]] = {
    "tensors": lambda pair: TensorDataset(*pair),
    "loader": lambda pair: DataLoader(TensorDataset(*pair), 16),
    "list": lambda pair: DataLoader(list(zip(*pair, strict=True)), 16),  # type: ignore[arg-type]
    "own": Own,
    "loader of own": lambda pair: DataLoader(Own(pair), 16, shuffle=True),
    "parts": lambda pair: DataLoader(ConcatDataset([Subset(Own(pair), range(8)), Own(pair)]), 16),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("split", ["train", "validation"])
def test_changed_data_are_refused(tmp_path: Path, way: str, split: str) -> None:
    x, y = sample_tasks.blobs(64).values()

    def fit(changed: bool, epochs: int) -> sonde.Run:
        torch.manual_seed(0)
        pair = {each: (x * 5, y) if changed and each == split else (x, y) for each in ("train", "validation")}
        given: dict[str, Any] = {"loss": cross_entropy, "threads": 1, "quiet": True, "out": str(tmp_path / "run")}
        return sonde.fit(
            nn.Linear(2, 3),
            WAYS[way](pair["train"]),
            validation=WAYS[way](pair["validation"]),
            epochs=epochs,
            **given,
        )

    fit(changed=False, epochs=1)
    assert fit(changed=False, epochs=2).result["epochs"] == 2.0
    with pytest.raises(DataError, match=rf"{split} rows of the Dataset has changed since .* cannot be resumed exactly"):
        fit(changed=True, epochs=3)


def test_looking_leaves_a_dataset_as_it_was() -> None:
    rows = Own(tuple(sample_tasks.blobs(64).values()))  # type: ignore[arg-type]
    before = rows.own.bit_generator.state, rows.generator.get_state(), torch.get_rng_state(), random.getstate()
    first = fingerprints({"train": rows})
    assert fingerprints({"train": Own(rows.pair)}) == first, "whatever the state of its generators"
    assert rows.reads == 0
    assert rows.own.bit_generator.state == before[0]
    assert torch.equal(rows.generator.get_state(), before[1])
    assert torch.equal(torch.get_rng_state(), before[2])
    assert random.getstate() == before[3]


def test_rows_that_differ_each_time_are_only_counted() -> None:
    class Clock(Dataset[Any]):
        ticks: list[int] = []  # noqa: RUF012

        def __len__(self) -> int:
            return 5

        def __getitem__(self, row: int) -> int:
            self.ticks.append(row)
            return len(self.ticks)

    assert fingerprints({"train": Clock()}) == {
        "train rows of the Dataset": "5 rows, which differ each time they are read"
    }


def test_rows_that_cannot_be_read_are_told_of_elsewhere() -> None:
    class Broken(Dataset[Any]):
        def __len__(self) -> int:
            return 5

        def __getitem__(self, row: int) -> int:
            raise KeyError(row)

    assert fingerprints({"train": Broken()}) == {}


def test_what_collates_and_what_yields_is_compared_as_code(tmp_path: Path) -> None:
    x, y = sample_tasks.blobs(64).values()

    def collating(scale: float) -> Callable[[Any], Any]:
        return lambda rows: (scale * torch.stack([row[0] for row in rows]), torch.stack([row[1] for row in rows]))

    def yielding(scale: float) -> Callable[[], Any]:
        def batches() -> Any:
            yield scale * x, y

        return batches

    def fit(data: Any, name: str, epochs: int = 1) -> None:
        given: dict[str, Any] = {"loss": cross_entropy, "threads": 1, "quiet": True, "out": str(tmp_path / name)}
        sonde.fit(nn.Linear(2, 3), data, epochs=epochs, **given)

    for name, make, said in (
        ("collate", lambda scale: DataLoader(TensorDataset(x, y), 16, collate_fn=collating(scale)), "collate_fn"),
        ("generator", yielding, "data"),
    ):
        fit(make(1.0), name)
        fit(make(1.0), name, epochs=2)
        with pytest.raises(RunFolderError, match=rf"a run of another training {said} \(the code of .* has changed\)"):
            fit(make(2.0), name, epochs=3)


def test_a_test_set_may_be_added(tmp_path: Path) -> None:
    x, y = sample_tasks.blobs(64).values()

    def fit(epochs: int, **more: Any) -> sonde.Run:
        torch.manual_seed(0)
        given: dict[str, Any] = {"loss": cross_entropy, "threads": 1, "quiet": True, "out": str(tmp_path / "run")}
        return sonde.fit(nn.Linear(2, 3), (x, y), validation=(x, y), epochs=epochs, **given, **more)

    fit(1)
    with pytest.raises(DataError, match=r"finished without test=; run\.evaluate\(data\) of sonde\.load evaluates it"):
        fit(1, test=(x, y))
    run = fit(2, test=(x, y))
    assert run.result["metrics"]["test"] == pytest.approx(run.result["metrics"]["validation"])
    assert fit(2, test=(x, y)).result == run.result
    with pytest.raises(DataError, match="the test inputs have changed"):
        fit(2, test=(2 * x, y))


def test_another_part_that_is_frozen_is_named(tmp_path: Path) -> None:
    def fit(frozen: bool, epochs: int) -> None:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 3))
        net[0].requires_grad_(not frozen)
        given: dict[str, Any] = {"loss": cross_entropy, "threads": 1, "quiet": True, "out": str(tmp_path / "run")}
        sonde.fit(net, sample_tasks.blobs(64), epochs=epochs, **given)

    fit(False, 1)
    with pytest.raises(RunFolderError, match=r"nothing frozen then, frozen: 0\.weight, 0\.bias now"):
        fit(True, 2)


class Named(list[int]):
    classes: Any = ("cat", "dog")


def test_classes_have_the_names_that_a_set_gives_them() -> None:
    rows: Any = Named([1, 2])
    assert class_names(rows) == ("cat", "dog")
    assert class_names(DataLoader(Subset(rows, [0]))) == ("cat", "dog")
    rows.classes = ["cat", "cat"]
    assert class_names(rows) == ()
    rows.classes = [0, 1]
    assert class_names(rows) == ()
    assert class_names(torch.zeros(2)) == ()
    assert class_names({"classes": ["a", "b"]}) == ()
