"""What flows from a source to a loss: named fields that share their first dimension."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sonde.core.errors import ConfigError, nearest
from sonde.core.nested import Field, each, is_object, rows_of

VIEWS = ("view", "other_view")  # fields that show `input` changed, where a task compares such
FED = (
    "input",
    "lengths",
    "bonds",
    "covariates",
)  # what a network is called with, those that a batch has, in this order
INPUT_NAMES = ("input", "inputs", "x", "image", "images", "img", "pixel_values", "features", "data")
INPUT_NAMES += ("jpg", "jpeg", "png", "webp")  # endings of files, by which webdataset calls them
INPUT_NAMES += ("input_ids", "input_values", "input_features")  # as Hugging Face's networks call theirs
TARGET_NAMES = ("target", "targets", "y", "label", "labels", "cls")
ALIASES = {"input": INPUT_NAMES, "target": TARGET_NAMES}


class NoField(ConfigError, KeyError):
    """A name that no field of a batch has."""

    __str__ = Exception.__str__


@dataclass(frozen=True, slots=True)
class Batch:
    """Named fields (B, …) and the dataset rows they came from.

    fields: a tensor (B, …) each; of data of one's own also tuples and dicts of such, and lists of length B, such as texts
            and ids, which ride along on the host
    index:  (B,) int64, rows of the split; always there, so that an error, a worst case or a score can name its row.
    Common fields: `input`, `target`, `mask` (1 where a target counts), and after mixing augmentations `mix_target`
    (like target) with `mix_weight` (B,) in [0, 1]: the share of `target` in the mixture; those of `VIEWS`, like input; of
    sequences other than tokens `lengths` (B,) int64, of molecules `bonds`, and of series `covariates`, what is known in advance.

    A field is read by its name or, with `batch[0]` and `x, y = batch`, by its place in the sample. Where no field is called
    `input` (or `target`), that name stands for the only one that `INPUT_NAMES` (or `TARGET_NAMES`) has.
    """

    fields: Mapping[str, Field]
    index: Tensor

    def __getitem__(self, name: str | int) -> Field:
        try:
            return self.fields[name]  # type: ignore[index]
        except KeyError:
            pass
        if isinstance(name, int):
            fields = list(self.fields.values())
            if -len(fields) <= name < len(fields):
                return fields[name]
            raise IndexError(f"batch has no field number {name}; it has {len(fields)}: {', '.join(self.fields)}")
        if (other := alias(name, self.fields)) is not None:
            return self.fields[other]
        near = nearest(str(name), self.fields)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise NoField(f"batch has no field {name!r}; it has {sorted(self.fields)}{hint}")

    def __contains__(self, name: str) -> bool:
        return name in self.fields or alias(name, self.fields) is not None

    def __iter__(self) -> Iterator[Field]:
        """The fields in the order of the sample."""
        return iter(self.fields.values())

    def keys(self) -> Iterable[str]:
        """The names of the fields, so that `network(**batch)` works."""
        return self.fields.keys()

    def __len__(self) -> int:
        return len(self.index)

    def fed(self) -> tuple[Tensor, ...]:
        """What a network is called with: the input, and what else of `FED` comes with it."""
        fields = self.fields
        if "input" in fields:
            return tuple(fields[name] for name in FED if name in fields)
        return tuple(self[name] for name in FED if name in self)

    def split(self, pieces: int) -> "list[Batch]":
        """Cut along rows into at most `pieces` batches whose sizes differ by at most one; none is empty."""
        if pieces == 1:
            return [self]
        cuts = torch.tensor_split(torch.arange(len(self)), min(pieces, len(self)))
        return [self.rows(slice(int(cut[0]), int(cut[-1]) + 1)) for cut in cuts]

    def rows(self, rows: slice | Tensor) -> "Batch":
        """Some of the rows: a slice of them, or those of numbers (n,) int64 on the host."""
        return Batch({name: rows_of(field, rows) for name, field in self.fields.items()}, self.index[rows])

    def to(self, device: torch.device) -> "Batch":
        """The fields on `device` (asynchronously from pinned memory); lists and `index` stay on the host."""
        moved = {
            name: field.to(device, non_blocking=True)
            if isinstance(field, Tensor)
            else field.to(device)
            if is_object(field)
            else each(field, lambda tensor: tensor.to(device, non_blocking=True))
            for name, field in self.fields.items()
        }
        return Batch(moved, self.index)


def alias(name: str, fields: Collection[str]) -> str | None:
    """The field that `name`, "input" or "target", stands for where none is called so: the only one with a usual name.

    >>> alias("input", ["image", "label"]), alias("input", ["x", "image"]), alias("mask", ["image"])
    ('image', None, None)
    """
    known = ALIASES.get(name)
    if known is None:
        return None
    found = [field for field in fields if field in known]
    return found[0] if len(found) == 1 else None
