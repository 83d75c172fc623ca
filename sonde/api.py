"""Training from Python, by the same names and through the same path as the command line."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from sonde.core.config import GROUPS, TrainConfig, flat, leaves
from sonde.core.config_file import read_config, write_config
from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError
from sonde.core.files import write_json
from sonde.core.findings import Finding
from sonde.core.overrides import Asked
from sonde.core.records import StepRecord
from sonde.core.run_folder import RunFolder, fresh_path, open_run
from sonde.core.schema_file import write_schema
from sonde.core.value_types import annotations, suited
from sonde.engine.clock import Clock
from sonde.run.build import Assembly, assemble
from sonde.run.choose import choose, choose_model, choose_task
from sonde.run.environment import describe
from sonde.run.errors import room_in
from sonde.run.folds import Folds, asked_of, cross_validate, is_folded, one_fold, wants_folds
from sonde.run.job import Session, carry_out
from sonde.run.plan import refuse_idle
from sonde.run.resolve import OWN_MODULE, Resolved, data_config, resolve, settled
from sonde.run.resume import (
    LENGTHS,
    asks_for_more,
    begin_in,
    check_overrides,
    kept_length,
    load_best,
    remember,
    same_data,
    same_settings,
    saved_state,
    with_length,
)
from sonde.run.run import Run, load
from sonde.run.transfer import advised, as_begun, model_of, normalised, with_vocabulary
from sonde.screen.screen import Screen

ParseRest = Callable[[str, str, tuple[str, ...]], dict[str, Any]]


def train(data: Any, *, target: Any = None, model: str | nn.Module | None = None, **settings: Any) -> Run:
    """Train on `data` and return the run; everything that is not given is inferred and said.

    data: path, name, (inputs, targets), arrays, tensors, data frame, dict of columns, torch Dataset
    target: column name(s) for tables, or the targets as an array
    settings: the command line's flags with underscores: epochs=5, lr=1e-3, hidden=(256, 128), out="runs/mine", …
    Raises: SondeError subclasses for what is the caller's to mend
    """
    asked, data = _asked(data, target=target, model=model, settings=settings)
    screen = Screen(quiet=bool(settings.get("quiet", False)))
    module = model if isinstance(model, nn.Module) else None
    return train_asked(data, asked, screen=screen, module=module)


def _asked(data: Any, *, target: Any, model: Any, settings: Mapping[str, Any]) -> tuple[Asked, Any]:
    values = dict(settings)
    task = values.pop("task", None)
    if isinstance(target, str):
        values["target"] = (target,)
    elif isinstance(target, list | tuple) and all(isinstance(name, str) for name in target):
        values["target"] = tuple(target)
    elif target is not None:
        data = (data, target)
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
        if isinstance(value, Path):
            values[name] = str(value)
    if not isinstance(model, str | nn.Module | None):
        what = f"the class {model.__name__}; call it" if isinstance(model, type) else f"a {type(model).__name__}"
        raise ConfigError(f'model takes a name, "file.py:Net" or a torch.nn.Module, not {what}')
    name = model if isinstance(model, str) else None
    given: list[str] = [*values, *(["model"] if name else []), *(["task"] if task else [])]
    origin = dict.fromkeys(given, "typed")
    return Asked(values=values, origin=origin, model=name, task=task, leftover=()), data


def train_asked(
    data: Any,
    asked: Asked,
    *,
    screen: Screen,
    parse_rest: ParseRest | None = None,
    module: nn.Module | None = None,
) -> Run:
    """The whole way from what was asked to a run; what the command line and `train` share."""
    clock = Clock()
    if wants_folds(asked):
        return _train_folds(data, asked, screen=screen, parse_rest=parse_rest, module=module)
    if "out" in asked.values:
        RunFolder(Path(asked.values["out"])).state()  # a folder that cannot be used is said before the data are read
    with clock.part("data"):
        dataset, resolved = prepare(data, asked, screen=screen, parse_rest=parse_rest, module=module)
    config, parts = resolved.config, _Parts(clock=clock, screen=screen, module=module)
    if config.place.out is None:
        assembly = parts.assemble(dataset, config)  # first, so that a refusal leaves no folder behind
        folder = RunFolder(fresh_path(dataset.name, Path(config.model).name))
        with folder.claimed(), room_in(folder):
            return _begin(folder, dataset, resolved, assembly, screen)
    folder = RunFolder(Path(config.place.out))
    with folder.claimed(), room_in(folder):
        state = begin_in(folder, fresh=config.place.fresh)
        if state == "new":
            return _begin(folder, dataset, resolved, parts.assemble(dataset, config), screen)
        same_settings(folder, config)
        same_data(folder, dataset.fingerprint)
        config = kept_length(folder, config, asked.values)
        if state == "finished" and not asks_for_more(folder, config.loop):
            screen.say(
                f"{folder.path} holds this very run, finished; train it further with: sonde resume {folder.path} "
                "--epochs N, or start over with --fresh"
            )
            if module is None:
                return Run(folder)
            task = parts.assemble(dataset, config, fresh=False).task
            load_best(folder, task)
            return Run(folder, live_task=task, live_schema=dataset.schema)
        return _go_on(folder, dataset, replace(resolved, config=config), parts)


def _train_folds(
    data: Any, asked: Asked, *, screen: Screen, parse_rest: ParseRest | None, module: nn.Module | None
) -> Run:
    dataset, resolved = prepare(data, one_fold(asked, 1), screen=screen, parse_rest=parse_rest, module=module)

    def train_one(each: Asked, quiet: Screen) -> Run:
        own = copy.deepcopy(module)  # each fold starts from the weights that were given
        return train_asked(data, each, screen=quiet, parse_rest=parse_rest, module=own)

    parts = _Parts(clock=Clock(), screen=screen, module=copy.deepcopy(module))
    parts.assemble(dataset, resolved.config)  # what is refused is refused before there is a folder
    return cross_validate(asked, Folds(dataset=dataset, resolved=resolved, train=train_one), screen)


def prepare(
    data: Any,
    asked: Asked,
    *,
    screen: Screen,
    parse_rest: ParseRest | None = None,
    module: nn.Module | None = None,
) -> tuple[Dataset, Resolved]:
    """Open the data, choose task and model, merge all settings, and say what was inferred."""
    from sonde.modalities.open import open_data

    asked = with_vocabulary(asked)
    dataset = open_data(data, data_config(asked), task=asked.task, tick=screen.tick)
    task, task_why = choose_task(dataset, asked.task)
    model, model_why = (OWN_MODULE, "a module of your own") if module is not None else _model_for(dataset, asked, task)
    if asked.leftover:
        if parse_rest is None:
            raise ConfigError(f"unknown settings: {' '.join(asked.leftover)}")
        rest = parse_rest(model, task, asked.leftover)
        asked = replace(
            asked, values={**asked.values, **rest}, origin={**asked.origin, **dict.fromkeys(rest, "typed")}, leftover=()
        )
    recipe = advised(choose(dataset, task=task, model=model), asked.values, rows=len(dataset.splits["train"]))
    resolved = resolve(asked, recipe)
    dataset = normalised(dataset, resolved.config.transfer, resolved.config.model)
    screen.data(dataset.facts, dataset.warnings)
    screen.task(f"{task} ({task_why})", f"{model} ({model_why})")
    return dataset, resolved


def _model_for(dataset: Dataset, asked: Asked, task: str) -> tuple[str, str]:
    """(model, why): of the run whose weights are asked for, where nobody says another."""
    where = asked.values.get("pretrained")
    before = model_of(where) if asked.model is None else None
    return choose_model(dataset, asked.model, task) if before is None else (before, f"as in {where}")


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What the parts of a run are put together with, besides its data and config."""

    clock: Clock
    screen: Screen
    module: nn.Module | None = None

    def assemble(self, dataset: Dataset, config: TrainConfig, *, fresh: bool = True) -> Assembly:
        with self.clock.part("data"):
            return assemble(dataset, config, clock=self.clock, tick=self.screen.tick, model=self.module, fresh=fresh)


def _begin(folder: RunFolder, dataset: Dataset, resolved: Resolved, assembly: Assembly, screen: Screen) -> Run:
    _write_start(folder, dataset, resolved, assembly)
    session = Session(assembly=assembly, folder=folder, screen=screen, findings=_data_findings(dataset))
    return _conclude(session, carry_out(session))


def _go_on(folder: RunFolder, dataset: Dataset, resolved: Resolved, parts: _Parts) -> Run:
    config, screen = resolved.config, parts.screen
    saved = saved_state(folder, config.loop, say=screen.say)
    dataset = as_begun(dataset, folder)
    assembly = parts.assemble(dataset, config, fresh=saved is None)
    if saved is None:
        screen.say(f"{folder.path} has no checkpoint yet: starting from the beginning")
        folder.clear()
        return _begin(folder, dataset, resolved, assembly, screen)
    refuse_idle(assembly, saved, folder)
    remember(folder, config, resolved.origin)
    screen.say(f"going on at step {saved.step:,} of {folder.path}")
    folder.result.unlink(missing_ok=True)
    session = Session(assembly=assembly, folder=folder, screen=screen, findings=_data_findings(dataset))
    return _conclude(session, carry_out(session, saved=saved))


def _conclude(session: Session, result: Mapping[str, Any]) -> Run:
    screen, folder = session.screen, session.folder
    screen.result(dict(result))
    screen.findings([finding.as_dict() for finding in session.findings])
    dataset = session.assembly.dataset
    assert dataset is not None
    follows = [f"open {folder.report}"]
    if session.assembly.config.model != OWN_MODULE:  # a module of the user's own is only used from the user's program
        kind = dataset.schema.input.kind
        names = {"image": "IMAGE", "table": "TABLE", "series": "TABLE", "tokens": "TEXT"}
        names |= {"molecule": "SMILES", "protein": "FILE", "audio": "RECORDING"}
        what = "QUESTIONS.json" if dataset.schema.target.kind == "span" else names.get(kind, "ARRAY")
        follows.append(f"sonde predict {folder.path} {what}")
        if dataset.schema.target.kind == "next":
            follows.append(f"sonde generate {folder.path}")
    screen.next(follows)
    return Run(folder, live_task=session.assembly.task, live_schema=dataset.schema)


def resume(folder: str | Path, *, data: Any = None, screen: Screen | None = None, **overrides: Any) -> Run:
    """Go on exactly where a run stopped; `epochs=20` trains a finished run further.

    data: needed again when the run was trained on arrays in memory
    overrides: settings that may change, such as epochs, device, workers, threads
    Raises: RunFolderError, ConfigError for a setting that must not change, DataError when the data changed
    """
    place = open_run(folder)
    screen = screen or Screen(quiet=bool(overrides.get("quiet", False)))
    check_overrides(overrides)
    saved = read_config(place.config)
    config = _overridden(settled(saved), overrides)
    if place.state() == "finished" and not asks_for_more(place, config.loop):
        screen.say(f"{place.path} is finished; train it further with: sonde resume {place.path} --epochs N")
        return Run(place)
    parts = _Parts(clock=Clock(), screen=screen)
    if data is None and " in memory" in str(saved.data):
        raise ConfigError(f"{place.path} was trained on {saved.data}; give them again: sonde.resume(…, data=…)")
    if is_folded(place):
        return train_asked(saved.data if data is None else data, asked_of(saved, place, overrides), screen=screen)
    from sonde.modalities.open import open_data

    dataset = open_data(saved.data if data is None else data, config.data, task=config.task, tick=screen.tick)
    screen.data(dataset.facts, dataset.warnings)
    origin = {**saved.origin, **dict.fromkeys(overrides, "typed")}
    with place.claimed(), room_in(place):
        same_data(place, dataset.fingerprint)
        return _go_on(place, dataset, Resolved(config=config, origin=origin, reasons=saved.reasons), parts)


def _overridden(config: TrainConfig, overrides: Mapping[str, Any]) -> TrainConfig:
    """`config` with what is said anew. Raises: ConfigError for a value that is refused."""
    groups = dict(leaves())
    given = {name: suited(name, value, annotations(GROUPS[groups[name]])[name]) for name, value in overrides.items()}
    changed = {
        group: replace(getattr(config, group), **{n: v for n, v in given.items() if groups[n] == group})
        for group in ("feed", "machine", "place")
    }
    rest = {name: value for name, value in given.items() if groups[name] == "loop" and name not in LENGTHS}
    loop = replace(with_length(config.loop, given), **rest)
    return replace(config, loop=loop, **changed)


def _write_start(folder: RunFolder, dataset: Dataset, resolved: Resolved, assembly: Assembly) -> None:
    write_config(
        folder.config,
        data=dataset.source,
        settings={"model": resolved.config.model, "task": resolved.config.task, **flat(resolved.config)},
        origin=dict(resolved.origin),
        reasons=dict(resolved.reasons),
    )
    write_schema(folder, dataset.schema)
    write_json(
        folder.data,
        {
            "source": dataset.source,
            "form": dataset.form,
            "facts": [{"what": fact.what, "why": fact.why} for fact in dataset.facts],
            "warnings": list(dataset.warnings),
            "splits": {name: len(rows) for name, rows in dataset.splits.items()},
            "fingerprint": dict(dataset.fingerprint),
            "class_counts": _class_counts(dataset),
        },
    )
    write_json(folder.env, describe(assembly.device))


def _class_counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    from sonde.data.splits import labels_of, targets_of
    from sonde.modalities.image.box_targets import object_counts

    names = dataset.schema.target.names
    if dataset.schema.target.kind == "boxes":
        found = {split: object_counts(targets_of(rows), len(names)) for split, rows in dataset.splits.items()}
        return {split: dict(zip(names, map(int, each), strict=True)) for split, each in found.items()}
    if dataset.schema.target.kind != "class":
        return {}
    counts: dict[str, dict[str, int]] = {}
    for split, rows in dataset.splits.items():
        labels = labels_of(rows)
        counts[split] = {name: int((labels == number).sum()) for number, name in enumerate(dataset.schema.target.names)}
    return counts


def _data_findings(dataset: Dataset) -> list[Finding]:
    return [
        Finding(check="data", severity="warning", evidence=warning, action="see `sonde inspect`")
        for warning in dataset.warnings
    ]


def steps(
    task: Any, data: Any, *, loss: Any = None, lr: float = 1e-3, total: int, **settings: Any
) -> Iterator[StepRecord]:
    """The loop itself: an iterator of step records, the weights updated when each is yielded.

    task: a Task, or an nn.Module with `loss=` as for `fit`; data: a Source, a torch Dataset or DataLoader, or a tuple of tensors
    total: steps until the schedule ends and the iterator with it
    """
    from sonde.engine.loop import steps as run_steps
    from sonde.run.custom import build_own, task_of

    own = build_own(task_of(task, loss), data, validation=None, settings=settings)
    stepper = own.stepper(lr=lr, total=total)
    return run_steps(stepper, own.train, stop=total)


def fit(
    task: Any, train: Any, *, validation: Any = None, loss: Any = None, metrics: Any = None, **settings: Any
) -> Run:
    """Train a researcher's own task, or a plain module with a plain loss function, through the same loop and run folder.

    task: a Task (sonde.core.seams) or an nn.Module with loss=(input's output, target) -> scalar mean
    train, validation: a torch Dataset or DataLoader, a Source, or tensors (inputs, targets)
    metrics: name -> function(output, target) -> scalar mean over the rows
    """
    from sonde.run.custom import fit_own

    return fit_own(task, train, validation=validation, loss=loss, metrics=metrics, settings=settings)


__all__ = ["fit", "load", "prepare", "resume", "steps", "train", "train_asked"]
