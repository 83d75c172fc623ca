"""What a form on disk becomes: rows that can be read, per split, and a description that outlives the data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from sonde.core.damaged import conform
from sonde.core.findings import Finding

MOST_VALUES = 10**10  # of a row, which would take 40 GB
IGNORED = 255  # of a mask's pixels: neither trained on nor evaluated
BACKGROUND = "background"  # the class of pixels that show none of the things looked for


@dataclass(frozen=True, kw_only=True)
class Column:
    """One encoded column of a table, fitted on the training rows alone.

    number:   standardised by mean and std; missing becomes 0 and, where training rows miss it, an indicator column follows
    category: code 1.. in `categories` order; 0 is missing or never seen in training
    text:     read as tokens, where an input is made of several columns of text
    """

    name: str
    kind: Literal["number", "category", "text"]
    source: str  # the table's own column (a date column gives several encoded ones)
    part: str = ""  # for dates: year, month, …; "missing" for an indicator; "" otherwise
    date_order: str = ""  # for dates: how they are written: ymd, dmy or mdy, or counted: epoch, sheet, calendar
    # for numbers in text: what separates decimals, by which tables to predict on are read; "" where it is not known
    decimal: str = field(default="", compare=False)
    way: str = ""  # for numbers in text: what else stands in their cells, such as a unit (`modalities/table/measures`)
    absent: tuple[float, ...] = ()  # numbers that stand for a gap (-999)
    mean: float = 0.0
    std: float = 1.0
    categories: tuple[str, ...] = ()
    gaps: bool = field(default=True, compare=False)  # of categories: whether training rows have code 0
    quantiles: tuple[float, ...] = ()  # of the standardised training values, for models that bin numbers
    # of the training values that lie below each of them, ties by half; () in runs of earlier versions, which took even steps
    shares: tuple[float, ...] = field(default=(), compare=False)
    # "bool" or "datetime" where the source's own type was that, and not text: made rows come back so
    own: str = field(default="", compare=False)
    # of dates that were text or numbers: the pattern that gives them back as they were; made rows are written so
    written: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """The input of a model.

    shape: one row after preparation: (channels, height, width) for images, (frames, channels, height, width) for clips,
           (features,) for tables and flat arrays; of sequences the longest: (tokens,), (samples,) for audio, (steps, variables)
           for series, (atoms,), (residues,)
    mean, std: per channel for images and clips (of the values in 0..1); of clips of sound per mel (`sonde.nn.sound_code`); empty
           elsewhere
    columns: for tables, in the order of the features; category columns hold their code as a float
    scale: for images from arrays that were not bytes, what their values were multiplied by to lie in 0..255; of pictures that an
           environment shows in fewer bytes than 0..255, what these are multiplied by; of clips of sound the power that counts as
           silence; else 0
    fit:   how images of another size come to theirs: stretched to it, or letterboxed: scaled to fit and grey where they do not
    tokenizer, symbols: for tokens, the vocabulary as JSON (`sonde.core.vocabulary`) and its size
    symbols: of molecules, how many codes the features of atoms have; of proteins as for tokens, and 0 where backbones are given
    column: for tokens and molecules out of a table, the column they were read from; of tables whose rows are learned whole, that
            of the classes
    rate:  of audio, samples a second
    step:  of series, how far steps are apart; `columns` are their variables, `column` the time
    forecast: of series, how many variables are to be forecast, the first ones; 0 for all
    covariates: of series, how many numbers are known of every step in advance, also of those that are forecast
    read_as: another kind whose networks read such inputs too, "" for none
    extra: what else a kind's reader has to know of the data that were trained on, as text: of another package, and of images that
           are kept as float32, how they were scaled
    space: of environments, what one shows and takes, as text (`sonde.core.spaces`); "" where that is not known

    A batch holds tokens (B, T) int64, PAD behind the end of each row; molecules (B, N, features) and `bonds` (B, N, N), 0 where
    there is no atom and no bond; other sequences are zero there, and `lengths` (B,) comes with them. With a series that has
    `covariates` comes that field, (B, steps and horizon, covariates) float. Backbones of proteins are
    (B, R, 4, 3) float, the places of N, CA, C and O in ångström.
    """

    kind: str  # of `sonde.modalities.catalogue`
    shape: tuple[int, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    columns: tuple[Column, ...] = ()
    scale: float = 0.0
    fit: Literal["stretch", "letterbox"] = "stretch"
    tokenizer: str = ""
    symbols: int = 0
    column: str = ""
    rate: int = 0
    step: str = ""
    forecast: int = 0
    covariates: int = 0
    read_as: str = ""
    extra: str = ""
    space: str = field(default="", compare=False)  # not in runs of earlier versions, which go on

    @property
    def is_clip(self) -> bool:
        """Whether an input is sound of one length, (samples,), that networks see as levels by mel over time."""
        return bool(self.rate and self.mean)

    @property
    def has_planes(self) -> bool:
        """Whether an input is (channels, height, width): normalised by channel, and looked at, cut and turned as a picture."""
        return len(self.shape) == 3

    @property
    def has_frames(self) -> bool:
        """Whether an input is (frames, channels, height, width): normalised by channel, and looked at frame by frame."""
        return len(self.shape) == 4


@dataclass(frozen=True, kw_only=True)
class TargetSpec:
    """The target; tasks list the kinds of target that they can be trained on (`sonde.tasks.spec`).

    none:   nothing, in inputs without labels
    class:  one of `names`, target (B,) int64            labels: any of `names`, target (B, len(names)) float 0/1
    value:  real numbers called `names`, target (B, len(names)) float, standardised by mean and std
    mask:   one of `names` per pixel, target (B, H, W) uint8 or int64; IGNORED where a pixel does not count
    boxes:  any number of objects of `names` per image, target (B, N, 5) float32: class, then left, top, right, bottom in
            pixels of the stored image; rows past the last object have class -1
    next:   the token that follows each of the input's, target (B, T) int64; PAD where none counts
    tokens: a text of its own, target (B, M) int64, END after its last token and PAD behind
    span:   where in the input the answer stands, target (B, 2) int64: its first and its last token; `shape` is (tokens that are
            read at once,): longer rows are read in windows; a third of `names` says that some have no answer, and 0 and 0 then
    series: the steps after the input's, target (B, H, V) float of the variables `names`, standardised by mean and std
    distances: between alpha carbons, target (B, R, R) float in ångström, 0 where none counts; `names` are those of the bins
            that logits are of (`sonde.modalities.protein.codes`);  residues: target (B, R) int64; PAD where none counts
    torsions: angles called `names` of each residue's backbone, target (B, R, len(names), 2) float: cosine and sine, both 0 where
            an angle is not known
    action: what is done, one of `names`, which are whole numbers that follow one another
    actions: what is done, of each of `names` one of as many as `shape` says, counted from `mean`
    control: what is done, numbers called `names`, from mean - std to mean + std
    logged-action, logged-actions, logged-control: what was done at each step of a log: one of `names`, target (B,) int64; of each
            of `names` one of as many as `shape` says, target (B, len(names)) int64 from 0; or numbers, target
            (B, len(names)) float, where -1 and 1 are the bounds, which lie std below and above mean
    tokenizer, symbols: for next, tokens and residues, the vocabulary as JSON and its size
    shape:  of series (H, V)
    season, scales: of series, steps after which they repeat themselves (1: never), and the mean absolute difference from a season
            before over the training part, one for each of `names`, in their own units
    masked: some targets are missing; the batch then holds `mask` like target, 0 where missing
    """

    kind: str
    names: tuple[str, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    masked: bool = False
    tokenizer: str = ""
    symbols: int = 0
    shape: tuple[int, ...] = ()
    season: int = 0
    scales: tuple[float, ...] = ()

    @property
    def has_classes(self) -> bool:
        """Whether each row has one of several classes."""
        return self.kind == "class"

    @property
    def has_values(self) -> bool:
        """Whether real numbers are predicted."""
        return self.kind == "value"

    @property
    def has_masks(self) -> bool:
        """Whether each pixel has one of several classes."""
        return self.kind == "mask"

    @property
    def has_boxes(self) -> bool:
        """Whether objects are marked by boxes."""
        return self.kind == "boxes"

    @property
    def out_dim(self) -> int:
        """Outputs a model needs: one logit for two classes, one per symbol or step of a series, else one per name."""
        if self.kind == "series":
            return self.shape[0]
        if self.symbols:
            return self.symbols
        return 1 if self.kind in ("class", "mask") and len(self.names) == 2 else len(self.names)


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Everything predict needs besides weights; `schema.json`."""

    input: InputSpec
    target: TargetSpec

    def as_dict(self) -> dict[str, Any]:
        """For JSON; vocabularies are kept in files of their own (`sonde.core.schema_file`)."""
        found = asdict(self)
        for part in ("input", "target"):
            del found[part]["tokenizer"]
        return found

    @staticmethod
    def from_dict(saved: Mapping[str, Any], *, tokenizer: str = "", target_tokenizer: str = "") -> "Schema":
        """The inverse of `as_dict`, after a trip through JSON.

        Raises: ValueError, TypeError or LookupError for what `as_dict` did not write
        """
        columns = tuple(
            Column(**conform(Column, each, where=f"input.columns[{place}]"))
            for place, each in enumerate(saved["input"]["columns"])
        )
        entry = conform(InputSpec, {**saved["input"], "columns": (), "tokenizer": tokenizer}, where="input")
        found = Schema(
            input=InputSpec(**{**entry, "columns": columns}),
            target=TargetSpec(
                **conform(TargetSpec, {**saved["target"], "tokenizer": target_tokenizer}, where="target")
            ),
        )
        _check_sizes(found)
        return found


def _check_sizes(schema: Schema) -> None:
    """Raises: ValueError for a schema that contradicts itself, such as one with more means than channels"""
    given, target = schema.input, schema.target
    planes = (0, given.shape[-3]) if given.has_planes or given.has_frames else (len(given.mean),)
    if len(given.mean) != len(given.std) or len(given.mean) not in planes:
        raise ValueError(f"input has {len(given.mean)} means and {len(given.std)} deviations for shape {given.shape}")
    if len(target.mean) != len(target.std):
        raise ValueError(f"target has {len(target.mean)} means and {len(target.std)} deviations")
    if min((*given.shape, *target.shape, given.symbols, target.symbols, given.rate), default=0) < 0:
        raise ValueError("a size is below 0")
    if prod(given.shape) > MOST_VALUES or max(given.symbols, target.symbols) > MOST_VALUES:
        raise ValueError(f"shape {given.shape} has more values than any row")


@runtime_checkable
class Rows(Protocol):
    """Rows of one split. Must pickle: streaming workers get a copy.

    read(indices) returns stacked arrays, one per field, with the rows in the given order. Images are uint8
    (n, channels, height, width) already at the stored size; tables and arrays float32; `target` as in TargetSpec (float
    targets already standardised), with `mask` where TargetSpec.masked. Raises DataError naming the file (and row).
    It may be called from several threads at once.
    """

    def __len__(self) -> int: ...
    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]: ...
    def describe(self, index: int) -> str: ...  # where row `index` came from: "train/cat/001.png", "titanic.csv row 17"
    def nbytes(self) -> int: ...  # what all rows take once packed


@dataclass(frozen=True)
class Fact:
    """One thing that was inferred, and why; the short block a person reads before training."""

    what: str  # "10 classes"
    why: str  # "labels are the integers 0-9"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Data that was opened: rows per split, the schema, and an account of what was read."""

    name: str  # short, fit for a folder name
    source: str  # what the user typed, made absolute where it is a path; enough to open it again
    form: str  # "IDX files", "class folders", "CSV table", …
    schema: Schema
    splits: Mapping[str, Rows]  # "train" always; "validation" and "test" where there are any
    facts: Sequence[Fact]
    warnings: Sequence[str] = ()  # what was guessed, cut or left out: counted oddities that do not stop anything
    findings: Sequence[Finding] = ()  # what is wrong with the rows themselves
    unless: Mapping[str, Sequence[Finding]] = field(default_factory=dict)  # setting -> what is wrong unless it is on
    fingerprint: Mapping[str, str] = field(default_factory=dict)  # file or array name -> content hash
    suggestion: str = ""  # a task the form itself implies, "" when the target's kind decides
    goals: Mapping[str, float] = field(default_factory=dict)
    """Metric -> value from which whoever made the data calls them solved."""
    references: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Metric -> {"what", "value", "std", "count"}: what the data themselves score, such as a log's own episodes."""

    @property
    def marks(self) -> dict[str, dict[str, Any]]:
        """What scores are measured by beside baselines: `goals` and `references`, of those that there are."""
        return {name: dict(found) for name in ("goals", "references") if (found := getattr(self, name))}
