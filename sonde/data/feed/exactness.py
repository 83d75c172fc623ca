"""Whether a run on a loader resumes exactly, and what makes it so: generators that are seeded, states that are saved."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader, IterableDataset, SequentialSampler

from sonde.data.feed import iterables


class Exactness(NamedTuple):
    """Whether a resumed run sees the batches that an uninterrupted one would have seen.

    why:    the reason;  remedy: what makes it exact, where it is not
    likely: whether it may well be, as with an iterable that yields the same each time, which cannot be known here
    """

    exact: bool
    why: str
    remedy: str = ""
    likely: bool = False


def exactness(loader: Iterable[Any]) -> Exactness:
    """Whether a resumed run can be promised the very same batches, and why."""
    if isinstance(loader, DataLoader) and loader.num_workers and loader.persistent_workers:
        why = "persistent workers keep random states that cannot be saved"
        return Exactness(False, why, "give the DataLoader persistent_workers=False")
    if has_state(loader):
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
        return Exactness(True, "the loader's shuffling is seeded again for every epoch")
    if callable(getattr(sampler, "set_epoch", None)):
        return Exactness(True, f"the loader's {type(sampler).__name__} gets each epoch's number (set_epoch)")
    if has_state(sampler):
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
        return Exactness(True, f"{name} gets each epoch's number (set_epoch)")
    what = "an iterator can be read only once" if isinstance(data, Iterator) else f"{name} determines its own order"
    remedy = "let it yield the same in every process, or give it set_epoch(epoch), or state_dict and load_state_dict"
    return Exactness(False, what, remedy, likely=True)


def has_state(part: Any) -> bool:
    """Whether something saves its state: samplers, and loaders such as torchdata's StatefulDataLoader."""
    return all(callable(getattr(part, name, None)) for name in ("state_dict", "load_state_dict"))


def stateful_sampler(loader: Iterable[Any]) -> Any:
    """What decides a loader's order, where that saves its state and has no generator to be seeded; else None."""
    sampler = _sampler(loader) if isinstance(loader, DataLoader) else None
    return sampler if has_state(sampler) and not hasattr(sampler, "generator") else None


def _sampler(loader: DataLoader[Any]) -> Any:
    """What truly decides the order: with a batch sampler of the user's own, that."""
    if loader.batch_sampler is None:
        return loader.sampler
    kind = type(loader.batch_sampler)
    of_torch = kind.__name__ == "BatchSampler" and kind.__module__.startswith(("torch.", "torchdata."))
    known = of_torch or kind is iterables.JoinedBatches
    return loader.batch_sampler.sampler if known else loader.batch_sampler  # type: ignore[union-attr]


def take_generator(loader: Iterable[Any], seed: int) -> tuple[torch.Generator, int]:
    """The generator that loader and sampler draw from, and the seed it is reseeded by; both share one from now on.

    Without one they would draw from torch's global stream, where dropout's numbers come from.
    """
    sampler = _sampler(loader) if isinstance(loader, DataLoader) else None
    theirs = getattr(sampler, "generator", None) or getattr(loader, "generator", None)
    if type(sampler).__module__.startswith("torchdata.") and getattr(loader, "generator", None) is None:
        theirs = None  # made by torchdata itself, with another seed in every process
    generator = theirs if isinstance(theirs, torch.Generator) else torch.Generator()
    if isinstance(loader, DataLoader):
        loader.generator = generator
        if sampler is not None and hasattr(sampler, "generator"):
            sampler.generator = generator
    return generator, generator.initial_seed() if theirs is not None else seed
