"""A run folder's files as plain values. Whatever is missing or torn is absent here: a report is also drawn in mid-run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from sonde.core.config_file import OWN_NETWORK, is_tree
from sonde.core.damaged import DAMAGE
from sonde.core.errors import first_line
from sonde.core.files import read_json
from sonde.core.findings import silencing
from sonde.core.log_lines import parsed_line
from sonde.core.records import END_MOVED, LENGTH_KNOWN, RESUMED
from sonde.core.run_folder import RunFolder, open_run
from sonde.core.run_state import RunState, checkpoint_step, folds_of, state_of
from sonde.core.units import counted
from sonde.report.pooling import pooled, together

SPLITS = ("test", "validation", "train")  # the first that was evaluated is the one a report speaks of
FINISHED = RunState(condition="finished", line={})


CUSTOM = "custom data"  # the form of data that the caller's program alone can give again
LOOKED = ("importance", "embedding", "seen", "sample_quality", "reconstructions", "became")


class Makes(NamedTuple):
    """Of a run that makes inputs, by its task.

    tells:      what its headline metric says: "how well noise is told from data"
    likelihood: whether that is a likelihood of rows, or a bound of it
    judged:     whether a judge can measure samples of this kind of data
    """

    tells: str
    likelihood: bool = False
    judged: bool = True


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What stands in a run folder; see docs/run-folder.md for the keys."""

    path: Path
    config: dict[str, Any]
    plan: dict[str, Any]
    data: dict[str, Any]
    env: dict[str, Any]
    result: dict[str, Any]
    lr_range: dict[str, Any]
    steps: Sequence[dict[str, Any]]
    evaluations: Sequence[dict[str, Any]]
    events: Sequence[dict[str, Any]]
    findings: Sequence[dict[str, Any]]
    evaluated: dict[str, dict[str, Any]]  # split -> file stem -> content of evaluation/<split>/<stem>.json
    features: dict[str, Any] = field(default_factory=dict)  # evaluation/features.json
    samples: dict[str, Any] = field(
        default_factory=dict
    )  # "about": samples/about.json, "files": those of its split by stem
    looked: dict[str, Any] = field(default_factory=dict)  # stem -> other files of evaluation/ itself
    logged: Sequence[dict[str, Any]] = field(default=())  # by observers
    signals: Sequence[dict[str, Any]] = field(default=())  # what the doctor measured inside the network
    unreadable: Sequence[str] = field(default=())  # one sentence per file that is there and cannot be read
    window: tuple[float, float] | None = None  # the part of the x axis that is drawn, where it is not all
    reached: int = 0  # the last step, where only lines of a part are left
    schema: dict[str, Any] = field(default_factory=dict)
    state: RunState = field(default=FINISHED)
    saved: int | None = None  # step of the newest checkpoint that is whole, of a run without a result
    units: Mapping[str, str] = field(default_factory=dict)  # of metrics, by the run's task, where they are known
    row: tuple[str, str] = ("row", "rows")  # what one row of its kind of data is called, and several
    values: str = ""  # what the values of a task that acts count beside rewards
    makes: Makes | None = None  # of a run that makes inputs, where its task is known
    folds: "Sequence[Reading]" = field(default=())  # of a cross-validation
    drawn: datetime | None = None  # when the page is drawn, with its zone
    drawn_again_by: datetime | None = (
        None  # when it will have been drawn anew if it still trains, where the run draws it
    )

    @property
    def in_program(self) -> bool:
        """Whether a program began it, so that settings are told as keywords, `lr=0.01`, and not as flags."""
        return bool(self.env.get("in_program")) or self.data.get("form") == CUSTOM

    @property
    def own_network(self) -> bool:
        """Whether a program handed its network over, which it alone can build again: no command can."""
        settings = self.config.get("settings")
        named = settings.get("model") if isinstance(settings, Mapping) else None
        return self.data.get("form") == CUSTOM or named == OWN_NETWORK

    @property
    def resumed_by_call(self) -> bool:
        """Whether only the call that began it trains it further: of a network, a loss or the like of the caller's own."""
        return self.own_network or bool(self.config.get("own"))

    @property
    def model(self) -> str:
        """The class of the caller's own network, also while it trains, else the model's name; "" while unknown."""
        settings, code = self.config.get("settings"), self.data.get("code")
        network = code.get("network") if isinstance(code, Mapping) else None
        own = network.get("name") if isinstance(network, Mapping) else None
        typed = settings.get("model") if isinstance(settings, Mapping) else None
        return str(own or self.result.get("network") or self.result.get("model") or typed or "")

    @property
    def train_loss_of(self) -> str:
        """What the training loss of the result is a mean over, as the screen has it; "" where that is not known."""
        steps = self.result.get("train_loss_steps")
        if not isinstance(steps, int):
            return ""
        return f"mean of the last {steps:,} training steps" if steps > 1 else "of the last training step"

    @property
    def split(self) -> str:
        """The split the report speaks of: test before validation before train; "" when none was evaluated."""
        return next((split for split in SPLITS if self.evaluated.get(split)), "")

    @property
    def done(self) -> bool:
        """Whether it has a result, and was not trained further since."""
        return bool(self.result) and self.state.condition == "finished"

    @property
    def acts(self) -> bool:
        """Whether it learns from what it does, and not from rows."""
        return any("environment_steps" in line for line in self.steps[:1]) or "experience" in self.result

    @property
    def plays(self) -> bool:
        """Whether it learns from games that it plays against itself."""
        return any("games" in line for line in self.steps[:1]) or "self_play" in self.result

    @property
    def length(self) -> str:
        """What its steps are called, "steps", and of a run that acts or plays "updates"."""
        return "updates" if self.acts or self.plays else "steps"

    @property
    def metric(self) -> str:
        """The metric that chose the best checkpoint; "" while unknown."""
        return str(self.result.get("headline") or (self.result.get("objective") or {}).get("metric", ""))

    @property
    def chosen(self) -> bool:
        """Whether validation scores chose the checkpoint that is kept; else it holds the last weights."""
        return self.result.get("objective", {}) is not None

    @cached_property
    def taken(self) -> tuple[Sequence[int], Sequence[float]]:
        """(steps of the training, steps of the environments until then) of a run that acts."""
        held = "step", "environment_steps"
        lines = [line for line in self.steps if all(isinstance(line.get(name), int | float) for name in held)]
        return [int(line["step"]) for line in lines], [float(line["environment_steps"]) for line in lines]

    @cached_property
    def last_step(self) -> int:
        """The last step that was logged or evaluated, or at which the end moved."""
        if self.reached:
            return self.reached
        moves = [line for line in self.events if line.get("event") == END_MOVED]
        lines = (*self.steps, *self.evaluations, *self.logged, *moves)
        return max((line.get("step") or 0 for line in lines), default=0)

    @cached_property
    def ends_at(self) -> int | None:
        """The step at which it is to end, as far as is known: where the plan says, or to which that was moved since."""
        planned = self.plan.get("steps")
        for line in self.events:
            details = line.get("details")
            to = details.get("to") if isinstance(details, Mapping) else None
            if line.get("event") in (END_MOVED, LENGTH_KNOWN) and isinstance(to, int):
                planned = to
            elif line.get("event") == RESUMED:  # which may go on to another end, with a plan of its own
                planned = to if isinstance(to, int) else self.plan.get("steps")
        return planned if isinstance(planned, int) else None

    def comparable(self, split: str) -> list[dict[str, Any]]:
        """The evaluations of a split that stand in one curve: those of all its rows, or where more were of a part of them, those.

        A figure of eight games does not rise or fall from one of a hundred.
        """
        lines = [line for line in self.evaluations if line.get("split") == split]
        whole = [line for line in lines if not line.get("part")]
        return whole if 2 * len(whole) >= len(lines) else [line for line in lines if line.get("part")]

    def left_out(self, split: str) -> str:
        """What of these evaluations stands in no curve, in words; "" for nothing."""
        number = sum(line.get("split") == split for line in self.evaluations) - len(self.comparable(split))
        if not number:
            return ""
        kind = "of all" if self.comparable(split)[0].get("part") else "of a part of the"
        return f" {counted(number, 'evaluation', 'evaluations')} {kind} {self.row[1]} {'is' if number == 1 else 'are'} left out."


def read_folder(path: Path) -> Reading:
    """Read all that a report draws. Raises: RunFolderError when there is no run at `path`."""
    run = open_run(path)
    troubles: list[str] = []
    metrics, findings, signals = (read_lines(file, troubles) for file in (run.metrics, run.findings, run.signals))
    found = with_lines(read_files(path), metrics, findings, signals)
    folds = [read_folder(fold) for fold in folds_of(path) if (fold / "config.yaml").exists()]
    found = replace(found, unreadable=(*troubles, *found.unreadable), folds=folds)
    return _of_folds(found) if folds else found


def with_lines(
    run: Reading,
    metrics: Sequence[dict[str, Any]],
    findings: Sequence[dict[str, Any]],
    signals: Sequence[dict[str, Any]],
) -> Reading:
    """A reading with what stands in the logs."""
    kinds = {"steps": "step", "evaluations": "evaluation", "events": "event", "logged": "log"}
    by_kind: dict[str, Any] = {
        name: [line for line in metrics if line.get("kind") == kind] for name, kind in kinds.items()
    }
    return replace(run, **by_kind, findings=findings, signals=signals)


def read_files(path: Path) -> Reading:
    """All but the logs, which grow while a run trains. Raises: RunFolderError when there is no run at `path`."""
    run = open_run(path)
    troubles: list[str] = []
    state = state_of(path)
    return Reading(
        path=path,
        config=_yaml(run.config, troubles),
        plan=_json(run.plan, troubles),
        data=_json(run.data, troubles),
        env=_json(run.env, troubles),
        result=_json(run.result, troubles),
        lr_range=_json(run.lr_range, troubles),
        steps=(),
        evaluations=(),
        events=(),
        findings=(),
        evaluated=_evaluated(run, troubles),
        features=_json(run.evaluation / "features.json", troubles),
        looked={stem: _json(run.evaluation / f"{stem}.json", troubles) for stem in LOOKED},
        samples={} if state.condition == "finished" else _samples(run, troubles),
        schema=_json(run.schema, troubles),
        state=state,
        saved=None if state.condition == "finished" else checkpoint_step(path),
        unreadable=tuple(troubles),
    )


def _of_folds(run: Reading) -> Reading:
    """A cross-validation, with what its folds have in their folders put together."""
    done = [fold for fold in run.folds if fold.evaluated]
    findings = [(int(fold.path.name.removeprefix("fold-")), fold.findings) for fold in run.folds]
    schema = run.folds[0].schema
    try:
        evaluated = pooled([(fold.path.name, fold.evaluated) for fold in done])
    except DAMAGE as error:
        text = f"the folds' evaluations cannot be put together ({first_line(error)[:200]}) and were left out"
        return replace(run, findings=together(findings), schema=schema, unreadable=(*run.unreadable, text))
    return replace(run, evaluated=evaluated, findings=together(findings), schema=schema)


def respelled(run: Reading, spelling: Callable[[str], str]) -> Reading:
    """The run with what its findings, its plan, its data and the reasons of its settings say in another spelling of settings."""

    def told(entry: Mapping[str, Any]) -> dict[str, Any]:
        texts = {name: spelling(entry[name]) for name in ("evidence", "action") if isinstance(entry.get(name), str)}
        return {**entry, **texts, "silence": spelling(silencing(entry))}

    def lines(held: Mapping[str, Any], name: str) -> dict[str, Any]:
        given = held.get(name)
        if not isinstance(given, list):
            return dict(held)
        return {**held, name: [spelling(line) if isinstance(line, str) else line for line in given]}

    def reasons(held: Mapping[str, Any]) -> dict[str, Any]:
        given = held.get("reasons")
        if not isinstance(given, Mapping):
            return dict(held)
        return {
            **held,
            "reasons": {name: spelling(why) if isinstance(why, str) else why for name, why in given.items()},
        }

    return replace(
        run,
        config=reasons(run.config),
        findings=[told(finding) for finding in run.findings],
        plan=lines(run.plan, "lines"),
        data=lines(run.data, "warnings"),
        folds=[respelled(fold, spelling) for fold in run.folds],
    )


def read_lines(path: Path, troubles: list[str]) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines. The last line may be torn by a kill and is then left out; others are reported."""
    if not path.exists():
        return []
    *whole, last = path.read_bytes().split(b"\n")  # a line that has its end is whole
    found = []
    for number, line in enumerate([*whole, last], start=1):
        if not line.strip():
            continue
        entry = parsed_line(line)
        if entry is not None:
            found.append(entry)
        elif number <= len(whole):
            troubles.append(f"{path.name} line {number} is damaged and was left out")
    return found


def _evaluated(run: RunFolder, troubles: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        folder = run.evaluation / split
        if folder.is_dir():
            files = sorted(folder.glob("*.json"))
            found[split] = {path.stem: value for path in files if (value := _parsed(path, troubles)) is not None}
    return found


def _samples(run: RunFolder, troubles: list[str]) -> dict[str, Any]:
    """What a run shows while it trains."""
    about = _json(run.samples / "about.json", troubles)
    split, stems = about.get("split"), about.get("files")
    if split not in SPLITS or not isinstance(stems, list):
        return {}
    names = [stem for stem in stems if isinstance(stem, str) and stem.isidentifier()]
    files = {stem: _parsed(run.samples / split / f"{stem}.json", troubles) for stem in names}
    return {"about": about, "files": {stem: content for stem, content in files.items() if content is not None}}


def _parsed(path: Path, troubles: list[str]) -> Any:
    try:
        return read_json(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        troubles.append(f"{path.name} cannot be read ({error.strerror or error}) and was left out")
        return None
    except ValueError as error:
        troubles.append(f"{path.name} is not JSON ({error}) and was left out")
        return None


def _json(path: Path, troubles: list[str]) -> dict[str, Any]:
    value = _parsed(path, troubles)
    if value is not None and not isinstance(value, dict):
        troubles.append(f"{path.name} does not hold what a run writes there and was left out")
    return value if isinstance(value, dict) else {}


def _yaml(path: Path, troubles: list[str]) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        value = yaml.load(path.read_bytes(), loader)
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        troubles.append(f"{path.name} is not YAML ({' '.join(str(error).split())}) and was left out")
        return {}
    if not is_tree(value):
        troubles.append(f"{path.name} is nested too deeply, or refers to itself, and was left out")
        return {}
    return value if isinstance(value, dict) else {}
