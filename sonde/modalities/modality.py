"""What is known about one kind of data: one frozen record. Free of torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Rows, Schema
from sonde.core.progress import Tick


class Claim(NamedTuple):
    """How sure a form is that it can read a place, from 1 to 100, and why."""

    sure: int
    why: str


class Reader(Protocol):
    """Reads a place as a dataset; `like` is a trained run's schema that the data are to be judged by."""

    def __call__(
        self, path: Path, config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None
    ) -> Dataset: ...


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form in which data of a kind stands on disk.

    name:      in words, for errors and `--help`: "class folders of images"
    recognise: what a listing holds -> a claim, None where it is something else; nothing is opened that the listing has not
    read:      "module:function" of its `Reader`
    tasks:     tasks for which it is looked at first, since some folders hold the makings of several
    only_for:  whether it is read for these tasks alone
    folds:     whether its training rows can be cut in parts by `sonde.data.splits.split_rows`
    instead_of_columns: what it has where a table has columns ("class folders"); "" where it has columns
    """

    name: str
    recognise: Callable[[Any], Claim | None]
    read: str
    tasks: tuple[str, ...] = ()
    only_for: bool = False
    folds: bool = True
    instead_of_columns: str = ""


@dataclass(frozen=True, kw_only=True)
class Modality:
    """A kind of data: how it is found, read, asked about, shown and fed.

    kind:    of `InputSpec`
    noun:    what a person calls such data ("images"), and `input_word` what stands for one in a command ("IMAGE")
    config:  the frozen dataclass of its settings, whose fields are flags; None for none
    forms:   what it looks like on disk
    rows_to_predict: "module:function" (inputs, schema, tick) -> rows without targets, and a name for each
    recipe:  "module" with `model(dataset)` and `settings(dataset, model)`, for tasks without a recipe of their own
    show:    "module:function" that writes one row beside a report's case
    inspect: "module:function" that adds to `sonde inspect`
    augmentation: "module:function" (text, schema) -> what changes a batch while training, None for nothing
    """

    kind: str
    noun: str
    input_word: str
    forms: Sequence[Form]
    rows_to_predict: str
    recipe: str
    config: type | None = None
    show: str = ""
    inspect: str = ""
    augmentation: str = ""


RowsToPredict = Callable[[Any, Schema, Tick], tuple[Rows, list[str]]]
