"""A run on a loader that is resumed sees the batches of one that was not interrupted, or says that it does not."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from sonde.core.batch import Batch
from sonde.data.feed.exactness import exactness
from sonde.data.feed.loader import LoaderSource

CPU = torch.device("cpu")
DATA = TensorDataset(torch.arange(20.0).view(20, 1), torch.arange(20))


class Endless(IterableDataset):
    def __iter__(self) -> Iterator[torch.Tensor]:
        yield from torch.arange(7.0)


def source(loader: Any, seed: int = 0) -> LoaderSource:
    return LoaderSource(loader, device=CPU, seed=seed)


def shuffled(**more: Any) -> DataLoader:
    return DataLoader(DATA, 6, shuffle=True, **more)


def epochs(data: LoaderSource, count: int) -> list[Batch]:
    return [batch for _ in range(count) for batch in data]


def targets(batches: list[Batch]) -> list[list[int]]:
    return [batch["target"].tolist() for batch in batches]


class Halves(BatchSampler):
    """A batch sampler of a user's own."""


@pytest.mark.parametrize(
    ("loader", "exact", "why"),
    [
        (DataLoader(DATA, 6), True, "the loader reads in order"),
        (DataLoader(DATA, batch_size=None), True, "the loader reads in order"),
        (shuffled(), True, "the loader's shuffling is seeded again for every epoch"),
        (
            DataLoader(DATA, 6, sampler=SubsetRandomSampler([1, 2])),
            True,
            "the loader's shuffling is seeded again for every epoch",
        ),
        (
            DataLoader(DATA, batch_sampler=Halves(RandomSampler(DATA), 6, False)),
            False,
            "Halves may shuffle with its own",
        ),
        (DataLoader(Endless(), 6), False, "Endless determines its own order"),
        (shuffled(num_workers=1, persistent_workers=True), False, "persistent workers keep random states"),
        ([(1, 2)], True, "a list is read in order"),
    ],
)
def test_what_can_be_promised_is_said(loader: Any, exact: bool, why: str) -> None:
    found = exactness(loader)
    assert found[0] is exact
    assert why in found[1]


class Own:
    """A sampler of a user's own, whose order is that of its own random numbers; what else it has makes it exact."""

    def __init__(self) -> None:
        self.random = random.Random(3)

    def __len__(self) -> int:
        return 20

    def __iter__(self) -> Iterator[int]:
        yield from self.random.sample(range(20), 20)


class Told(Own):
    def set_epoch(self, epoch: int) -> None:
        self.random = random.Random(epoch)


class Drawn(Own):
    def __init__(self) -> None:
        self.generator: torch.Generator | None = None

    def __iter__(self) -> Iterator[int]:
        yield from torch.randperm(20, generator=self.generator).tolist()


class Saved(Own):
    def __init__(self) -> None:
        self.random = torch.Generator().manual_seed(2)  # type: ignore[assignment]

    def __iter__(self) -> Iterator[int]:
        yield from torch.randperm(20, generator=self.random).tolist()  # type: ignore[call-overload]

    def state_dict(self) -> dict[str, Any]:
        return {"random": self.random.get_state()}  # type: ignore[attr-defined]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.random.set_state(state["random"])  # type: ignore[attr-defined]


class Keeping:
    """Batches in an order of its own, whose state is its place in it: a loader that resumes by itself."""

    def __init__(self) -> None:
        self.epoch = self.place = 0
        self.read = 0  # batches that were made

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order = torch.randperm(20, generator=torch.Generator().manual_seed(self.epoch))
        while self.place < 20:
            rows = order[self.place : self.place + 6]
            self.place += 6
            self.read += 1
            yield rows[:, None].float(), rows
        self.place, self.epoch = 0, self.epoch + 1

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "place": self.place}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.place = state["epoch"], state["place"]


WEIGHTS = [float(number) for number in range(1, 21)]
EXACT = {
    "weighted": lambda: DataLoader(DATA, 6, sampler=WeightedRandomSampler(WEIGHTS, 20)),
    "subset": lambda: DataLoader(DATA, 6, sampler=SubsetRandomSampler(range(0, 20, 2))),
    "batches of weighted": lambda: DataLoader(
        DATA, batch_sampler=BatchSampler(WeightedRandomSampler(WEIGHTS, 20), 6, False)
    ),
    "distributed": lambda: DataLoader(DATA, 6, sampler=DistributedSampler(DATA, num_replicas=2, rank=0)),
    "batches of distributed": lambda: DataLoader(
        DATA, batch_sampler=BatchSampler(DistributedSampler(DATA, num_replicas=2, rank=0), 6, False)
    ),
    "own, told the epoch": lambda: DataLoader(DATA, 6, sampler=Told()),
    "own, with a generator": lambda: DataLoader(DATA, 6, sampler=Drawn()),
    "own, saved": lambda: DataLoader(DATA, 6, sampler=Saved()),
    "own, saved, with a worker": lambda: DataLoader(DATA, 6, sampler=Saved(), num_workers=1),
    "own list of batches": lambda: DataLoader(DATA, batch_sampler=[[3, 1], [2, 5, 7], [0, 19]]),
    "list": lambda: [(torch.full((2, 1), float(n)), torch.tensor([n, n])) for n in range(5)],
    "loader that resumes by itself": Keeping,
}


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 6])
@pytest.mark.parametrize("name", EXACT)
def test_what_is_called_exact_is(name: str, at: int) -> None:
    """Interrupted after `at` batches and resumed in another process: the batches of a run that was not."""
    whole = source(EXACT[name]())
    assert whole.exact, whole.why
    expected = targets(epochs(whole, 3))
    assert expected[: len(expected) // 3] != expected[-(len(expected) // 3) :] or "list" in name, "shuffled"
    torch.manual_seed(5)
    first, taken = source(EXACT[name]()), []
    position = first.state_dict()  # as planning does: look at a batch and put it back
    next(iter(first))
    first.load_state_dict(position)
    while len(taken) < at:
        for batch in first:
            taken.append(batch)
            if len(taken) == at:
                break
    state = first.state_dict()
    torch.manual_seed(6)
    again = source(EXACT[name]())
    again.load_state_dict(state)
    while len(taken) < len(expected):
        taken += epochs(again, 1)
    assert targets(taken) == expected
    if isinstance(whole.loader, DataLoader):  # whose rows have numbers, also after a resume; DATA's targets are those
        assert all(torch.equal(batch.index, batch["target"].long()) for batch in taken)
    else:
        assert taken[0].index[0] == 0


def test_a_loader_that_resumes_by_itself_reads_nothing_twice() -> None:
    first = source(Keeping())
    stream = iter(first)
    for _ in range(2):
        next(stream)
    again = Keeping()
    resumed = source(again)
    resumed.load_state_dict(first.state_dict())
    batch = next(iter(resumed))
    assert again.read == 1
    assert batch.index.tolist() == list(range(12, 18))


@pytest.mark.parametrize(("at", "workers"), [(0, 0), (2, 0), (4, 0), (5, 0), (2, 2)])
def test_a_stateful_data_loader_resumes_exactly(at: int, workers: int) -> None:
    module = pytest.importorskip("torchdata.stateful_dataloader")

    def made() -> LoaderSource:
        return source(module.StatefulDataLoader(DATA, 6, shuffle=True, num_workers=workers))

    expected = targets(epochs(made(), 3))
    first, taken = made(), []
    while len(taken) < at:
        for batch in first:
            taken.append(batch)
            if len(taken) == at:
                break
    again = made()
    again.load_state_dict(first.state_dict())
    while len(taken) < len(expected):
        taken += epochs(again, 1)
    assert targets(taken) == expected
