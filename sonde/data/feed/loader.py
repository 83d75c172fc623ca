"""A user's own torch DataLoader, or any iterable of batches, as a source."""

import random
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.seeds import derive
from sonde.data.feed import iterables
from sonde.data.feed.exactness import exactness, has_state, stateful_sampler, take_generator
from sonde.data.feed.fields import check_rows, fields_of
from sonde.data.feed.order_taken import behind, unreadable, watched

ONCE = (
    "an iterator can be read only once; give the DataLoader itself, or a list of batches, or a function that makes one"
)


class LoaderSource:
    """Batches of a loader; `index` holds the rows' numbers in its Dataset, or, where they have none, counts them from the epoch's
    start.

    exact, why, remedy, likely: whether a resumed run sees the same batches (see `Exactness`). Every epoch reseeds the generator
    of the loader and its sampler, from the generator's own first seed, or from `seed` where they have none. Resuming reads
    the consumed batches again and puts the random states back; a sampler that saves its state is put back to the epoch's
    beginning first, and a loader that does goes on from where it was.
    mapping: which fields samples have, in words; empty before the first batch
    repeats: a warning about rows that several workers may yield more than once
    floats:  what float64 becomes
    rewinds, ends: as `sonde.core.seams` has them. An iterator, such as a generator's, is read only once: its rows come in one
        pass and a second one is refused
    """

    def __init__(
        self, loader: Iterable[Any], *, device: torch.device, seed: int, floats: torch.dtype = torch.float32
    ) -> None:
        self.loader, self.device, self.floats = loader, device, floats
        self.rewinds = not isinstance(iterables.unwrapped(loader), Iterator)
        self.ends = iterables.ends(loader)
        self._begun = False
        self.exact, self.why, self.remedy, self.likely = exactness(loader)
        self.mapping, self.repeats = "", iterables.repeated(loader)
        self._generator, self._seed = take_generator(loader, seed)
        self._drawn, self._taken = watched(loader)  # with that generator
        self._stateful: Any = loader if has_state(loader) else None
        self._sampler = None if self._stateful is not None else stateful_sampler(loader)
        self._sampler_state: Any = None  # at this epoch's beginning
        self._epoch = self._position = self._rows = 0  # of the last batch consumed
        self._yielded = 0  # batches, of all passes
        self._turn = 0  # counts iterators: only the newest may move the position
        self._rows_taken: list[int] = []  # of the batch that was read last
        self._put_back = False  # whether a state was loaded that no iterator has taken up

    @property
    def batches(self) -> int | None:
        """Per epoch, where the loader knows."""
        try:
            return len(self.loader)  # type: ignore[arg-type]
        except TypeError:
            return None

    @property
    def epoch(self) -> int:
        """0-based epoch of the batch to come."""
        return self._epoch + (self._position == self.batches)

    def __iter__(self) -> Iterator[Batch]:
        """The rest of this epoch. Raises: DataError for samples that cannot be read as fields."""
        self._turn += 1
        turn, skip = self._turn, self._position
        if self._begun and not self.rewinds:
            raise ConfigError(
                f"the iterator has ended after {self._yielded:,} batches, and {ONCE}; or train for fewer steps"
            )
        self._begun = True
        iterables.tell_epoch(self.loader, self._epoch)
        self._generator.manual_seed(derive(self._seed, "shuffle", self._epoch))
        samples = self._going_on(skip) if self._stateful is not None else self._after(skip)
        first, rows = (skip, self._rows) if self._stateful is not None else (0, 0)
        for number, sample in enumerate(samples, first):
            fields = fields_of(sample, floats=self.floats)
            count = check_rows(fields)
            self.mapping = self.mapping or f"samples hold {', '.join(fields)}"
            if number >= skip:
                if turn != self._turn:
                    raise RuntimeError("an iterator of a source was used after a newer one was made or a state loaded")
                self._position, self._rows = number + 1, rows + count
                self._yielded += 1
                yield Batch(fields, self._index(rows, count)).to(self.device)
            rows += count
        if turn == self._turn:
            self._epoch, self._position, self._rows = self._epoch + 1, 0, 0

    def _after(self, skip: int) -> Iterator[Any]:
        """All samples; the random states are put back after the first `skip`, which a run had read before it was saved."""
        if self._sampler is not None:
            if skip:
                self._sampler.load_state_dict(deepcopy(self._sampler_state))
            else:
                self._sampler_state = deepcopy(self._sampler.state_dict())
        saved = torch.get_rng_state(), np.random.get_state(), random.getstate()
        for number, sample in enumerate(self._samples()):
            if skip and number == skip - 1:
                torch.set_rng_state(saved[0])
                np.random.set_state(saved[1])
                random.setstate(saved[2])
            yield sample

    def _samples(self) -> Iterator[Any]:
        """What the loader yields. Raises: DataError, which names the row, for what its Dataset or collate_fn raises"""
        if self._taken is None:
            yield from self._drawn
            return
        coming, number = iter(self._drawn), 0
        while True:
            try:
                sample = next(coming)
            except StopIteration:
                return
            except Exception as trouble:
                if not self._taken.coming:  # it is the sampler that failed
                    raise
                raise unreadable(trouble, self._drawn.dataset, self._taken.coming[0], number) from trouble
            self._rows_taken = self._taken.coming.popleft()
            number += 1
            yield sample

    def _index(self, rows: int, count: int) -> Tensor:
        """Numbers of the rows of the batch that was read last: those of the Dataset, where it has as many."""
        if self._taken is None or len(self._rows_taken) != count:
            return torch.arange(rows, rows + count)
        try:
            return torch.tensor([behind(self._drawn.dataset, row)[1] for row in self._rows_taken], dtype=torch.int64)
        except (TypeError, ValueError):  # of keys that are no numbers
            return torch.arange(rows, rows + count)

    def _going_on(self, skip: int) -> Iterator[Any]:
        """The samples after the first `skip`, from a loader that keeps its own position."""
        assert self._stateful is not None
        if skip and not self._put_back:  # another iterator was left half-way
            self._stateful.load_state_dict(self._stateful.state_dict())
        self._put_back = False
        yield from self.loader

    def describe(self, index: int) -> str:
        """The row's number in the Dataset, or its place in its epoch."""
        return f"row {index}" if self._taken is not None else f"row {index} of the loader"

    def state_dict(self) -> dict[str, Any]:
        """The position of the last batch consumed, and the state of a loader or sampler that has one."""
        at = {"epoch": self._epoch, "position": self._position, "seed": self._seed, "batches": self.batches}
        if self._stateful is not None:
            # a DataLoader would start its workers to tell; before its first batch there is nothing to tell
            fresh = isinstance(self.loader, DataLoader) and not self._epoch and not self._position
            at |= {"rows": self._rows, "loader": None if fresh else deepcopy(self._stateful.state_dict())}
        elif self._sampler is not None:
            at["sampler"] = self._sampler_state if self._position else deepcopy(self._sampler.state_dict())
        return at

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved position. Raises: ConfigError when the loader's length or seed has changed."""
        for name, now in (("batches", self.batches), ("seed", self._seed)):
            if state[name] != now:
                raise ConfigError(
                    f"the saved position in the data was taken with a loader of {name} {state[name]}, and now it is {now}; "
                    "resume with the same loader"
                )
        self._epoch, self._position, self._rows = int(state["epoch"]), int(state["position"]), int(state.get("rows", 0))
        if self._position and "loader" not in state:
            self._stateful = None  # an earlier version's: the batches are read again
        if self._stateful is not None and state.get("loader") is not None:
            self._stateful.load_state_dict(deepcopy(state["loader"]))
            self._put_back = True
        if self._sampler is not None and state.get("sampler") is not None:
            self._sampler_state = deepcopy(state["sampler"])
            self._sampler.load_state_dict(deepcopy(state["sampler"]))
        self._turn += 1
