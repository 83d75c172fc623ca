"""Run folders as they stand beside one another: what each is called, how far it came, what it scored and on which rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sonde.comparison.environments import ACTING, environment_of, met_in, rules_of
from sonde.core.damaged import DAMAGE
from sonde.core.errors import RunFolderError
from sonde.core.natural_order import natural
from sonde.core.run_owner import in_use
from sonde.core.units import count, number
from sonde.metrics.intervals import Interval
from sonde.report.answers import Answers, joined, read_answers
from sonde.report.folder import Reading, read_folder
from sonde.report.metric_words import OF_TASKS, direction, known_direction
from sonde.report.sums import Sums, joined_sums, read_sums

JUDGED = ("test", "validation")  # splits that scores are compared on, the first that all runs have
TURNING = dict.fromkeys(
    (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
)  # directional embeddings, overrides and isolates
NAME = 48  # characters of a run's name that are shown


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a judge measured of a run's samples, by name of the measure.

    by:     what must be equal for measures to be comparable: the judge, the rows, how inputs were prepared
    judge:  its run;  split: of the real rows;  rows: on either side
    floors: the same of two halves of the real rows;  intervals: of 95 %;  higher: whether more is better
    metric: the one that runs are compared by, "" while nobody has chosen
    """

    by: str
    judge: str
    split: str
    rows: int
    values: Mapping[str, float]
    floors: Mapping[str, float]
    intervals: Mapping[str, Interval]
    higher: Mapping[str, bool]
    metric: str = ""

    @property
    def floor(self) -> float | None:
        """Of the metric."""
        return self.floors.get(self.metric)

    @property
    def beside(self) -> str:
        """What a measure is of, and what real rows get."""
        real = "" if self.floor is None else f"; {number(self.floor)} between two halves of the real rows"
        return f"{count(self.rows)} samples beside as many {self.split} rows, by judge {clipped(self.judge)}{real}"


@dataclass(frozen=True, kw_only=True)
class Member:
    """One run among those compared.

    folds: of a cross-validation, the run of each fold;  going: whether it trains now
    judged: what it is compared by in place of its own scores, of a run whose samples a judge has measured
    """

    name: str
    reading: Reading
    folds: Sequence[Reading] = ()
    going: bool = False
    judged: Judgement | None = None

    @property
    def result(self) -> Mapping[str, Any]:
        """result.json, empty for a run that is not over."""
        return self.reading.result

    @property
    def parts(self) -> Sequence[Reading]:
        """The folds, or the run itself."""
        return self.folds or (self.reading,)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Name -> value."""
        found = self.reading.config.get("settings")
        return found if isinstance(found, Mapping) else {}

    @property
    def seed(self) -> Any:
        """Of its random numbers."""
        return self.settings.get("seed")

    @property
    def task(self) -> str:
        """Its name; "custom" for one of the caller's own, "samples" of a run that is compared by these."""
        if self.judged is not None:
            return "samples"
        return str(self.result.get("task") or self.settings.get("task") or "")

    @cached_property
    def environment(self) -> str:
        """The one that its scores are of; "" of a run that is scored on rows."""
        return environment_of(self.reading)

    @property
    def problem(self) -> str:
        """What its scores are of: all tasks that act stand beside one another, others each by itself."""
        return ACTING if self.environment and self.judged is None else self.task

    @property
    def model(self) -> str:
        """Its name, or the class of the caller's own network."""
        return self.reading.model

    @property
    def metric(self) -> str:
        """The one to read first: of a run that is not over, the first that its evaluations hold."""
        if self.judged is not None:
            return self.judged.metric
        evaluated = next((names for line in self.lines if (names := line.get("metrics"))), {})
        return self.reading.metric or next(iter(evaluated), "")

    @property
    def lines(self) -> Sequence[Mapping[str, Any]]:
        """The evaluations during training, of a cross-validation those of the first fold."""
        return self.parts[0].evaluations

    def value(self, split: str, metric: str) -> float | None:
        """A score of the finished run. The log loss is also that of the rows' answers, of runs that do not report it."""
        if self.judged is not None:
            return self.judged.values.get(metric) if split == self.judged.split else None
        found = ((self.result.get("metrics") or {}).get(split) or {}).get(metric)
        if found is None and metric == "log_loss" and self.result:
            held = self.answers(split)
            rows = None if held is None or len(held.target) < held.rows else held.log_loss
            found = None if rows is None else float(rows.mean())
        return float(found) if isinstance(found, int | float) else None

    def answers(self, split: str) -> Answers | None:
        """What was answered for each row of a split, of a cross-validation those of all folds; None where it was not kept."""
        if self.judged is not None:
            return None
        try:
            found = [read_answers(part.evaluated.get(split) or {}) for part in self.parts]
        except DAMAGE:
            return None
        whole = [each for each in found if each is not None]
        return joined(whole) if len(whole) == len(found) else None

    def sums(self, split: str) -> Sums | None:
        """As `answers`, what metrics of sums are made of."""
        if self.judged is not None:
            return None
        try:
            found = [read_sums(part.evaluated.get(split) or {}) for part in self.parts]
            whole = [each for each in found if each is not None]
            return joined_sums(whole) if len(whole) == len(found) else None
        except DAMAGE:
            return None

    def higher(self, metric: str) -> bool | None:
        """Whether more of a metric is better, as far as the run or the metric's name tells."""
        if self.judged is not None:
            return self.judged.higher.get(metric)
        told = direction(self.reading, metric)
        if told is None and met_in(
            self.reading
        ):  # a folder does not say what a task's scores are, and these are of matches
            return known_direction(metric, OF_TASKS)
        return told

    def without_files(self) -> "Member":
        """The run as its name alone, for a folder that holds what no run writes."""
        empty = {name: {} for name in ("config", "plan", "data", "env", "result", "lr_range", "evaluated", "features")}
        logs = dict.fromkeys(("steps", "evaluations", "events", "findings", "logged", "signals"), ())
        said = "its folder holds what no run writes there, so nothing of it is shown"
        reading = replace(self.reading, **empty, **logs, unreadable=(said,))
        return Member(name=self.name, reading=reading, going=self.going)

    @property
    def data(self) -> str:
        """What tells whether two runs had the same problem before them: the hash of the data, and the targets."""
        if self.judged is not None:
            return self.judged.by
        if self.environment:
            return rules_of(self.environment, self.settings)
        hashes = self.reading.data.get("fingerprint")
        found = [f"{name}={hashes[name]}" for name in sorted(hashes)] if isinstance(hashes, Mapping) else []
        met = met_in(self.reading)
        cut = self.settings.get("max_episode_steps") if met else None
        rules = [f"--opponents {' '.join(sorted(met))}"] * bool(met) + [f"--max-episode-steps {cut}"] * bool(cut)
        return ", ".join([*found, str(self.settings.get("target") or ""), *rules])

    @property
    def log(self) -> str:
        """The hashes of the log that a policy learned from, which is scored by its environment; "" of other runs."""
        return str(self.reading.data.get("fingerprint")) if self.environment and not self.reading.acts else ""

    @property
    def source(self) -> str:
        """The data's name, with the targets where they are columns; of what acts the environment, with what was changed of it."""
        if self.environment:
            return clipped(self.data)
        name = str(self.reading.data.get("source") or self.reading.config.get("data") or "data without a name")
        target = self.settings.get("target")
        columns = ", ".join(map(str, target)) if isinstance(target, list | tuple) else ""
        met = met_in(self.reading)
        against = f" against {', '.join(met)}" if met else ""
        return clipped(Path(name).name or name) + (f", target {clipped(columns)}" if columns else "") + against

    @cached_property
    def state(self) -> str:
        """How far it came: "finished", "failed at step 3", "running, step 120 of 400", …"""
        if self.result:
            ended = "time limit" if self.result.get("ended_by") == "time_limit" else self.result.get("status")
            return str(ended or "finished")[:80]
        step = max((part.last_step for part in self.parts), default=0)
        planned = self.parts[-1].plan.get("steps")
        of = f" of {count(planned)}" if isinstance(planned, int) else ""
        if self.going:
            return f"running, step {count(step)}{of}"
        last = self.parts[-1].findings[-1] if self.parts[-1].findings else {}
        if last.get("severity") != "error":
            return f"stopped at step {count(step)}{of}"
        at = last.get("step")
        return f"failed at step {count(at if isinstance(at, int) else step)}{of}"


def members_of(places: Iterable[Path]) -> list[Member]:
    """The runs in the given folders, in this order; a folder that is none stands for all runs in it, in the order of their start.

    Raises: RunFolderError for a folder without a run
    """
    paths = list({path.resolve(): path for place in places for path in _runs_in(place)}.values())
    names = short_names(paths)
    return [_read(path, name) for path, name in zip(paths, names, strict=True)]


def _runs_in(place: Path) -> list[Path]:
    if not place.is_dir():
        raise RunFolderError(f"there is no run folder {place}; `sonde runs` lists existing runs")
    if _is_run(place):
        return [place]
    found = [entry for entry in place.iterdir() if _is_run(entry)]
    if not found:
        raise RunFolderError(f"{place} holds no run; `sonde runs` lists existing runs")
    return sorted(found, key=lambda path: natural(path.name))


def _is_run(place: Path) -> bool:
    return place.is_dir() and (place / "config.yaml").exists()


def _read(path: Path, name: str) -> Member:
    inside = sorted((fold for fold in path.glob("fold-*") if _is_run(fold)), key=lambda fold: natural(fold.name))
    folds = [read_folder(fold) for fold in inside]
    going = in_use(path) or any(in_use(fold) for fold in inside)
    return Member(name=name, reading=read_folder(path), folds=folds, going=going)


def short_names(paths: Sequence[Path]) -> list[str]:
    """As much of each path's end as tells it from the others, and no more than NAME characters of it; no two are equal.

    >>> short_names([Path("runs/a"), Path("old/a"), Path("runs/b")])
    ['runs/a', 'old/a', 'b']
    """
    parts = [path.resolve().parts for path in paths]
    found = []
    for own in parts:
        others = [other for other in parts if other != own]
        length = next((n for n in range(1, len(own)) if all(other[-n:] != own[-n:] for other in others)), len(own))
        found.append(clipped("/".join(own[-length:])))
    return told_apart(found)


def told_apart(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that an earlier one has: what is kept by name would lose one of two.

    >>> told_apart(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    found: list[str] = []
    for name in names:
        own, place = name, 1
        while own in found:
            place += 1
            own = f"{name} ({place})"
        found.append(own)
    return found


def clipped(text: str, most: int = NAME) -> str:
    """The beginning and the end of a long text, without the marks that would turn round a sentence it stands in.

    >>> clipped("abcdefghij", 7)
    'abc…hij'
    """
    text = " ".join(text.translate(TURNING).split())
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"


def split_of(members: Iterable[Member], metric: str) -> str:
    """The split that most finished runs have a score on; test before validation, empty where none has."""
    finished = [member for member in members if member.result]
    held = {split: sum(member.value(split, metric) is not None for member in finished) for split in JUDGED}
    best = max(JUDGED, key=lambda split: held[split])  # the first of equals
    return best if held[best] else ""
