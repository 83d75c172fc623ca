"""What a kind of data does with inputs that a model has made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonde.core.dataset import Schema

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Made:
    """Functions for samples of a kind.

    plain:   (samples (N, *shape) as the network makes them, the schema) -> the same on the data's own scale
    endings: of files that `write` knows; "/" for a folder of one file each
    write:   (path, what `plain` gave, the class of each or None, the schema) -> the file or folder that was written
    picture: (samples as the network makes them, the schema, a path without ending) -> a picture of them for a report
    """

    plain: Callable[["Tensor", Schema], Any]
    endings: tuple[str, ...]
    write: Callable[[Path, Any, Sequence[str] | None, Schema], None]
    picture: Callable[["Tensor", Schema, Path], Path] | None = None
