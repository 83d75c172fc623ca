"""Arrays and tensors as every reader takes them: what loses nothing is done, what would change the numbers is refused.

Big-endian, reversed and wide numbers become what torch has; masked, sparse, ragged and quantised ones, dates and those without
any data are refused with what to write instead. Nothing here needs torch.
"""

from typing import Any

import numpy as np

from sonde.core.errors import DataError
from sonde.data.mapped import spans

LARGEST = float(np.finfo(np.float32).max)
NO_DEVICE_NUMBERS = "uint16", "uint32", "uint64"  # which torch stores and does not compute in


def plain(value: Any, place: str, *, unsigned: bool = True, doubles: bool = False) -> Any:
    """The same numbers as an array or tensor that can be read; what is neither is given back as it is.

    place:    what an error calls it
    unsigned: whether uint16, uint32 and uint64 may stay; else they become signed, and (n,) int64
    doubles:  whether float64 stays float64 where it is computed with, and may hold what float32 cannot
    Raises: DataError for what cannot be read without changing it
    """
    if hasattr(value, "untyped_storage"):
        found = _tensor(value, place)
        if not doubles and str(found.dtype) == "torch.float64":
            _refuse_too_large(found.detach().cpu().numpy(), place)
        return found if unsigned else _signed(found, place)
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise DataError(f"{place} is a sparse matrix ({type(value).__name__}); give its .toarray()")
    if isinstance(value, np.ma.MaskedArray):
        value = _unmasked(value, place)
    elif not isinstance(value, np.ndarray):
        value = _foreign(value)
        if not isinstance(value, np.ndarray):
            return (
                value
                if not hasattr(value, "untyped_storage")
                else plain(value, place, unsigned=unsigned, doubles=doubles)
            )
    found = _array(value, place)
    if found.dtype == np.float64 and not doubles:
        _refuse_too_large(found, place)
    return found if unsigned else _signed(found, place)


def _tensor(tensor: Any, place: str) -> Any:
    kind = str(tensor.dtype).removeprefix("torch.")
    if tensor.is_nested:
        raise DataError(
            f"{place} is a nested tensor, whose rows differ in shape; give torch.nested.to_padded_tensor(x, 0.0), or a list of "
            "tensors behind a DataLoader with a collate_fn that pads"
        )
    shape = f"of shape {tuple(tensor.shape)}"
    if str(tensor.layout) != "torch.strided":
        layout = str(tensor.layout).removeprefix("torch.sparse_")
        raise DataError(f"{place} is a sparse tensor ({layout}) {shape}; give its .to_dense()")
    if tensor.is_meta:
        raise DataError(f"{place} is a tensor {shape} on the meta device, which holds no data; give one that does")
    if tensor.is_quantized:
        raise DataError(f"{place} is a quantised tensor ({kind}) {shape}; give its .dequantize()")
    if kind.startswith("float8"):
        raise DataError(f"{place} is a tensor of {kind} {shape}, which cannot be read by rows; give its .float()")
    if tensor.is_conj():
        tensor = tensor.resolve_conj()
    return tensor.resolve_neg() if tensor.is_neg() else tensor


def _unmasked(array: Any, place: str) -> np.ndarray:
    """Raises: DataError where something is masked, whose value behind the mask nobody meant"""
    masked = np.ma.getmaskarray(array)
    if masked.any():
        rows = np.flatnonzero(masked.reshape(len(masked), -1).any(axis=1)) if masked.ndim else [0]
        raise DataError(
            f"{place} is a masked array with {int(masked.sum()):,} masked values (first in row {rows[0]}); fill them with "
            "its .filled(value), or leave those rows out"
        )
    return np.asarray(array.data)


def _foreign(value: Any) -> Any:
    """Arrays of other libraries, by numpy's protocol or by DLPack; data frames, pictures and all else as they are."""
    module = type(value).__module__.split(".")[0]
    if module in ("pandas", "polars", "pyarrow", "PIL", "numpy", "torch") or isinstance(value, type):
        return value
    if hasattr(value, "__array__"):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        from torch.utils.dlpack import from_dlpack  # torch is there where its memory is shared

        return from_dlpack(value)
    return value


def _array(array: np.ndarray, place: str) -> np.ndarray:
    kind = array.dtype.kind
    if array.dtype.names:
        names = ", ".join(array.dtype.names[:6])
        raise DataError(
            f"{place} is a structured array with the fields {names}; give its columns as a dict, "
            "{name: x[name] for name in x.dtype.names}, or numpy.lib.recfunctions.structured_to_unstructured(x)"
        )
    if kind in "Mm":
        number = "(x - x.min()) / np.timedelta64(1, 'D')" if kind == "M" else "x / np.timedelta64(1, 's')"
        raise DataError(f"{place} holds {array.dtype}, which are not numbers; give numbers, such as {number}")
    if kind == "O":
        return _of_objects(array, place)
    if kind in "fc" and array.dtype.itemsize > (8 if kind == "f" else 16):
        array = array.astype(np.float64 if kind == "f" else np.complex128)  # which numpy has and torch does not
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array.copy() if any(step < 0 for step in array.strides) else array


def _of_objects(array: np.ndarray, place: str) -> np.ndarray:
    """Objects that are all numbers, or rows of as many numbers, as an array of these; texts and all else as they are.

    Raises: DataError for rows of numbers that differ in length
    """
    entries = array.ravel().tolist()
    if entries and all(isinstance(entry, bool | int | float | complex | np.generic) for entry in entries):
        found = np.array(entries)
        return found.reshape(array.shape) if found.dtype.kind in "biufc" else array
    rows = [entry for entry in entries if isinstance(entry, list | tuple | np.ndarray)]
    if array.ndim != 1 or not rows or len(rows) < len(entries):
        return array
    try:
        found = np.stack([np.asarray(row) for row in rows])
    except ValueError:
        refuse_ragged(rows, place)
        return array
    return found if found.dtype.kind in "biufc" else array


def refuse_ragged(rows: Any, place: str) -> None:
    """Raises: DataError for rows that are as many numbers by turns"""
    lengths = {len(row) for row in rows if hasattr(row, "__len__")}
    if len(lengths) > 1:
        raise DataError(
            f"{place}: rows differ in length ({min(lengths)} to {max(lengths)}); pad them, such as with "
            "torch.nn.utils.rnn.pad_sequence"
        )


def _refuse_too_large(array: np.ndarray, place: str) -> None:
    start = 0
    for part in spans(array) if array.ndim else ():
        above = (np.abs(part) > LARGEST) & np.isfinite(part)
        if above.any():
            row = int(np.flatnonzero(above.reshape(len(part), -1).any(axis=1))[0])
            value = part[row][above[row]].flat[0] if part.ndim > 1 else part[row]
            raise DataError(
                f"{place} row {start + row} holds {value:g}, and the largest number in single precision is "
                f"{LARGEST:.3g}; scale the numbers, or take their logarithm"
            )
        start += len(part)


def _signed(value: Any, place: str) -> Any:
    """Unsigned numbers that torch does not compute in as signed ones that hold them. Raises: DataError for those above int64"""
    kind = str(value.dtype).removeprefix("torch.")
    if kind not in NO_DEVICE_NUMBERS:
        return value
    array = value.detach().cpu().numpy() if hasattr(value, "untyped_storage") else value
    if kind == "uint64" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise DataError(f"{place} holds {int(array.max())}, and the largest integer is 2^63 - 1; give them as floats")
    # of one axis they are classes, which torch takes as int64; images stay smaller
    found = array.astype(np.int32 if kind == "uint16" and array.ndim > 1 else np.int64)
    if not hasattr(value, "untyped_storage"):
        return found
    import torch  # the value is one of its tensors

    return torch.from_numpy(found).to(value.device)
