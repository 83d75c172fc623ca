"""By what a resumed run knows again the data that were handed to it: tensors, lists, and some rows of a Dataset."""

import copy
import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from sonde.core.nested import leaves
from sonde.core.seams import Source
from sonde.data.feed.fields import by_name, without_frames
from sonde.data.feed.iterables import is_streaming_set
from sonde.data.fingerprint import of_arrays
from sonde.data.mapped import array_of
from sonde.engine import random_state

ROWS = " rows of the Dataset"  # what names of fingerprints end with that earlier versions' folders lack
_DEEPEST, _MOST = 4, 100  # in search of an object's random generators


def fingerprints(given: Mapping[str, Any]) -> dict[str, str]:
    """Content hashes of what each split holds in memory, and of three rows of a Dataset, also behind a DataLoader.

    Nothing of what can only be read in order, such as an IterableDataset or a generator, whose code is compared instead.
    """
    arrays: dict[str, np.ndarray] = {}
    others: dict[str, str] = {}
    for split, data in given.items():
        if isinstance(data, int | float):
            others[split] = f"{data} of the training rows"
        for name, field in _held(data).items():
            for path, leaf in leaves(field, (name,)):
                if isinstance(leaf, Tensor | np.ndarray):
                    held = array_of(leaf)
                    held = held.astype(str) if held.dtype == object else held
                    arrays[f"{split} {'.'.join(map(str, path))}"] = held
        if (rows := _rows_behind(data)) is not None:
            others |= {f"{split}{ROWS}": found for found in [_of_rows(rows)] if found}
    return {**of_arrays(arrays), **others}


def class_names(data: Any) -> tuple[str, ...]:
    """What a Dataset calls its classes, as those of torchvision do in `classes`, also behind a DataLoader or for a part of it."""
    while isinstance(data, DataLoader | Subset):
        data = data.dataset
    try:
        names = getattr(data, "classes", ())
    except Exception:  # of the caller's code: then classes are called by their numbers
        return ()
    if isinstance(data, Mapping | str | type) or not isinstance(names, list | tuple):
        return ()
    fit = all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names)
    return tuple(names) if fit else ()


def _held(data: Any) -> Mapping[Any, Any]:
    """The parts of what may hold arrays: by place in a tuple or list, else by name."""
    if isinstance(data, Tensor | np.ndarray):
        return {"input": data}
    if isinstance(data, Mapping):
        return data
    if (parts := by_name(data)) is not None:
        return parts
    data = without_frames(data)
    return dict(enumerate(data)) if isinstance(data, tuple | list) else {}


def _rows_behind(data: Any) -> Any:
    """What is read by the row's number; None for anything else."""
    rows = data.dataset if isinstance(data, DataLoader) else data
    listed = isinstance(rows, list | tuple) and rows is not data  # others are hashed as they are
    if isinstance(rows, IterableDataset | Mapping | Source | str | bytes | type) or is_streaming_set(rows):
        return None
    by_number = isinstance(rows, TorchDataset) or (hasattr(rows, "__getitem__") and not isinstance(rows, Sequence))
    known = isinstance(rows, Tensor | np.ndarray) or by_name(rows) is not None
    return rows if isinstance(rows, Sized) and (listed or (by_number and not known)) else None


def _of_rows(rows: Any) -> str:
    """A hash of tensors and lists whole, else of the number of rows and the first, middle and last, where these are certain.

    Rows are read from a copy with all random streams seeded, twice: what differs then is not compared.
    """
    count = len(rows)
    if isinstance(rows, TensorDataset):
        return " ".join(of_arrays({str(n): array_of(each) for n, each in enumerate(rows.tensors)}).values())
    chosen = range(count) if isinstance(rows, list | tuple) else sorted({0, count // 2, count - 1} & set(range(count)))
    try:
        with seeded(rows):
            once = _digest(copy.copy(rows), chosen)
        with seeded(rows):
            again = _digest(copy.copy(rows), chosen)
    except Exception:  # of the caller's code; whatever is wrong is told where the first batch is read
        return ""
    return f"{count} {once}" if once == again else f"{count} rows, which differ each time they are read"


def _digest(rows: Any, chosen: Sequence[int]) -> str:
    digest = hashlib.sha256()
    for number in chosen:
        for part in _parts(rows[number]):
            digest.update(part)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    """What a row is made of; of unknown objects their class."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield str(name).encode()
            yield from _parts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _parts(each)
    elif isinstance(value, Tensor) and value.layout == torch.strided:
        yield f"{tuple(value.shape)} {value.dtype}".encode()
        yield value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    elif hasattr(value, "__array__") or isinstance(value, np.ndarray):
        array = np.asarray(value)
        yield f"{array.shape} {array.dtype}".encode() + (b"" if array.dtype == object else array.tobytes())
    elif isinstance(value, str | bytes | int | float | complex | type(None)):
        yield repr(value).encode("utf-8", "surrogatepass")
    else:
        yield type(value).__qualname__.encode()


@contextmanager
def seeded(rows: Any) -> Iterator[None]:
    """The global random streams and those that a Dataset holds seeded alike, and put back afterwards."""
    streams = list(_generators(rows, 0, set()))
    states = [_state(stream) for stream in streams]
    with random_state.apart(torch.device("cpu")):
        random_state.seed_everything(0, stream="init")
        for stream in streams:
            _put(stream, _start(stream))
        try:
            yield
        finally:
            for stream, state in zip(streams, states, strict=True):
                _put(stream, state)


def _generators(value: Any, depth: int, seen: set[int]) -> Iterator[Any]:
    if id(value) in seen or depth > _DEEPEST:
        return
    seen.add(id(value))
    if isinstance(value, torch.Generator | np.random.Generator | np.random.RandomState | random.Random):
        yield value
        return
    inside = list(value.values()) if isinstance(value, dict) else list(getattr(value, "__dict__", {}).values())
    if isinstance(value, list | tuple):
        inside = list(value[:_MOST])
    for each in inside[:_MOST]:
        yield from _generators(each, depth + 1, seen)


def _state(stream: Any) -> Any:
    if isinstance(stream, np.random.Generator):
        return stream.bit_generator.state
    return stream.getstate() if isinstance(stream, random.Random) else stream.get_state()


def _start(stream: Any) -> Any:
    if isinstance(stream, torch.Generator):
        return torch.Generator(stream.device).manual_seed(0).get_state()
    if isinstance(stream, np.random.Generator):
        return type(stream.bit_generator)(0).state  # type: ignore[call-arg]
    return random.Random(0).getstate() if isinstance(stream, random.Random) else np.random.RandomState(0).get_state()


def _put(stream: Any, state: Any) -> None:
    if isinstance(stream, np.random.Generator):
        stream.bit_generator.state = state
    elif isinstance(stream, random.Random):
        stream.setstate(state)
    else:
        stream.set_state(state)
