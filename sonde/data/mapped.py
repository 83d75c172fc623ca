"""Arrays in files that are mapped into memory: read where they are needed, and let go of again."""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

AT_ONCE = 1 << 24  # bytes looked at between two times of letting go


def is_mapped(array: np.ndarray) -> bool:
    """Whether an array, or what it is a view of, is a mapped file."""
    return _map_of(array) is not None


def release(array: np.ndarray) -> None:
    """Take the pages of a mapped array that were read out of this process's memory; they stay in the system's cache.

    Pages that were touched count as the process's own until the system is short of memory. Nothing is done to a map of mode
    "c", whose changes are nowhere else, nor where the system has no way.
    """
    found = _map_of(array)
    mode = next((part.mode for part in _bases(array) if isinstance(part, np.memmap)), "")
    if found is not None and hasattr(found, "madvise") and hasattr(mmap, "MADV_DONTNEED") and mode in ("r", "r+"):
        found.madvise(mmap.MADV_DONTNEED)


def spans(array: np.ndarray) -> Iterator[np.ndarray]:
    """All rows of an array, some at a time; of a mapped one those before are let go of."""
    step = max(1, AT_ONCE // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        yield array[start : start + step]
        release(array)


def array_of(part: Any) -> np.ndarray:
    """A tensor or array as an array, where it is: mapped where a file is behind it."""
    if isinstance(part, np.ndarray):
        return part
    found = mapped_tensor(part)
    if found is not None:
        return found
    tensor = part.detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()  # which numpy does not know


def mapped_tensor(tensor: Any) -> np.ndarray | None:
    """What `torch.from_file` or a view of it holds, mapped once more for reading; None for any other tensor.

    A private map (shared=False) has no name to be found by, and stays the tensor that it is.
    """
    if tensor.device.type != "cpu" or not tensor.is_contiguous():
        return None
    name = getattr(tensor.untyped_storage(), "filename", None)
    if not name or not tensor.numel():
        return None
    dtype = tensor[:0].detach().numpy().dtype
    offset = tensor.storage_offset() * dtype.itemsize
    return np.memmap(name, dtype=dtype, mode="r", offset=offset, shape=tuple(tensor.shape))


def _map_of(array: np.ndarray) -> mmap.mmap | None:
    return next((part for part in _bases(array) if isinstance(part, mmap.mmap)), None)


def _bases(array: Any) -> Iterator[Any]:
    """An array, what it is a view of, and so on."""
    while array is not None:
        yield array
        array = getattr(array, "base", None)
