"""Jobs of data that Sonde describes: opened and looked at, with task, model and settings chosen for them."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from sonde.core.bounds import flag
from sonde.core.config import GROUPS, PlaceConfig, TrainConfig, flat
from sonde.core.config_file import SavedConfig, in_memory, read_config
from sonde.core.damaged import anew
from sonde.core.dataset import Dataset, Fact
from sonde.core.errors import ConfigError
from sonde.core.findings import Finding, hushed, silenced
from sonde.core.overrides import Overrides, from_keywords
from sonde.core.run_folder import RunFolder
from sonde.core.value_types import annotations, suited
from sonde.engine.clock import Clock
from sonde.modalities.open import open_data
from sonde.modalities.settings import data_config, leaves
from sonde.modalities.settings import groups as every_group
from sonde.models.renamed import with_new_names
from sonde.run.build import NOTHING_OWN, Assembly, Own, assemble
from sonde.run.callers_code import Code
from sonde.run.choose import choose, choose_model, choose_task
from sonde.run.environment_steps import derived_origin, with_updates
from sonde.run.inferred import inferred
from sonde.run.job import Job
from sonde.run.latent import as_coded
from sonde.run.lengths import unit_for_more
from sonde.run.loggers.table import check_installed
from sonde.run.memory import room_for
from sonde.run.model_file import allow_code
from sonde.run.resolve import CUSTOM_MODULE, Resolved, resolve, settled
from sonde.run.resume import LENGTHS, check_overrides, dropped_lengths, nothing_to_do, with_length
from sonde.run.split_checks import checked, data_findings
from sonde.run.start import about_data
from sonde.run.transfer import advised, as_begun, model_of, normalised, unread_weights, with_vocabulary
from sonde.screen.screen import Screen

ParseRest = Callable[[str, str, tuple[str, ...]], dict[str, Any]]
"""(model, task, leftover words) -> settings of the model's and the task's own."""


OF_A_LOSS = ("loss", "label_smoothing", "class_weights", "focal_gamma", "huber_delta")
"""Settings that a loss of the caller's own leaves without effect."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """What a caller passes to a job besides data and settings.

    parse_rest: reads the words that are the model's and the task's own; None where there are none
    module:     a network of the caller's own
    own:        a loss and metrics of the caller's own;  code: all of the caller's code (`run/callers_code`)
    begun:      second of `time.perf_counter` that the run counts from, where that is not when the job is made
    """

    screen: Screen
    parse_rest: ParseRest | None = None
    module: nn.Module | None = None
    own: Own = NOTHING_OWN
    code: Code = field(default_factory=dict)
    begun: float | None = None


def data_job(data: Any, overrides: Overrides, caller: Caller) -> Job:
    """The job of training on `data`; whatever is not given is inferred, and what was inferred is printed.

    With `folds` and no `fold`, each part of the rows is evaluated in turn, by a run of its own.

    Raises: SondeError subclasses for mistakes that the caller can fix
    """
    clock = Clock(begun=caller.begun)
    check_installed(PlaceConfig(log=suited("log", overrides.values.get("log", ()), tuple[str, ...])).logs)
    out = overrides.values.get("out")
    if out is not None:
        RunFolder(Path(out)).state()  # a folder that cannot be used is refused before the data are read
    folded = bool(overrides.values.get("folds")) and not overrides.values.get("fold")
    with clock.part("data"):
        dataset, resolved = prepare(data, overrides.having({"fold": 1}) if folded else overrides, caller)
    place = resolved.config.place
    if place.out is not None and not place.fresh:
        dataset = as_begun(dataset, RunFolder(Path(place.out)), resolved.config.transfer.pretrained)
    if not folded:
        return _job(dataset, resolved, overrides.values, caller, clock)
    resolved = replace(resolved, config=replace(resolved.config, data=replace(resolved.config.data, fold=0)))
    spare = replace(caller, module=copy.deepcopy(caller.module))  # each fold starts from the weights that were given
    cut = Fact(
        f"{resolved.config.data.folds}-fold cross-validation, each fold evaluated once",
        "--folds; this is the first fold's",
    )

    def fold(folder: RunFolder, number: int) -> Job:
        given = overrides.having({"fold": number, "out": str(folder.path / f"fold-{number}")})
        quiet = replace(caller, screen=Screen(quiet=True), module=copy.deepcopy(caller.module), begun=None)
        return data_job(data, given, quiet)

    whole = _job(dataset, resolved, overrides.values, spare, clock)
    return replace(whole, about=about_data(dataset, cut), fold=fold)


def resumed_job(folder: RunFolder, data: Any, overrides: Mapping[str, Any], screen: Screen) -> Job | None:
    """The job of resuming a run; None where it is finished, and no longer than it is to be.

    data: needed again when the run was trained on arrays in memory
    overrides: settings that may change
    Raises: ConfigError for a setting that must not change, DataError
    """
    check_overrides(overrides)
    _refuse_elsewhere(folder, overrides)
    saved = with_new_names(read_config(folder.config))
    allow_code(saved, named_in=folder.path, trusted=bool(overrides.get("trust_code")))
    before = settled(saved)
    config = _overridden(before, overrides)
    if note := dropped_lengths(before.loop, overrides, saved.origin):
        screen.say(note)
    if nothing_to_do(folder, config.loop):
        more = f"sonde resume {folder.path} {flag(unit_for_more(config.loop))} N"
        screen.say(f"{folder.path} is finished; train it further with: {more}")
        return None
    if saved.own and saved.settings.get("model") != CUSTOM_MODULE:
        what = " and ".join(f"{name}=" for name in saved.own)
        raise ConfigError(
            f"{folder.path} was trained with {what} of your own, which only your program can give; make the same call again with "
            "out= this folder"
        )
    if data is None and in_memory(saved.data):
        raise ConfigError(f"{folder.path} was trained on {saved.data}; pass them again: sonde.resume(…, data=…)")
    caller, data = Caller(screen=screen), saved.data if data is None else data
    if config.data.folds and not config.data.fold:
        return data_job(data, _overrides_before(saved, overrides).having({"out": str(folder.path)}), caller)
    clock = Clock()
    with clock.part("data"):
        dataset = open_data(data, config.data, task=config.task, tick=screen.tick)
    _show(dataset, screen, config)
    resolved = Resolved(
        config=replace(config, place=replace(config.place, out=str(folder.path), fresh=False)),
        origin={**saved.origin, **dict.fromkeys(overrides, "typed"), **derived_origin(config)},
        reasons=saved.reasons,
    )
    return _job(as_begun(dataset, folder, config.transfer.pretrained), resolved, overrides, caller, clock)


def _refuse_elsewhere(folder: RunFolder, overrides: Mapping[str, Any]) -> None:
    """Raises: ConfigError for settings of a new run, which one that goes on would pass over"""
    if overrides.get("fresh"):
        raise ConfigError(f"{flag('fresh')} starts over, and resume continues; {anew(folder.path)}")
    if overrides.get("out") is not None and Path(overrides["out"]).resolve() != folder.path.resolve():
        raise ConfigError(f"{flag('out')} {overrides['out']}: a run continues in its own folder; leave it out")


def prepare(data: Any, overrides: Overrides, caller: Caller) -> tuple[Dataset, Resolved]:
    """Open the data, choose task and model, merge all settings, and print what was inferred."""
    overrides = with_vocabulary(overrides)
    _refuse_shares(overrides.values)
    with room_for("reading the data", "give fewer rows, images at a smaller --image-size, or arrays as .npy files"):
        dataset = checked(open_data(data, data_config(overrides.values), task=overrides.task, tick=caller.screen.tick))
    task, task_why = choose_task(dataset, overrides.task)
    seen = as_coded(dataset, task, overrides)
    model, model_why = _model_for(seen, overrides, task, caller.module)
    if overrides.leftover:
        if caller.parse_rest is None:
            raise ConfigError(f"unknown settings: {' '.join(overrides.leftover)}")
        overrides = overrides.having(caller.parse_rest(model, task, overrides.leftover))
    recipe = advised(choose(seen, task=task, model=model), overrides.values, rows=len(dataset.splits["train"]))
    if caller.own.loss is not None:
        _refuse_of_a_loss(overrides.values)
        recipe = replace(recipe, settings={n: entry for n, entry in recipe.settings.items() if n not in OF_A_LOSS})
    resolved = resolve(overrides, recipe)
    if warning := unread_weights(resolved.config.model, resolved.config.transfer.pretrained):
        dataset = replace(dataset, warnings=[*dataset.warnings, warning])
    dataset = normalised(dataset, resolved.config.transfer, resolved.config.model)
    _show(dataset, caller.screen, resolved.config)
    caller.screen.task(f"{task} ({task_why})", f"{model} ({model_why})", inferred(resolved))
    return dataset, resolved


def _show(dataset: Dataset, screen: Screen, config: TrainConfig) -> None:
    """Print what was read, and what is to be said of it unless that is silenced."""
    found = hushed(_found(dataset, config), silenced(config.loop.silence))
    screen.data(dataset.facts, [finding.as_dict() for finding in found if finding.severity != "note"])


def _found(dataset: Dataset, config: TrainConfig) -> list[Finding]:
    """What is to be said of the data in a run of these settings."""
    given = flat(config.task_config)
    off = [each for setting, findings in dataset.unless.items() if given.get(setting) is False for each in findings]
    return data_findings(dataset.warnings, [*dataset.findings, *off])


def _refuse_of_a_loss(values: Mapping[str, Any]) -> None:
    """Raises: ConfigError for settings of the task's losses beside a loss of the caller's own"""
    if given := [name for name in OF_A_LOSS if values.get(name)]:
        raise ConfigError(f"{flag(given[0])} has no effect: loss= is a function of your own; leave it out")


def _refuse_shares(values: Mapping[str, Any]) -> None:
    """Raises: ConfigError for shares of rows beside a setting that says which rows are held back"""
    if values.get("folds") and values.get("test"):
        raise ConfigError(f"--test {values['test']:g} has no effect: each fold is the test part in turn; leave it out")
    for share in ("test", "validation"):
        if values.get("split_at") and values.get(share):
            raise ConfigError(
                f"--{share} {values[share]:g} has no effect: --split-at says where the parts end; leave it out"
            )


def _job(dataset: Dataset, resolved: Resolved, given: Mapping[str, Any], caller: Caller, clock: Clock) -> Job:
    def build(config: TrainConfig, fresh: bool) -> Assembly:
        with clock.part("data"):
            return assemble(
                dataset, config, clock=clock, tick=caller.screen.tick, model=caller.module, own=caller.own, fresh=fresh
            )

    return Job(
        resolved=resolved,
        given=given,
        about={**about_data(dataset), "code": caller.code},
        build=build,
        name=(dataset.name, Path(resolved.config.model).name),
        screen=caller.screen,
        found=_found(dataset, resolved.config),
        shown=True,
        own=caller.own.names,
    )


def _model_for(dataset: Dataset, overrides: Overrides, task: str, module: nn.Module | None) -> tuple[str, str]:
    """(model, why): the caller's, or that of the run whose weights are used, where none is named."""
    if module is not None:
        return CUSTOM_MODULE, "a custom module"
    where = overrides.values.get("pretrained")
    before = model_of(where) if overrides.model is None else None
    if before is not None:
        file = Path(str(where)).expanduser()
        allow_code(read_config(file), named_in=file, trusted=bool(overrides.values.get("trust_code")))
    return choose_model(dataset, overrides.model, task) if before is None else (before, f"as in {where}")


def _overridden(config: TrainConfig, overrides: Mapping[str, Any]) -> TrainConfig:
    """`config` with what is given now. Raises: ConfigError for a value that is refused."""
    groups, kinds = leaves(), {**GROUPS, **every_group()}
    given = {name: suited(name, value, annotations(kinds[groups[name]])[name]) for name, value in overrides.items()}
    changed = {
        group: replace(getattr(config, group), **{n: v for n, v in given.items() if groups[n] == group})
        for group in ("feed", "machine", "place")
    }
    rest = {name: value for name, value in given.items() if groups[name] == "loop" and name not in LENGTHS}
    loop = replace(with_length(config.loop, given), **rest)
    data = config.data
    for name, value in given.items():
        if groups[name] not in GROUPS:  # of a kind of data
            data = data.having(replace(data.of(kinds[groups[name]]), **{name: value}))
    return with_updates(replace(config, loop=loop, data=data, **changed))


def _overrides_before(saved: SavedConfig, overrides: Mapping[str, Any]) -> Overrides:
    """The overrides of a cross-validation that is resumed, with what is given now."""
    skip = {
        "fold",
        "fresh",
        "trust_code",
        *(LENGTHS if any(overrides.get(name) is not None for name in LENGTHS) else ()),
    }
    values = {name: value for name, value in saved.overrides().items() if name not in skip}
    model, task = values.pop("model", None), values.pop("task", None)
    return from_keywords(values, model=model, task=task).having(overrides)
