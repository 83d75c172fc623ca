"""What is known about one kind of data: one frozen record. Free of torch, of Pillow and of pyarrow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sonde.core.config import DataConfig
from sonde.core.dataset import InputSpec, Rows, Schema


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What data are opened for.

    task: where it is named; None leaves it to the data
    like: a trained run's schema that the data are to be evaluated by
    """

    config: DataConfig = field(default_factory=DataConfig)
    task: str | None = None
    like: Schema | None = None


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form in which data of a kind stand on disk.

    name:      in words, for errors and `--help`: "class folders of images"
    sure:      from 1 to 100, how sure it is where it recognises a place: the surest opens it, and forms are tried in that order
    module:    with two functions, and `read_frames` where `frames`:
               recognise(listing, wanted) -> why a place holds the form, None if it does not; it may raise a DataError for what
               is of the form but ambiguous
               read(listing, config, *, task, tick, like) -> the dataset, see `Wanted`; it may raise a DataError
    endings:   of files without any of which it is not tried; () where names have no such ending
    folders:   of which one must stand there too, at some depth, in small letters; () where names of folders tell nothing
    tasks:     tasks for which it is tried first, since some folders hold the makings of several
    targets:   kinds of targets that trained models have for which it is tried first
    only_for_tasks: whether it is read for these tasks and targets alone
    folds:     whether its training rows can be cut in parts by `sonde.data.splits.split_rows`
    instead_of_columns: what it has where a table has columns ("class folders"); "" where it has columns
    packed:    whether rows stand inside files, many in one, so that a place is predicted on as a whole
    frames:    whether it also reads tables in memory: ({split: table}, wanted) -> Dataset, or None where they hold something else
    """

    name: str
    sure: int
    module: str
    endings: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    only_for_tasks: bool = False
    folds: bool = True
    instead_of_columns: str = ""
    packed: bool = False
    frames: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """A row that a report shows.

    folder, stem: files are written to `folder`, and called `stem` and an ending; their names in the page begin with the stem
    """

    rows: Rows
    index: int
    spec: InputSpec
    folder: Path
    stem: str

    def file(self, ending: str) -> Path:
        """Where to write a file, whose folder is there then."""
        path = self.folder / f"{self.stem}{ending}"
        path.parent.mkdir(exist_ok=True)
        return path


class Claim(NamedTuple):
    """A form that recognises a place, and why."""

    form: Form
    why: str


@dataclass(frozen=True, kw_only=True)
class Modality:
    """A kind of data: how it is found, read, predicted on, shown and fed. Functions are named "module:function".

    kind:       of `InputSpec`
    noun:       what a person calls such data: "images"
    input_word: what stands for one in a command: "IMAGE"
    absent:     the end of the error for other data where one of its settings is given: "holds no images"
    instead:    kind of data -> what to do with such instead of leaving a setting out, where there is something
    forms:      what it looks like on disk
    rows_to_predict: (inputs, schema, tick) -> rows without targets, and a name for each
    recipe:     module with `model(dataset)` and `settings(dataset, model)`, for tasks without a recipe of their own
    config:     the frozen dataclass of its settings, whose fields are flags; None for none
    reads:      settings of other kinds of data that it reads too
    augmentation: (text, schema) -> what changes a batch while training, None for nothing; "" where no such text is known
    show:       a `Case` -> what stands beside it in a report: names of files that it wrote, or text
    made:       the `sonde.modalities.made.Made`, what is done with inputs that a model has made; "" where nothing can be
    judged:     whether a classifier of such data can measure samples (`Made.vectors`)
    inspect:    the `sonde.modalities.inspect.Parts` of `sonde inspect`
    sample:     (spec, rows, answers, generator) -> what a model that gives such an answer is called with, to count its costs; by
                default numbers, and their lengths where a row has a `unit`
    activations_per_value: schema -> activations that a network holds at a time for each value of its input, where that is
                more than the symbols of its target
    row:        what a person calls one of its rows, and several
    row_of:     (schema.json) -> the same, where that depends on the data; "" where it does not
    unit:       what the length of a row is counted in: "tokens"; "" for rows of one shape
    classical:  (schema, training rows, other rows, seconds) -> (name, prediction for the others) of a model that is no network,
                to compare with; None where there is too little time (`sonde.run.classical`)
    schemes:    what a name begins with, before a colon ("gym") -> "module:function" that reads the rest, as `embedded`
    meant:      (a place where nothing is) -> names with a scheme that may be meant by it, which can be read
    acted:      whether what a scheme names is acted in, and holds no rows
    unread:     (scheme or "", kinds of targets that the task is for, or ()) -> settings that nothing reads there, for help
    given:      (object of a program's, config, task=, tick=, like=) -> Dataset, or None of what is nothing of this kind; asked
                before arrays and tables are looked for. "" where nothing but those is taken
    embedded:   name of data that come with a package -> its `read`, as a form has one, but without a listing
    """

    kind: str
    noun: str
    input_word: str
    absent: str
    forms: Sequence[Form]
    rows_to_predict: str
    recipe: str = "sonde.modalities.arrays.recipe"
    config: type | None = None
    instead: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    augmentation: str = ""
    show: str = ""
    made: str = ""
    judged: bool = True
    inspect: str = ""
    sample: str = ""
    activations_per_value: str = ""
    row: tuple[str, str] = ("row", "rows")
    row_of: str = ""
    unit: str = ""
    classical: str = ""
    schemes: Mapping[str, str] = field(default_factory=dict)
    meant: str = ""
    acted: bool = False
    unread: str = ""
    given: str = ""
    embedded: Mapping[str, str] = field(default_factory=dict)
