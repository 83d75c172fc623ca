"""`sonde runs [FOLDER]`: the runs, side by side. Reads JSON alone, so a hundred runs cost what ten do."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sonde.cli.begin import begin
from sonde.core.damaged import DAMAGE
from sonde.core.errors import ConfigError, RunFolderError, nearest
from sonde.core.files import plain, read_json
from sonde.core.log_lines import parsed_line
from sonde.core.marks import shell_quoted
from sonde.core.natural_order import natural
from sonde.core.run_state import RunState, state_of
from sonde.core.units import count, duration, metric, metric_name
from sonde.report.metric_words import known_direction
from sonde.screen.screen import Screen
from sonde.screen.summary import headline
from sonde.tasks.table import spec

ABOUT = """\
Runs in FOLDER (by default runs), newest last: data, model, main metric on each split, duration, status; of a run without a
result the scores of its last evaluation. `sonde compare` tells whether they differ by more than noise.

examples:
  sonde runs
  sonde runs experiments/ --sort accuracy
  sonde runs --json
"""
DEFAULT = "runs"  # where `sonde train` puts them
UPDATES, STEPS, GAMES = "updates", "env steps", "games"  # columns of runs that act
LENGTHS = {
    "epochs": "epochs",
    UPDATES: "updates",
    STEPS: "environment_steps",
    GAMES: "games",
}  # column -> field of a run
EXPENDABLE = ("train", "model", UPDATES, "epochs", STEPS, GAMES, "time", "data")
"""Columns that a narrow terminal goes without, the first one first."""
MOST_FOLDED = 32  # characters of a cell, of which more is folded
TAIL_BYTES = 2_000_000  # of metrics.jsonl, in which the last evaluation is looked for
MOST_NEXT = 3  # commands that are named
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class RunsOptions:
    """How runs are listed."""

    sort: str = ""
    """A metric (the best first), time (the longest first) or name; by default the newest last."""
    json: bool = False
    """Print JSON, an object a run: folder, started, data, model, epochs (of runs that act updates, with
    environment_steps or games), metric, scores, metrics, seconds, status."""


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """One run as a row; `scores` holds the main metric per split, `metrics` all of them."""

    name: str
    started: str = ""
    data: str = ""
    model: str = ""
    epochs: float | None = None
    updates: int | None = None
    environment_steps: int | None = None
    games: int | None = None
    metric: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: float | None = None
    status: str

    @property
    def acts(self) -> bool:
        """Whether it acts in environments, or plays games: what it learns from has no epochs."""
        return self.environment_steps is not None or self.games is not None


def run(words: Sequence[str]) -> int:
    """List runs. Raises: RunFolderError when the folder does not exist, ConfigError."""
    begun = begin(words, RunsOptions, usage="runs [FOLDER]", about=ABOUT)
    if begun is None:
        return 0
    folder, options = Path(begun.words[0] or DEFAULT), begun.options
    found = find_runs(folder) if folder.exists() or str(folder) != DEFAULT else []
    found = in_order(found, options.sort) if options.sort and found else found
    if options.json:
        begun.screen.write(json.dumps(plain([_as_json(line) for line in found]), indent=2) + "\n")
        return 0
    if not found:
        begun.screen.say(f"no runs in {folder}; start one with: sonde train digits")
        return 0
    if options.sort and any(options.sort in scores for line in found for scores in line.metrics.values()):
        found = [replace(line, metric=options.sort, scores=_of(line, options.sort)) for line in found]
    splits = [split for split in SPLITS if any(split in line.scores for line in found)]
    some = {column: any(getattr(line, name) is not None for line in found) for column, name in LENGTHS.items()}
    lengths = [column for column in LENGTHS if some[column] or (column == "epochs" and not all(o.acts for o in found))]
    columns = ["run", "data", "model", *lengths, "metric", *splits, "time", "status"]
    list_runs(begun.screen, columns, [_row(line, lengths, splits) for line in found])
    if killed := [line.name for line in found if line.status.startswith("killed") and _drawn_before(Path(line.name))]:
        begun.screen.next([f"sonde report {shell_quoted(name)}" for name in killed[-MOST_NEXT:]])
    return 0


def list_runs(screen: Screen, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; on a terminal that is too narrow for it without what matters least, or with a line or two for each run."""
    width = screen.output.width
    kept = columns if width is None else columns_within(columns, rows, width)
    places = [columns.index(name) for name in kept]
    shown = [[row[place] for place in places] for row in rows]
    if width is None or _width(kept, shown) <= width:
        screen.table("", kept, shown)
    else:
        for name, *cells in rows:
            screen.say(name)
            for line in textwrap.wrap(", ".join(_in_words(columns[1:], cells)), max(20, width - 2)):
                screen.say(f"  {line}")
    if len(kept) < len(columns):
        left = [name for name in columns if name not in kept]
        screen.say(f"no room for {', '.join(left)}; --json has all")


def columns_within(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Names of the columns for a terminal of so many characters: all of them, or without some that say least; the same as given
    where even the others have no room.
    """
    kept = list(columns)
    for name in (*EXPENDABLE, ""):
        shown = [[row[columns.index(each)] for each in kept] for row in rows]
        if _width(kept, shown) <= width:
            return kept
        kept = [each for each in kept if each != name]
    return list(columns)


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Characters that a table needs, with two between columns; long texts are folded."""
    longest = [max(len(columns[place]), *(len(row[place]) for row in rows)) for place in range(len(columns))]
    return sum(min(MOST_FOLDED, each) for each in longest) + 2 * (len(columns) - 1)


def _in_words(columns: Sequence[str], cells: Sequence[str]) -> list[str]:
    """The cells of a run that are not empty, with what a number is.

    >>> _in_words(["data", "epochs", "metric", "test", "time"], ["digits", "5", "accuracy", "90.00 %", "8 s"])
    ['digits', '5 epochs', 'accuracy 90.00 % test', '8 s']
    """
    found = dict(zip(columns, cells, strict=True))
    scores = " and ".join(f"{found[split]} {split}" for split in reversed(SPLITS) if found.get(split))
    scores = scores.replace(" train", " training")
    lengths = [f"{found[each]} {_ones(each, found[each])}" for each in LENGTHS if found.get(each)]
    metric = f"{found['metric']} {scores}" if scores else ""
    named = [
        found.get("data", ""),
        found.get("model", ""),
        *lengths,
        metric,
        found.get("time", ""),
        found.get("status", ""),
    ]
    return [part for part in named if part]


def _ones(column: str, value: str) -> str:
    return column.removesuffix("s") if value == "1" else column


def _drawn_before(place: Path) -> bool:
    """Whether the page of a run was drawn before its last line was logged, or never: one that was killed draws none."""
    try:
        return (place / "report.html").stat().st_mtime < (place / "metrics.jsonl").stat().st_mtime
    except OSError:
        return (place / "metrics.jsonl").exists()


def in_order(lines: Sequence[RunLine], sort: str) -> list[RunLine]:
    """Runs by a metric, the best first, by time, the longest first, or by name; those that have none of it last.

    A metric is that on the test data, else on the validation data, else on the training data.
    Raises: ConfigError for a metric that no run has, or of which nobody knows whether more is better
    """
    if sort == "name":
        return sorted(lines, key=lambda line: natural(line.name))
    if sort == "time":
        return sorted(lines, key=lambda line: -(line.seconds or 0.0))
    known = list(dict.fromkeys(name for line in lines for scores in line.metrics.values() for name in scores))
    if sort not in known:
        near = nearest(sort, ["time", "name", *known], count=1)
        hint = f"did you mean {near[0]}?" if near else f"give time, name, {', '.join(known[:20])}"
        raise ConfigError(f"--sort {sort}: no run here has such a metric; {hint}")
    ways = {known_direction(sort, _units(Path(line.name))) for line in lines if _of(line, sort)}
    higher = ways.pop() if len(ways) == 1 else None
    if higher is None:
        raise ConfigError(f"--sort {sort}: whether higher is better is not known; sort by another metric")
    return sorted(lines, key=lambda line: _place(_of(line, sort), higher))


def _units(place: Path) -> Mapping[str, str]:
    """What a run's task knows of its metrics; empty of a custom one."""
    try:
        return spec(_named(place, "task")).units
    except ConfigError:
        return {}


def _of(line: RunLine, name: str) -> dict[str, float]:
    """A metric on each split that has it."""
    return {split: scores[name] for split, scores in line.metrics.items() if scores.get(name) is not None}


def _place(scores: Mapping[str, float], higher: bool) -> tuple[bool, float]:
    value = next((scores[split] for split in reversed(SPLITS) if split in scores), None)
    return value is None, 0.0 if value is None else -value if higher else value


def _as_json(line: RunLine) -> dict[str, Any]:
    content = asdict(line)
    kept = (UPDATES, "environment_steps", "games") if line.acts else ("epochs",)
    for name in LENGTHS.values():
        if name not in kept or (name != "epochs" and content[name] is None):
            del content[name]
    return {"folder": content.pop("name"), **content}


def find_runs(folder: Path) -> list[RunLine]:
    """The runs in `folder`, or the one that it is, oldest first. Raises: RunFolderError."""
    if not folder.is_dir():
        raise RunFolderError(f"there is no folder {folder}; `sonde train` writes its runs to runs/")
    try:
        places = [folder] if _is_run(folder) else [entry for entry in folder.iterdir() if _is_run(entry)]
    except OSError as error:
        raise RunFolderError(f"cannot read {folder}: {error.strerror}") from None
    return sorted((read_line(place) for place in places), key=lambda line: (line.started, line.name))


def read_line(place: Path) -> RunLine:
    """What a run folder's JSON says of it; what cannot be read becomes its status."""
    try:
        env, data = _mapping(place / "env.json"), _mapping(place / "data.json")
        known = {
            "name": str(place),
            "started": str(env.get("started", "")),
            "data": Path(str(data.get("source", ""))).name,
        }
        state = state_of(place)
        if state.condition != "finished":
            return RunLine(**known, **_so_far(place, state))
        result = _mapping(place / "result.json")
        told = result.get("epochs") is not None or _taken(result)
        older = {} if told else _last(_last_lines(place / "metrics.jsonl"), "step")
        return RunLine(**known, **_finished(result, older))
    except _Broken as trouble:
        return RunLine(name=str(place), status=f"broken: {trouble}")
    except DAMAGE:  # a file that is JSON, and not what a run writes there
        return RunLine(
            name=str(place), status="broken: its result.json or data.json does not hold what a run writes there"
        )


class _Broken(Exception):
    """A file of a run folder is not what it should be."""


def _is_run(place: Path) -> bool:
    return place.is_dir() and any((place / name).exists() for name in ("config.yaml", "result.json"))


def _mapping(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is no file. Raises: _Broken."""
    try:
        content = read_json(path)
    except FileNotFoundError:
        return {}
    except ValueError:
        raise _Broken(f"{path.name} is not JSON") from None
    except OSError as error:
        raise _Broken(f"{path.name}: {error.strerror}") from None
    if not isinstance(content, dict):
        raise _Broken(f"{path.name} does not hold a JSON object")
    return content


def _finished(result: Mapping[str, Any], older: Mapping[str, Any]) -> dict[str, Any]:
    """older: the last line of steps, of a run whose result does not say how much it did"""
    name = headline(result)
    scores = {split: scores.get(name) for split, scores in (result.get("metrics") or {}).items()}
    return {
        "model": str(result.get("model", "")),
        "epochs": result.get("epochs"),
        **_acted(_taken(result) or older, result.get("steps")),
        "metric": name,
        "scores": {split: value for split, value in scores.items() if value is not None},
        "metrics": {split: _numbers(held) for split, held in (result.get("metrics") or {}).items()},
        "seconds": (result.get("seconds") or {}).get("total"),
        "status": "time limit" if result.get("ended_by") == "time_limit" else str(result.get("status", "finished")),
    }


def _taken(result: Mapping[str, Any]) -> Mapping[str, Any]:
    return result.get("experience") or result.get("self_play") or {}


def _acted(taken: Mapping[str, Any], updates: Any) -> dict[str, Any]:
    """How far a run came that acts; empty of others. taken: its result's experience, or a line of its log"""
    known = {name: int(taken[name]) for name in ("environment_steps", "games") if taken.get(name) is not None}
    return {**known, "updates": updates, "epochs": None} if known else {}


def _numbers(scores: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): value for name, value in scores.items() if isinstance(value, int | float)}


def _so_far(place: Path, state: RunState) -> dict[str, Any]:
    """A run without a result: running now, or stopped before its end."""
    seconds = state.line.get("seconds")
    lines = [] if state.fold else _last_lines(place / "metrics.jsonl")
    metrics = _evaluated(lines)
    name = next((name for scores in metrics.values() for name in scores), "")
    step = _last(lines, "step")  # what acts says how far it is in these alone
    return {
        "model": _named(place, "model"),
        "epochs": state.line.get("epoch"),
        **_acted(step, step.get("step")),
        "metric": name,
        "scores": {split: scores[name] for split, scores in metrics.items() if name in scores},
        "metrics": metrics,
        "seconds": seconds if state.line.get("kind") != "evaluation" else None,
        "status": state.words,
    }


def _last_lines(path: Path) -> list[bytes]:
    """The end of a log; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read().splitlines()
    except OSError:
        return []


def _last(lines: Sequence[bytes], kind: str) -> Mapping[str, Any]:
    """The last line of a kind; empty for none."""
    for text in reversed(lines):
        line = (parsed_line(text) or {}) if f'"{kind}"'.encode() in text else {}
        if line.get("kind") == kind:
            return line
    return {}


def _evaluated(lines: Sequence[bytes]) -> dict[str, dict[str, float]]:
    """Split -> metrics of the last evaluation that was logged; empty for none."""
    line = _last(lines, "evaluation")
    return {str(line.get("split")): _numbers(line["metrics"])} if isinstance(line.get("metrics"), dict) else {}


def _named(place: Path, what: str) -> str:
    """The model or the task in config.yaml, of which only these lines are read: all of it would take YAML's 10 ms a run."""
    try:
        lines = (place / "config.yaml").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(f"  {what}:")), "")


def _row(line: RunLine, lengths: Sequence[str], splits: Sequence[str]) -> list[str]:
    scores = [metric(line.metric, line.scores[split]) if split in line.scores else "" for split in splits]
    told = {column: getattr(line, name) for column, name in LENGTHS.items()}
    told = {
        column: "" if value is None else _epochs(value) if column == "epochs" else count(value)
        for column, value in told.items()
    }
    time = "" if line.seconds is None else duration(line.seconds)
    name = metric_name(line.metric) if line.metric else ""
    return [line.name, line.data, line.model, *(told[each] for each in lengths), name, *scores, time, line.status]


def _epochs(value: float) -> str:
    """With one decimal at most.

    >>> _epochs(24.4167), _epochs(3.0), _epochs(1200), _epochs(0.0312), _epochs(0)
    ('24.4', '3', '1200', '<0.1', '0')
    """
    return "<0.1" if 0 < value < 0.05 else f"{value:.1f}".removesuffix(".0")
