"""A user's own torch DataLoader, or any iterable of batches, as a source."""

import random
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, SequentialSampler

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError, DataError
from sonde.core.seeds import derive
from sonde.data.feed import iterables
from sonde.data.feed.iterables import is_text

INPUT_NAMES = ("input", "inputs", "x", "image", "images", "img", "pixel_values", "features", "data")
INPUT_NAMES += ("jpg", "jpeg", "png", "webp")  # endings of files, by which webdataset calls them
TARGET_NAMES = ("target", "targets", "y", "label", "labels", "cls")
ONCE = (
    "an iterator can be read only once; give the DataLoader itself, or a list of batches, or a function that makes one"
)


def fields_of(sample: Any) -> dict[str, Tensor]:
    """The named tensors of a sample or batch: (input, target), (input, target, mask), a dict, or an input alone.

    In a dict, the first of `INPUT_NAMES` becomes `input` and the first of `TARGET_NAMES` `target`; other fields keep
    their names. float64 becomes float32. Texts, such as the keys of a row, are left out.
    Raises: DataError for anything else
    """
    sample, _ = without_texts(sample)
    if isinstance(sample, Mapping):
        renamed = renames(sample)
        return {renamed.get(str(name), str(name)): _tensor(name, value) for name, value in sample.items()}
    if isinstance(sample, tuple | list) and 1 <= len(sample) <= 3:
        names = ("input", "target", "mask")[: len(sample)]
        return {name: _tensor(name, value) for name, value in zip(names, sample, strict=True)}
    if isinstance(sample, Tensor | np.ndarray):
        return {"input": _tensor("input", sample)}
    what = f"a {type(sample).__name__} of {len(sample)}" if isinstance(sample, tuple | list) else type(sample).__name__
    raise DataError(f"samples must be (input, target), a dict or a tensor, but this one is {what}")


def without_texts(sample: Any) -> tuple[Any, list[str]]:
    """A sample without its fields of text, and what those are called; one that is nothing else stays as it is.

    >>> without_texts({"__key__": "a/1", "image": 0})
    ({'image': 0}, ['__key__'])
    """
    if isinstance(sample, Mapping):
        texts = [str(name) for name, value in sample.items() if is_text(value)]
        return {name: value for name, value in sample.items() if str(name) not in texts}, texts
    if isinstance(sample, tuple | list):
        texts = [number for number, value in enumerate(sample) if is_text(value)]
        saved = tuple(value for number, value in enumerate(sample) if number not in texts)
        if texts and saved:
            return saved, [f"number {number + 1}" for number in texts]
    return sample, []


def renames(sample: Mapping[str, Any]) -> dict[str, str]:
    """The names that change when a dict becomes fields.

    Raises: DataError when nothing in it looks like an input, or two fields would get one name

    >>> renames({"image": 0, "label": 1, "weight": 2})
    {'image': 'input', 'label': 'target'}
    """
    found: dict[str, str] = {}
    for name, known in (("input", INPUT_NAMES), ("target", TARGET_NAMES)):
        here = [candidate for candidate in known if candidate in sample]
        if len(here) > 1 and name not in here:
            raise DataError(f"a sample has {' and '.join(map(repr, here))}; rename the one to be used to {name!r}")
        if here and name not in here:
            found[here[0]] = name
        if not here and name == "input":
            raise DataError(f"no field of a sample looks like an input: {sorted(sample)}; rename one to 'input'")
    return found


def _tensor(name: str, value: Any) -> Tensor:
    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        raise DataError(
            f"field {name!r} of a sample is a {type(value).__name__}; give tensors, arrays or numbers"
        ) from None
    return tensor.float() if tensor.dtype == torch.float64 else tensor


class Exactness(NamedTuple):
    """Whether a resumed run sees the batches that an uninterrupted one would have seen.

    why:    the reason;  remedy: what makes it exact, where it is not
    likely: whether it may well be, as with an iterable that yields the same each time, which cannot be known here
    """

    exact: bool
    why: str
    remedy: str = ""
    likely: bool = False


class LoaderSource:
    """Batches of a loader; `index` counts rows from the epoch's start, since a loader does not tell which it took.

    exact, why, remedy, likely: whether a resumed run sees the same batches (see `Exactness`). Every epoch reseeds the generator
    of the loader and its sampler, from the generator's own first seed, or from `seed` where they have none. Resuming reads
    the consumed batches again and puts the random states back; a sampler that saves its state is put back to the epoch's
    beginning first, and a loader that does goes on from where it was.
    mapping: how samples became fields, in words; empty before the first batch
    rewinds, ends: as `sonde.core.seams` has them. An iterator, such as a generator's, is read only once: its rows come in one
        pass and a second one is refused
    """

    def __init__(self, loader: Iterable[Any], *, device: torch.device, seed: int) -> None:
        self.loader, self.device = loader, device
        self.rewinds = not isinstance(iterables.unwrapped(loader), Iterator)
        self.ends = iterables.ends(loader)
        self._begun = False
        self.exact, self.why, self.remedy, self.likely = exactness(loader)
        self.mapping = ""
        self._generator, self._seed = _take_generator(loader, seed)
        self._stateful = loader if _has_state(loader) else None
        self._sampler = None if self._stateful is not None else _stateful_sampler(loader)
        self._sampler_state: Any = None  # at this epoch's beginning
        self._epoch = self._position = self._rows = 0  # of the last batch consumed
        self._yielded = 0  # batches, of all passes
        self._turn = 0  # counts iterators: only the newest may move the position
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
            fields = self._fields(sample)
            count = len(fields["input"])
            if number >= skip:
                if turn != self._turn:
                    raise RuntimeError("an iterator of a source was used after a newer one was made or a state loaded")
                self._position, self._rows = number + 1, rows + count
                self._yielded += 1
                yield Batch(fields, torch.arange(rows, rows + count)).to(self.device)
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
        for number, sample in enumerate(self.loader):
            if skip and number == skip - 1:
                torch.set_rng_state(saved[0])
                np.random.set_state(saved[1])
                random.setstate(saved[2])
            yield sample

    def _going_on(self, skip: int) -> Iterator[Any]:
        """The samples after the first `skip`, from a loader that keeps its own position."""
        assert self._stateful is not None
        if skip and not self._put_back:  # another iterator was left half-way
            self._stateful.load_state_dict(self._stateful.state_dict())
        self._put_back = False
        yield from self.loader

    def _fields(self, sample: Any) -> dict[str, Tensor]:
        if not self.mapping:
            self.mapping = "; ".join(filter(None, (mapping_of(sample), iterables.repeated(self.loader))))
        fields = fields_of(sample)
        lengths = {name: len(field) if field.ndim else 0 for name, field in fields.items()}
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name} {rows}" for name, rows in lengths.items())
            raise DataError(f"the fields of a batch differ in their number of rows: {counts}; give one of each per row")
        return fields

    def describe(self, index: int) -> str:
        """The row's place in its epoch."""
        return f"row {index} of the loader"

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


def mapping_of(sample: Any) -> str:
    """How a sample becomes fields, in words.

    >>> mapping_of({"image": 0, "label": 1})
    "'image' is the input, 'label' is the target"
    """
    sample, texts = without_texts(sample)
    left_out = f"; {', '.join(texts)} left out (text)" if texts else ""
    if isinstance(sample, Mapping):
        changed = renames(sample)
        pairs = {str(name): changed.get(str(name), str(name)) for name in sample}
        mapped = ", ".join(
            f"{name!r} is " + ("the " * (new in ("input", "target")) + new) for name, new in pairs.items()
        )
        return mapped + left_out
    parts = len(sample) if isinstance(sample, tuple | list) else 1
    return "samples are " + ("inputs", "(input, target)", "(input, target, mask)")[min(parts, 3) - 1] + left_out


def exactness(loader: Iterable[Any]) -> Exactness:
    """Whether a resumed run can be promised the very same batches, and why."""
    if isinstance(loader, DataLoader) and loader.num_workers and loader.persistent_workers:
        why = "persistent workers keep random states that cannot be saved"
        return Exactness(False, why, "give the DataLoader persistent_workers=False")
    if _has_state(loader):
        return Exactness(True, f"the {type(loader).__name__} saves its position")
    data = iterables.unwrapped(loader)
    if isinstance(data, list | tuple):
        return Exactness(True, f"a {type(data).__name__} is read in order")
    if not isinstance(data, DataLoader) or isinstance(data.dataset, IterableDataset):
        return _of_iterable(data.dataset if isinstance(data, DataLoader) else data)
    sampler = _sampler(data)
    if isinstance(sampler, SequentialSampler | list | tuple | range):
        return Exactness(True, "the loader reads in order")
    if hasattr(sampler, "generator"):
        return Exactness(True, "the loader's shuffling is seeded anew for every epoch")
    if callable(getattr(sampler, "set_epoch", None)):
        return Exactness(True, f"the loader's {type(sampler).__name__} is told each epoch")
    if _has_state(sampler):
        return Exactness(True, f"the loader's {type(sampler).__name__} saves its state")
    return Exactness(
        False,
        f"the loader's {type(sampler).__name__} may shuffle with its own randomness",
        f"let {type(sampler).__name__} draw from an attribute `generator` (a torch.Generator), which is then seeded for every "
        "epoch, or give it set_epoch(epoch), or state_dict and load_state_dict",
    )


def _of_iterable(data: Any) -> Exactness:
    """That of what is no loader over numbered rows."""
    named = data.function if isinstance(data, iterables.Called) else data
    name = getattr(named, "__name__", type(named).__name__)
    if not iterables.is_streaming_set(data) and callable(getattr(data, "set_epoch", None)):
        return Exactness(True, f"{name} is told each epoch")
    what = "an iterator can be read only once" if isinstance(data, Iterator) else f"{name} determines its own order"
    remedy = "let it yield the same in every process, or give it set_epoch(epoch), or state_dict and load_state_dict"
    return Exactness(False, what, remedy, likely=True)


def _has_state(part: Any) -> bool:
    """Whether something saves its state: samplers, and loaders such as torchdata's StatefulDataLoader."""
    return all(callable(getattr(part, name, None)) for name in ("state_dict", "load_state_dict"))


def _stateful_sampler(loader: Iterable[Any]) -> Any:
    """What decides a loader's order, where that saves its state and has no generator to be seeded; else None."""
    sampler = _sampler(loader) if isinstance(loader, DataLoader) else None
    return sampler if _has_state(sampler) and not hasattr(sampler, "generator") else None


def _sampler(loader: DataLoader[Any]) -> Any:
    """What truly decides the order: with a batch sampler of the user's own, that."""
    if loader.batch_sampler is None:
        return loader.sampler
    kind = type(loader.batch_sampler)
    of_torch = kind.__name__ == "BatchSampler" and kind.__module__.startswith(("torch.", "torchdata."))
    known = of_torch or kind is iterables.JoinedBatches
    return loader.batch_sampler.sampler if known else loader.batch_sampler  # type: ignore[union-attr]


def _take_generator(loader: Iterable[Any], seed: int) -> tuple[torch.Generator, int]:
    """The generator that loader and sampler draw from, and the seed it is reseeded by; both share one from now on.

    Without one they would draw from torch's global stream, where dropout's numbers come from.
    """
    sampler = _sampler(loader) if isinstance(loader, DataLoader) else None
    theirs = getattr(sampler, "generator", None) or getattr(loader, "generator", None)
    if type(sampler).__module__.startswith("torchdata.") and loader.generator is None:  # type: ignore[attr-defined]
        theirs = None  # made by torchdata itself, with another seed in every process
    generator = theirs if isinstance(theirs, torch.Generator) else torch.Generator()
    if isinstance(loader, DataLoader):
        loader.generator = generator
        if hasattr(sampler, "generator"):
            sampler.generator = generator
    return generator, generator.initial_seed() if theirs is not None else seed
