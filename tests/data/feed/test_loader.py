import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    TensorDataset,
)

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError, DataError
from sonde.core.seams import Source
from sonde.data.feed.loader import LoaderSource

CPU = torch.device("cpu")
DATA = TensorDataset(torch.arange(20.0).view(20, 1), torch.arange(20))


class Noisy(Dataset):
    """A dataset whose samples depend on every global random stream."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> tuple[torch.Tensor, float, float]:
        return torch.rand(2) + index, float(np.random.rand()), random.random()


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


def test_it_is_a_source() -> None:
    data = source(DataLoader(DATA, 6))
    assert isinstance(data, Source)
    assert data.batches == 4
    assert data.mapping == ""
    first = epochs(data, 1)
    assert data.mapping == "samples hold input, target"
    assert [batch.index.tolist() for batch in first] == [
        list(range(0, 6)),
        list(range(6, 12)),
        list(range(12, 18)),
        [18, 19],
    ]
    assert data.epoch == 1
    assert data.describe(3) == "row 3"


def test_loaders_of_dicts_and_lists_of_batches() -> None:
    data = source([{"x": torch.zeros(3, 2), "y": torch.zeros(3)}])
    assert sorted(next(iter(data)).fields) == ["x", "y"]
    assert data.batches == 1


def test_a_batch_of_unequal_fields_is_refused() -> None:
    with pytest.raises(DataError, match="differ in their number of rows: input 3, target 2; give one of each per row$"):
        next(iter(source([(torch.zeros(3), torch.zeros(2))])))


def test_an_iterator_gives_one_pass_and_refuses_another() -> None:
    batches = [(torch.zeros(3, 2), torch.zeros(3)), (torch.ones(2, 2), torch.ones(2))]
    data = source(iter(batches))
    assert (data.rewinds, data.ends, data.batches) == (False, True, None)
    assert [len(batch) for batch in data] == [3, 2]
    with pytest.raises(
        ConfigError,
        match="^the iterator has ended after 2 batches, and an iterator can be read only once; give the DataLoader itself",
    ):
        next(iter(data))
    assert source(batches).rewinds


def test_texts_ride_along_on_the_host() -> None:
    data = source([{"__key__": ["a/1", "a/2"], "jpg": torch.zeros(2, 3), "cls": torch.ones(2), "id": torch.arange(2)}])
    batch = next(iter(data))
    assert list(batch.fields) == ["__key__", "jpg", "cls", "id"]
    assert batch["__key__"] == ["a/1", "a/2"]
    assert torch.equal(batch["input"], batch["jpg"])
    assert torch.equal(batch["target"], batch["cls"])
    assert data.mapping == "samples hold __key__, jpg, cls, id"
    pairs = source([(("a/1", "a/2"), torch.zeros(2, 3), torch.ones(2))])
    batch = next(iter(pairs))
    assert list(batch.fields) == ["part_1", "input", "target"]
    assert batch[0] == ["a/1", "a/2"]


def test_what_shuffles_by_epoch_is_told_the_epoch() -> None:
    class Told(IterableDataset):
        epoch = -1

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

        def __iter__(self) -> Iterator[torch.Tensor]:
            yield torch.full((2,), float(self.epoch))

    data = source(DataLoader(Told(), batch_size=None))
    assert [batch["input"].tolist() for batch in epochs(data, 3)] == [[0, 0], [1, 1], [2, 2]]


def test_an_iterable_dataset_has_no_length() -> None:
    data = source(DataLoader(Endless(), 3))
    assert data.batches is None
    assert [len(batch) for batch in epochs(data, 2)] == [3, 3, 1, 3, 3, 1]
    assert data.epoch == 2
    assert not data.exact


def test_epochs_are_shuffled_differently_and_seeds_too() -> None:
    one = targets(epochs(source(shuffled()), 2))
    assert sorted(sum(one[:4], [])) == list(range(20))
    assert one[:4] != one[4:]
    assert one != targets(epochs(source(shuffled(), seed=1), 2))
    assert one == targets(epochs(source(shuffled()), 2))


def test_a_generator_of_the_users_own_keeps_its_say() -> None:
    def orders(own: int, seed: int) -> list[list[int]]:
        return targets(epochs(source(shuffled(generator=torch.Generator().manual_seed(own)), seed), 1))

    assert orders(5, seed=0) == orders(5, seed=1)
    assert orders(5, seed=0) != orders(6, seed=0)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("at", [1, 3, 4, 6])
def test_resuming_a_shuffled_noisy_loader_is_exact(workers: int, at: int) -> None:
    def begin() -> LoaderSource:
        torch.manual_seed(1)
        np.random.seed(1)
        random.seed(1)
        return source(DataLoader(Noisy(), 6, shuffle=True, num_workers=workers))

    whole = epochs(begin(), 2)
    first = begin()
    taken: list[Batch] = []
    while len(taken) < at:
        for batch in first:
            taken.append(batch)
            if len(taken) == at:
                break
    state, kept = first.state_dict(), (torch.get_rng_state(), np.random.get_state(), random.getstate())
    assert first.exact
    torch.manual_seed(9)
    again = source(DataLoader(Noisy(), 6, shuffle=True, num_workers=workers))
    again.load_state_dict(state)
    torch.set_rng_state(kept[0])
    np.random.set_state(kept[1])
    random.setstate(kept[2])
    while len(taken) < len(whole):
        taken += epochs(again, 1)
    for a, b in zip(taken, whole, strict=True):
        for name in a.fields:
            assert torch.equal(a[name], b[name])
        assert torch.equal(a.index, b.index)


def test_no_global_randomness_is_drawn() -> None:
    before = torch.get_rng_state()
    epochs(source(shuffled()), 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_position_in_another_loader_is_refused() -> None:
    state = source(DataLoader(DATA, 6)).state_dict()
    with pytest.raises(ConfigError, match="with a loader of batches 4, and now it is 5; resume with the same loader$"):
        source(DataLoader(DATA, 4)).load_state_dict(state)
    with pytest.raises(ConfigError, match="with a loader of seed 0, and now it is 1; resume with the same loader$"):
        source(DataLoader(DATA, 6), seed=1).load_state_dict(state)


def test_two_iterators_cannot_share_a_position() -> None:
    data = source(DataLoader(DATA, 6))
    older = iter(data)
    next(older)
    next(iter(data))
    with pytest.raises(RuntimeError, match="used after a newer one was made"):
        next(older)
