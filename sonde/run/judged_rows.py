"""Which rows a trained run is judged on, and whether it was trained on them.

One rule: what is reported as test are rows that nobody trained on. Of the data that a run was trained on, its own parts are
judged, as they were held out then; of other data all rows of their test part, or of the only one there is. Rows that were
trained on are counted, and the headline says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from sonde.acting.evaluation.evaluated import is_acted
from sonde.acting.seeds import SeedRows
from sonde.core.catalogue import load
from sonde.core.config import GROUPS, DataConfig
from sonde.core.config_file import read_config
from sonde.core.damaged import part, read_object
from sonde.core.data_warning import warn
from sonde.core.dataset import Dataset, Rows, Schema
from sonde.core.errors import SondeError, unknown
from sonde.core.progress import Tick, silent
from sonde.core.run_folder import RunFolder
from sonde.core.units import counted, share
from sonde.data.splits import SPLIT_NAMES
from sonde.modalities.catalogue import embedded, modality
from sonde.modalities.open import open_data, open_like
from sonde.modalities.settings import data_config, leaves, of_kind
from sonde.models.renamed import with_new_names
from sonde.run.given_rows import fingerprints
from sonde.run.split_checks import ENOUGH, rows_again
from sonde.run.transfer import as_begun

TRAINED_ON = "the run was trained on them, so this is not a test score"
CHOSE = "they chose the best checkpoint, so this is not a test score"
MAY_BE = "so rows that the run was trained on may be among them"
ALL = "all"  # of data that have one part only


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of a run, and of which rows they are.

    rows:    how many, None where they only come in batches
    caution: why they are no test scores, or may be none; "" where nobody trained on the rows
    highlights: what the task says beside the scores, a line each, such as which of several series is forecast worst
    row:     what one row is called, and several
    begun:   of episodes, the seeds that they begin from and by which actions they are played, of games, whom they are against,
             in words; "" of rows
    """

    scores: Mapping[str, float]
    split: str
    rows: int | None
    caution: str = ""
    highlights: Sequence[str] = ()
    row: tuple[str, str] = ("row", "rows")
    begun: str = ""

    @property
    def headline(self) -> str:
        """Such as "test, 359 rows", and what keeps the scores from being a test's."""
        told = self.split if self.rows is None else f"{self.split}, {counted(self.rows, *self.row)}"
        told += f" ({self.begun})" if self.begun else ""
        return f"{told}: {self.caution}" if self.caution else told


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The rows that are judged: a split of an opened dataset. caution: as of `Evaluation`."""

    rows: Rows
    split: str
    caution: str = ""

    def evaluation(
        self, scores: Mapping[str, float], schema: Schema, highlights: Sequence[str], begun: str = ""
    ) -> Evaluation:
        """What came of it. begun: as of `Evaluation`"""
        about = modality(schema.input.kind)
        if about.acted and not is_acted(self.rows):  # rows of a log, whatever the run is evaluated in
            schema = replace(schema, input=replace(schema.input, extra=""))
        played = isinstance(self.rows, SeedRows)  # also of what was learned from a log, whose rows were steps
        row = load(about.row_of)(asdict(schema)) if about.row_of and not played else about.row
        return Evaluation(
            scores=scores,
            split=self.split,
            rows=len(self.rows),
            caution=self.caution,
            highlights=tuple(highlights),
            row=row,
            begun=begun,
        )


def judged(
    folder: RunFolder,
    data: Any,
    schema: Schema,
    reading: DataConfig,
    *,
    split: str | None = None,
    own_target: bool = False,
    tick: Tick = silent,
) -> Judged:
    """The rows of some data that a run is judged on.

    reading: settings to read other data by;  own_target: whether another target than the run's was asked for
    Raises: DataError for data that cannot be judged, ConfigError when there is no such split
    """
    dataset = open_like(data, schema, reading, tick=tick)
    warn(dataset.warnings)
    trained = None if own_target else _trained_on(folder, data, schema, dataset, tick)
    if trained is not None:
        chosen = _chosen(trained, split)
        caution = {"train": TRAINED_ON, "validation": CHOSE}.get(chosen, "")
        return Judged(rows=trained.splits[chosen], split=chosen, caution=caution)
    chosen = _chosen(dataset, split)
    rows = dataset.splits[chosen]
    called = chosen if split is not None or len(dataset.splits) > 1 else ALL
    return Judged(rows=rows, split=called, caution=rows_trained_on(folder, data, schema, rows, tick))


class Parts(NamedTuple):
    """Data in their splits.  own: whether they are what the run was trained on, in the parts that they had then"""

    splits: Mapping[str, Rows]
    own: bool

    @property
    def held_out(self) -> str:
        """The split that the run is judged on."""
        return _first_of(self.splits)


def parts_of(folder: RunFolder, data: Any, schema: Schema, *, tick: Tick = silent) -> Parts:
    """All splits of some data, read as the run read its own. Raises: DataError"""
    dataset = open_like(data, schema, reading_of(folder, schema), tick=tick)
    warn(dataset.warnings)
    trained = _trained_on(folder, data, schema, dataset, tick)
    return Parts((dataset if trained is None else trained).splits, trained is not None)


def reading_of(folder: RunFolder, schema: Schema, target: Sequence[str] = ()) -> DataConfig:
    """The settings by which a run read data of its kind, with nothing held out. target: other columns than the run's"""
    settings = read_config(folder.config).settings
    read = {name: settings[name] for name in of_kind(schema.input.kind) if name in settings}
    return data_config({**read, "validation": 0.0, "test": 0.0, **({"target": target} if target else {})})


def caution_of_custom(folder: RunFolder, data: Any) -> str:
    """`TRAINED_ON` for arrays in memory that are those which `sonde.fit` trained on, "" for others and what is not known."""
    before, now = _fingerprint(folder), fingerprints({"train": data})
    return TRAINED_ON if now and all(before.get(name) == value for name, value in now.items()) else ""


def _chosen(dataset: Dataset, split: str | None) -> str:
    if split is not None and split not in dataset.splits:
        raise unknown("split", split, dataset.splits)
    return split or _first_of(dataset.splits)


def _first_of(splits: Mapping[str, Rows]) -> str:
    return next(name for name in ("test", "validation", "train") if name in splits)


def _trained_on(folder: RunFolder, data: Any, schema: Schema, dataset: Dataset, tick: Tick) -> Dataset | None:
    """The same data in the parts they had in training, where they are those that the run was trained on."""
    before = _fingerprint(folder)
    return _as_trained(folder, data, schema, tick) if before and dict(dataset.fingerprint) == before else None


def _as_trained(folder: RunFolder, data: Any, schema: Schema, tick: Tick) -> Dataset | None:
    """Data opened by the settings of the run's training; None where that gives other data, or none."""
    saved = with_new_names(read_config(folder.config))
    of_data = {name for name, title in leaves().items() if title == "data" or title not in GROUPS}
    values = {n: tuple(v) if isinstance(v, list) else v for n, v in saved.settings.items() if n in of_data}
    try:
        dataset = as_begun(open_data(data, data_config(values), task=str(saved.settings["task"]), tick=tick), folder)
    except SondeError:
        return None  # moved, or changed: nothing is known of them
    same = dict(dataset.fingerprint) == _fingerprint(folder)
    return dataset if same and dataset.schema == schema else None


def rows_trained_on(folder: RunFolder, data: Any, schema: Schema, rows: Rows, tick: Tick) -> str:
    """What is to be said of training rows among others, where that can be known: "" where there are none."""
    source = read_config(folder.config).data or ""
    if not (source in embedded() or Path(source).exists()):
        return ""
    trained = _as_trained(folder, source, schema, tick)
    found = None if trained is None else rows_again(trained, rows)
    if found is not None:
        few = found <= max(1, ENOUGH * len(rows))
        of_all = f"{found:,} of them ({share(found / len(rows), 0)})"
        some = f"{of_all} are equal to rows that the run was trained on, so this is not a test score"
        return "" if few else TRAINED_ON if found == len(rows) else some
    return _by_place(Path(source), data, changed=trained is None)


def _by_place(source: Path, data: Any, *, changed: bool) -> str:
    """The same of rows that were not compared, by where they stand."""
    if not isinstance(data, str | Path) or not source.exists():
        return ""
    there, trained = Path(data).expanduser().resolve(), source.resolve()
    if there == trained and changed:
        return f"the data changed since, {MAY_BE}"
    if trained not in there.parents:
        return ""
    names = [SPLIT_NAMES.get(name.lower().split(".")[0]) for name in there.relative_to(trained).parts]
    named = next((name for name in names if name is not None), None)
    if named is None:
        return f"they are a part of the data of its training, {MAY_BE}"
    return {"train": TRAINED_ON, "validation": CHOSE}.get(named, "")


def _fingerprint(folder: RunFolder) -> Mapping[str, str]:
    if not folder.data.exists():
        return {}
    return part(read_object(folder.data, run=folder.path), "fingerprint", folder.data, run=folder.path)
