"""What cannot be computed of a batch, in one line: which rows it held, what they are, and what to do about it."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.errors import DataError, SondeError
from sonde.core.nested import in_words
from sonde.data.feed.order_taken import line_of
from sonde.run.memory import ran_out

ONE_ROW = "more than 1 value per channel"  # what batch norm says of a single row in training
SPEAKS_OF_SHAPES = (
    r"\b(shapes?|sizes?|dim|dims|dimensions?|dimension size|batch_size|dtypes?|scalar types?|out of bounds|channels|"
    r"same device|valid range|out of range)\b|two bool tensors|^result type|^Input type|must be Tensor, not|input types? |"
    r"'list' object has no|device-side assert|should be between 0 and 1|not implemented for '|spatial targets|target size"
)
NARROW = "Half|BFloat16|Byte|Char|Short|Int|Long|Bool|UInt16|UInt32|UInt64"
REMEDIES = (  # of what torch says, and what mends it
    (r"valid range|index out of range", "an embedding needs an entry for each number, from 0 to the largest"),
    (r"^result type|two bool tensors|Found dtype Long", "give the targets as target.float()"),
    (
        r"^Input type \((float|torch\.(cuda\.)?FloatTensor)\)|Float and (Half|BFloat16)",
        "give the network as net.float(); precision='bf16' computes in 16 bits and keeps its weights in 32",
    ),
    (rf"^Input type \(|but got ({NARROW}) and Float", "give the inputs as floats, such as input.float()"),
    (
        r"ComplexFloat and Float",
        "give the inputs as torch.view_as_real(input).flatten(1), or the network as net.to(torch.complex64)",
    ),
    (
        r"all elements of (input|target) should be between 0 and 1",
        "this loss takes probabilities and targets from 0 to 1: give torch.nn.functional.binary_cross_entropy_with_logits for "
        "logits, or end the network in nn.Sigmoid()",
    ),
    (
        r"log_softmax.* not implemented for '(Long|Int|Byte)'",
        "a loss is called with (output, target), in this order: give cross_entropy(output, target)",
    ),
    (r"must be Tensor, not tuple", "a recurrent layer returns (outputs, state); take its [0]"),
    (
        r"only batches of spatial targets|^Expected target size \[\d+, \d+\], got \[\d+\]",
        "the outputs have further axes, and the targets are one class a row; return (rows, classes), such as with nn.Flatten() "
        "before the last layer, or out[:, -1] of a recurrent one",
    ),
    (
        r"device-side assert",
        "most often a class number or a token that is too large; --device cpu names the row",
    ),
)
CLASSES = {
    "0D or 1D target tensor expected": "the loss takes one class number for each row, targets of shape (rows,); give y[:, 0] or "
    "y.squeeze(1) where y is (rows, 1), and y.argmax(1) where it is one-hot",
    "Expected floating point type for target with class probabilities": "targets of the outputs' shape are probabilities for "
    "this loss, and these are whole numbers; give class numbers of shape (rows,), of one-hot ones y.argmax(1), or y.float()",
}
"""What torch's losses of classes say of targets that they do not take, and what to do."""

Describe = Callable[[int], str]
"""The name of a row, by its number in the batch's `index`."""


def unfitting(
    trouble: Exception, batch: Batch | None, what: str, describe: Describe = "row {}".format, *, later: bool = False
) -> DataError | None:
    """An error with the shapes of a batch's fields, where `trouble` speaks of sizes or types of numbers; None where it does not.

    what:  the batch in words;  later: it is not the first of its kind, so that its rows are named, and where it failed
    """
    first = str(trouble).strip().split("\n")[0].rstrip(".")
    other = isinstance(trouble, SondeError) or ran_out(trouble) or ONE_ROW in first
    if other or batch is None:
        return None
    if later:
        what += f" ({rows_in_words(batch, describe)})"
    held = ", ".join(f"{name} {in_words(field)}" for name, field in batch.fields.items())
    if said := next((words for torchs, words in CLASSES.items() if torchs in first), ""):
        return DataError(f"{what} cannot be computed: {said}; the batch holds {held}")
    if not re.search(SPEAKS_OF_SHAPES, first, re.IGNORECASE):
        return None
    remedy = _of_the_rows(first, batch, describe) or next(
        (said for pattern, said in REMEDIES if re.search(pattern, first)), ""
    )
    where = line_of(trouble) if later else ""
    return DataError(f"{what} cannot be computed: {first}{where}; the batch holds {held}{remedy and f'; {remedy}'}")


def rows_in_words(batch: Batch, describe: Describe) -> str:
    """The first rows of a batch by name, and how many more there are."""
    named = ", ".join(describe(int(row)) for row in batch.index[:4])
    return named + (f" and {len(batch.index) - 4} more" if len(batch.index) > 4 else "")


def _of_the_rows(first: str, batch: Batch, describe: Describe) -> str:
    """What to do about targets, as far as their values tell; "" where they do not."""
    if bounds := re.search(r"Target (-?\d+) is out of bounds", first):
        return _out_of_bounds(int(bounds[1]), batch, describe)
    if re.search(r"index out of range in self", first):
        return _of_numbers(batch, describe)
    if re.search(r"expected target dtype to be Long|expected scalar type Long", first):
        return _as_classes(batch, describe)
    if "shapes cannot be multiplied" in first:
        return _of_a_product(first, batch)
    if (planes := re.search(r"expected input\[(.+)\] to have (\d+) channels", first)) is not None:
        return _channels_last([int(size) for size in planes[1].split(",")], int(planes[2]))
    if "must be Tensor, not list" in first or "'list' object has no" in first:
        return _of_lists(batch)
    return ""


def _out_of_bounds(value: int, batch: Batch, describe: Describe) -> str:
    general = "classes are numbered from 0, and the network needs an output for each"
    target = _target(batch)
    if target is None or target.is_floating_point() or target.is_complex():
        return general
    rows = (target == value).reshape(len(target), -1).any(1).cpu()
    if not bool(rows.any()):
        return general
    numbers = target[target != -100]
    low, high = int(numbers.min()), int(numbers.max())
    where = describe(int(batch.index[rows][0]))
    said = f"the target of {where} is {value}, and {general}"
    if low == 1:
        return f"{said}; where they are numbered from 1, give target - 1"
    if value < 0:
        return f"{said}; ignore_index={value} leaves such rows out, where they have no class"
    return f"{said}: {high + 1} of them" if low >= 0 else said


def _of_numbers(batch: Batch, describe: Describe) -> str:
    """Of whole numbers, which an embedding reads, the largest and the smallest of the batch with their rows."""
    general, said = "an embedding needs an entry for each number, from 0 to the largest", []
    for name, field in batch.fields.items():
        if name == "target" or not isinstance(field, Tensor) or field.dtype.is_floating_point or not field.numel():
            continue
        by_row = field.reshape(len(field), -1).cpu()
        if by_row.dtype is torch.bool or len(by_row) != len(batch.index):
            continue
        high, low = by_row.amax(1), by_row.amin(1)
        row = int(low.argmin() if int(low.min()) < 0 else high.argmax())
        number = int(low.min()) if int(low.min()) < 0 else int(high.max())
        said.append(f"{name} of {describe(int(batch.index[row]))} holds {number}")
    return "; ".join([*said, general])


def _as_classes(batch: Batch, describe: Describe) -> str:
    """Whole numbers become class numbers; others and gaps do not, since `.long()` would make classes of them."""
    target = _target(batch)
    if target is None or not target.is_floating_point():
        return "give the targets as target.long()"
    by_row = target.reshape(len(target), -1).cpu()
    if bool((gap := ~torch.isfinite(by_row).all(1)).any()):
        where = describe(int(batch.index[gap][0]))
        return f"the target of {where} is not a number; leave such rows out, and give the others as target.long()"
    if bool((broken := (by_row != by_row.round()).any(1)).any()):
        row = int(torch.nonzero(broken)[0])
        value = float(by_row[row][by_row[row] != by_row[row].round()][0])
        return (
            f"the target of {describe(int(batch.index[row]))} is {value:g}, which is no class number; for numbers give a loss "
            "such as torch.nn.functional.mse_loss"
        )
    return "give the targets as target.long()"


def _of_a_product(first: str, batch: Batch) -> str:
    """A linear layer reads the last axis only, which is seldom meant of images; rows that are flat already have another size."""
    sizes = re.search(r"\((\d+)x(\d+) and (\d+)x(\d+)\)", first)
    rows, given, taken, out = map(int, sizes.groups()) if sizes else (0, 0, 0, 0)
    if rows == len(batch.index):
        said = f"what reaches that layer has {given} numbers a row, and it reads {taken}"
        return f"{said}: nn.Linear({given}, {out}) reads them all"
    if "input" not in batch:
        return ""
    field: Any = batch["input"]
    if not isinstance(field, Tensor) or field.ndim < 3:
        return ""
    return "a linear layer reads the last axis only; to read all of a row put nn.Flatten() before it"


def _channels_last(sizes: list[int], channels: int) -> str:
    """Where images stand with their channels as the last axis."""
    if len(sizes) < 3 or sizes[-1] != channels:
        return ""
    order = ", ".join(map(str, (0, len(sizes) - 1, *range(1, len(sizes) - 1))))
    return f"channels come before the other axes; give the inputs as input.permute({order})"


def _of_lists(batch: Batch) -> str:
    """What to do about fields that are lists: texts, and rows that differ in length."""
    lists = {name: field for name, field in batch.fields.items() if isinstance(field, list) and field}
    for name, field in lists.items():
        if all(isinstance(entry, str | bytes) for entry in field):
            return f"{name} holds texts; give classes as numbers, np.unique(y, return_inverse=True)[1], and texts as tokens"
    for name, field in lists.items():
        lengths = {len(entry) for entry in field if hasattr(entry, "__len__")}
        if len(lengths) > 1:
            return (
                f"{name} has rows of {min(lengths)} to {max(lengths)} entries; pad them, such as with "
                "torch.nn.utils.rnn.pad_sequence, or give a DataLoader with a collate_fn that does"
            )
    return ""


def _target(batch: Batch) -> Tensor | None:
    if "target" not in batch:
        return None
    found: Any = batch["target"]
    return found if isinstance(found, Tensor) and found.ndim and len(found) == len(batch.index) else None
