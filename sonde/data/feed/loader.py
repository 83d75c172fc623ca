"""A user's own torch DataLoader, or any iterable of batches, as a source."""

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, RandomSampler, SequentialSampler

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.seeds import derive
from sonde.data.feed import iterables
from sonde.data.feed.fields import check_rows, fields_of

ONCE = (
    "an iterator can be read only once; give the DataLoader itself, or a list of batches, or a function that makes one"
)


class LoaderSource:
    """Batches of a loader; `index` counts rows from the epoch's start, since a loader does not tell which it took.

    exact, why: whether a resumed run sees the batches an uninterrupted one would have, and the reason. True for torch
    loaders that read in order or shuffle by `shuffle=True`: every epoch reseeds their generator, from the generator's own
    first seed, or from `seed` where they have none. Resuming reads the consumed batches again and puts the random states
    back.
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
        self.exact, self.why = exactness(loader)
        self.mapping, self.repeats = "", iterables.repeated(loader)
        self._generator, self._seed = _take_generator(loader, seed)
        self._epoch = self._position = 0
        self._yielded = 0  # batches, of all passes
        self._turn = 0  # counts iterators: only the newest may move the position

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
        turn, skip, rows = self._turn, self._position, 0
        if self._begun and not self.rewinds:
            raise ConfigError(
                f"the iterator has ended after {self._yielded:,} batches, and {ONCE}; or train for fewer steps"
            )
        self._begun = True
        iterables.tell_epoch(self.loader, self._epoch)
        self._generator.manual_seed(derive(self._seed, "shuffle", self._epoch))
        for number, sample in enumerate(self._after(skip)):
            fields = fields_of(sample, floats=self.floats)
            count = check_rows(fields)
            self.mapping = self.mapping or f"samples hold {', '.join(fields)}"
            if number >= skip:
                if turn != self._turn:
                    raise RuntimeError("an iterator of a source was used after a newer one was made or a state loaded")
                self._position = number + 1
                self._yielded += 1
                yield Batch(fields, torch.arange(rows, rows + count)).to(self.device)
            rows += count
        if turn == self._turn:
            self._epoch, self._position = self._epoch + 1, 0

    def _after(self, skip: int) -> Iterator[Any]:
        """All samples; the random states are put back after the first `skip`, which a run had read before it was saved."""
        saved = torch.get_rng_state(), np.random.get_state(), random.getstate()
        for number, sample in enumerate(self.loader):
            if skip and number == skip - 1:
                torch.set_rng_state(saved[0])
                np.random.set_state(saved[1])
                random.setstate(saved[2])
            yield sample

    def describe(self, index: int) -> str:
        """The row's place in its epoch."""
        return f"row {index} of the loader"

    def state_dict(self) -> dict[str, Any]:
        """The position of the last batch consumed."""
        return {"epoch": self._epoch, "position": self._position, "seed": self._seed, "batches": self.batches}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved position. Raises: ConfigError when the loader's length or seed has changed."""
        for name, now in (("batches", self.batches), ("seed", self._seed)):
            if state[name] != now:
                raise ConfigError(
                    f"the saved position in the data was taken with a loader of {name} {state[name]}, and now it is {now}; "
                    "resume with the same loader"
                )
        self._epoch, self._position = int(state["epoch"]), int(state["position"])
        self._turn += 1


def exactness(loader: Iterable[Any]) -> tuple[bool, str]:
    """Whether a resumed run can be promised the very same batches, and why."""
    loader = iterables.unwrapped(loader)
    if not isinstance(loader, DataLoader):
        return False, f"a {type(loader).__name__} determines its own order"
    if isinstance(loader.dataset, IterableDataset):
        return False, "an iterable dataset determines its own order"
    if loader.num_workers and loader.persistent_workers:
        return False, "persistent workers keep random states that cannot be saved"
    sampler = _sampler(loader)
    if isinstance(sampler, SequentialSampler):
        return True, "the loader reads in order"
    if isinstance(sampler, RandomSampler):
        return True, "the loader's shuffling is seeded anew for every epoch"
    return False, f"the loader's {type(sampler).__name__} may shuffle with its own randomness"


def _sampler(loader: DataLoader[Any]) -> Any:
    """What truly decides the order: with a batch sampler of the user's own, that."""
    if loader.batch_sampler is None:
        return loader.sampler
    known = type(loader.batch_sampler) in (BatchSampler, iterables.JoinedBatches)
    return loader.batch_sampler.sampler if known else loader.batch_sampler  # type: ignore[union-attr]


def _take_generator(loader: Iterable[Any], seed: int) -> tuple[torch.Generator, int]:
    """The generator that loader and sampler draw from, and the seed it is reseeded by; both share one from now on.

    Without one they would draw from torch's global stream, where dropout's numbers come from.
    """
    sampler = _sampler(loader) if isinstance(loader, DataLoader) else None
    theirs = getattr(sampler, "generator", None) or getattr(loader, "generator", None)
    generator = theirs if isinstance(theirs, torch.Generator) else torch.Generator()
    if isinstance(loader, DataLoader):
        loader.generator = generator
        if isinstance(sampler, RandomSampler):
            sampler.generator = generator
    return generator, generator.initial_seed() if theirs is not None else seed
