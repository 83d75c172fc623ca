"""Resuming a run: what may change, what must not, and what is stored for the next time."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from sonde.core.bounds import flag
from sonde.core.config import MAY_DIFFER, LoopConfig, TrainConfig, flat
from sonde.core.config_file import how_to_resume, in_memory, read_config, write_config
from sonde.core.damaged import conform, part, read_object, reading
from sonde.core.durations import same_setting
from sonde.core.errors import ConfigError, DataError, RunFolderError, unknown
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Task, extras_of
from sonde.core.units import count, number
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.engine.plan import ExecutionPlan
from sonde.engine.training import OF_A_LOSS, Progress, load_weights
from sonde.modalities.settings import built, leaves
from sonde.models.renamed import with_new_names
from sonde.run.callers_code import remember_code
from sonde.run.environment_steps import EITHER, refuse_both
from sonde.run.given_rows import ROWS
from sonde.run.lengths import GIVEN
from sonde.run.resolve import CUSTOM_MODULE
from sonde.run.saved import Saved
from sonde.screen.screen import Screen
from sonde.tasks.table import spec

LENGTHS = ("epochs", "steps", "environment_steps", "time_limit")
"""Ways to set the length of a run. One that is given on resume replaces all that were given before: whoever asks
a run of 10 epochs or 10 minutes for 20 epochs would else be stopped by the minutes, or the other way round."""

JUDGED_BY = ("max_episode_steps",)
"""Settings that may change on resume, by which a score is of something else (`run/judged_anew`)."""

SPLITS = {"train": "training", "validation": "validation", "test": "test"}
PARTS = dict.fromkeys(("0", "x", "input", "inputs"), "inputs") | dict.fromkeys(
    ("1", "y", "target", "targets"), "targets"
)
"""Arrays in memory in a fingerprint: a split and one of these, such as "train 0"."""

FORMER_NAMES = {"PlainTask": "ModuleTask"}
"""Tasks that folders of earlier versions know by another name."""


def load_best(folder: RunFolder, task: Task, *, needs_loss: bool = True) -> None:
    """Give the task the weights and state of the best checkpoint, and put its networks in evaluation mode.

    needs_loss: False leaves weights of a loss out, which training alone needs, and says so
    """
    held, state = checkpoint.read(checkpoint.best_folder(folder.checkpoints))
    left = [name for name in held if not needs_loss and name.startswith(OF_A_LOSS)]
    if left:
        held = {name: value for name, value in held.items() if name not in left}
        Screen().say(
            f"{folder.path} also holds weights of its loss, which are left out: loss= takes a loss that gets them"
        )
    load_weights(task.modules, held)
    if "task" in state:  # not in folders of the first versions
        with reading(checkpoint.best_folder(folder.checkpoints) / "state.json", run=folder.path):
            extras_of(task).load_state_dict(state["task"])
    task.modules.eval()


def same_settings(folder: RunFolder, config: TrainConfig, about: Mapping[str, Any]) -> None:
    """Raises: RunFolderError naming the first setting in which `config` differs from the folder's run, or other data, of which
    that may come. about: the data now, as data.json has them"""
    before = with_new_names(read_config(folder.config)).settings
    again = "the same call as before" if config.model == CUSTOM_MODULE else f"sonde resume {folder.path}"
    before = {**_defaults(config), **before, "task": FORMER_NAMES.get(before["task"], before["task"])}
    for name, value in flat(config).items():
        old = before.get(name)
        if name not in MAY_DIFFER and not same_setting(name, old, value):
            _refuse_other_data(folder, about)
            raise RunFolderError(
                f"{folder.path} holds a run with {flag(name)} {_typed(old)}, and now it is {_typed(value)}; resume with: "
                f"{again}, start over with --fresh, or give --out another folder"
            )


def _refuse_other_data(folder: RunFolder, about: Mapping[str, Any]) -> None:
    """Raises: RunFolderError where the folder's run is on other data, of another name too: what else differs comes of that"""
    before = read_object(folder.data, run=folder.path) if folder.data.exists() else {}
    was, now = before.get("source"), about.get("source")
    if was and now and was != now and not in_memory(was) and before.get("fingerprint") != about["fingerprint"]:
        raise RunFolderError(
            f"{folder.path} holds a run on {was}, and this one is on {now}; give --out another folder, or start over with --fresh"
        )


def _defaults(config: TrainConfig) -> dict[str, Any]:
    """What settings are that a folder of an earlier version says nothing of."""
    plain = flat(
        replace(config, **built({}), model_config=type(config.model_config)(), task_config=type(config.task_config)())
    )
    return plain if config.model == CUSTOM_MODULE else {**plain, **spec(config.task).formerly}


def same_data(folder: RunFolder, data: Mapping[str, Any], given: Collection[str] = ()) -> None:
    """A test set that is new touches nothing: a run that is not over evaluates it at its end.

    data: as data.json has them now;  given: names of settings that are changed
    Raises: RunFolderError for other data; DataError naming the first file (or array) that is not what the run was trained on;
    ConfigError where a setting that is changed is part of what these data are
    """
    about, now = read_object(folder.data, run=folder.path), data["fingerprint"]
    before, custom = part(about, "fingerprint", folder.data, run=folder.path), about.get("form") == "custom data"
    untested = custom and not any(_of_test(name) for name in before)
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            if name not in before and ((untested and _of_test(name)) or name.endswith(ROWS)):
                continue  # earlier versions say nothing of rows
            if name in before and name in now and (changed := [each for each in JUDGED_BY if each in given]):
                raise ConfigError(
                    f"{flag(changed[0])} cannot be changed on resume of {name}, of which it is a part; start a new run with "
                    "another --out"
                )
            _refuse_other_data(folder, data)
            words, several = _data_in_words(name, before.keys() | now.keys())
            what = "gone" if name not in now else "new" if name not in before else "changed"
            how = ("have" if several else "has") if what == "changed" else ("are" if several else "is")
            raise DataError(
                f"{words} {how} {what} since {folder.path} was started, so it cannot be resumed exactly; restore the data, or "
                "start over with --fresh"
            )


def _data_in_words(name: str, names: Collection[str]) -> tuple[str, bool]:
    """(what a fingerprint's name stands for, whether that is a plural); a file or a field is called by its name.

    names: all that the fingerprint has: the second part of two are the targets

    >>> _data_in_words("train 1", ["train 0", "train 1"]), _data_in_words("rows.csv", ["rows.csv"])
    (('the training targets', True), ('rows.csv', False))
    """
    split, _, part = name.partition(" ")
    if split not in SPLITS or part not in PARTS or (part == "1" and f"{split} 2" in names):
        return name, False
    return f"the {SPLITS[split]} {PARTS[part]}", True


def refuse_untested(folder: RunFolder, now: Mapping[str, str]) -> None:
    """Raises: DataError for a test set that a run which is over was not given"""
    if read_object(folder.data, run=folder.path).get("form") != "custom data" or not any(map(_of_test, now)):
        return
    result = read_object(folder.result, run=folder.path)
    if "test" not in part(result, "metrics", folder.result, run=folder.path):
        raise DataError(
            f"{folder.path} holds this run, finished without test=; run.evaluate(data) of sonde.load evaluates it on a test set"
        )


def _of_test(name: str) -> bool:
    return name.split(" ")[0] == "test"


def check_overrides(overrides: Mapping[str, Any]) -> None:
    """Raises: ConfigError for a setting that is unknown, or that a run cannot change on its way; for two that are one length."""
    refuse_both(name for name, value in overrides.items() if value is not None)
    for name in overrides:
        if name not in leaves():
            raise unknown("setting", name, MAY_DIFFER)
        if name not in MAY_DIFFER:
            raise ConfigError(f"{flag(name)} cannot be changed on resume; start a new run with another --out")


def with_length(loop: LoopConfig, given: Mapping[str, Any]) -> LoopConfig:
    """`loop` with the length that is among `given`, where there is one; the lengths that were given before are dropped."""
    lengths = {name: given[name] for name in LENGTHS if given.get(name) is not None}
    return replace(loop, **{**dict.fromkeys(LENGTHS), **lengths}) if lengths else loop


def dropped_lengths(loop: LoopConfig, given: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    """A note on lengths that no longer apply, since another is given; empty where there are none. origin: of settings, by name

    >>> dropped_lengths(LoopConfig(epochs=10, time_limit="10m"), {"epochs": 20}, {"time_limit": "typed"})
    '--time-limit 10m no longer applies; give it as well to keep it'
    >>> dropped_lengths(LoopConfig(steps=7808), {"time_limit": "10m"}, {"steps": "recipe"})
    'the planned length no longer applies; give --steps 7808 as well to keep it'
    """
    if all(given.get(name) is None for name in LENGTHS):
        return ""
    before = {name: getattr(loop, name) for name in LENGTHS}
    if any(given.get(name) is not None for name in EITHER):  # one replaces the other
        before = {name: value for name, value in before.items() if name not in EITHER}
    elif loop.environment_steps is not None:
        del before["steps"]  # which follow from these
    left = {name: value for name, value in before.items() if value is not None and given.get(name) is None}
    old = [f"{flag(name)} {value}" for name, value in left.items()]
    if old and not any(origin.get(name) in GIVEN for name in left):
        return f"the planned length no longer applies; give {' '.join(old)} as well to keep it"
    return (
        f"{' and '.join(old)} no longer {'apply' if len(old) > 1 else 'applies'}; give it as well to keep it"
        if old
        else ""
    )


def rate_jumps(folder: RunFolder, config: TrainConfig) -> str:
    """A note that the learning rate does not go on from where it was, as its schedule spans a new length; empty where it does."""
    schedule = config.optim.schedule
    shaped = isinstance(schedule, str) and schedule not in ("constant", "plateau")
    if not shaped or not _other_length(read_config(folder.config).settings, config.loop):
        return ""
    last = max(
        (line for line in read_lines(folder.metrics) if line["kind"] == "step" and line.get("lr") is not None),
        key=lambda line: line["step"],
        default=None,
    )
    if last is None:
        return ""
    return (
        f"schedule {schedule} spans the new length: the learning rate, {number(last['lr'])} at step {count(last['step'])}, "
        "jumps to its place in that"
    )


def saved_length(folder: RunFolder, config: TrainConfig, typed: Mapping[str, Any]) -> TrainConfig:
    """`config`, as long as the folder's run is to be, where no length is typed: it may have been lengthened since."""
    if any(typed.get(name) is not None for name in LENGTHS):
        return config
    before = read_config(folder.config).settings
    return replace(config, loop=replace(config.loop, **{name: before.get(name) for name in LENGTHS}))


def asks_for_more(folder: RunFolder, loop: LoopConfig) -> bool:
    """Whether a finished run is to be trained further: its length, or the patience or value that ended it, is set anew."""
    before = read_config(folder.config).settings
    patience = not same_setting("patience", before.get("patience", 0), loop.patience)
    result = read_object(
        folder.result, run=folder.path, remedy=f"remove it, and {how_to_resume(folder.path)} writes it again"
    )
    stopped_early = result.get("status") == "stopped early"
    beyond = before.get("stop_at") != loop.stop_at and result.get("status") == "reached"
    return (patience and stopped_early) or beyond or _other_length(before, loop)


def nothing_to_do(folder: RunFolder, loop: LoopConfig) -> bool:
    """Whether a run is finished, and no longer than it is to be."""
    return folder.state() == "finished" and not asks_for_more(folder, loop)


def saved_state(folder: RunFolder, loop: LoopConfig, *, report: Callable[[str], None]) -> Saved | None:
    """The checkpoint to resume from; None where none was written yet."""
    found = checkpoint.newest(folder.checkpoints, report=report)
    if found is None:
        return None
    place, weights, state = found
    with reading(place / "state.json", run=folder.path, remedy=checkpoint.without(place)):
        _check_numbers(state)
    before = read_config(folder.config).settings
    return Saved(
        weights=weights,
        state=state,
        plan=saved_plan(folder),
        finished=folder.result.exists(),
        new_limit=loop.time_limit is not None and _other_length(before, loop),
        same_limit=loop.time_limit is not None and before.get("time_limit") == loop.time_limit,
    )


def _check_numbers(state: Mapping[str, Any]) -> None:
    """Raises: TypeError, ValueError or LookupError for a state that was not written, in what is read before it is put back"""
    Progress(**state["progress"])
    for whole in (state["threads"], state["progress"]["step"], *state["journals"].values()):
        int(whole)
    float(state["clock"]["elapsed"])


def saved_plan(folder: RunFolder) -> ExecutionPlan:
    """plan.json. Raises: RunFolderError"""
    saved = read_object(folder.plan, run=folder.path)
    with reading(folder.plan, run=folder.path):
        return ExecutionPlan.from_dict(conform(ExecutionPlan, saved, where="the plan"))


def _other_length(before: Mapping[str, Any], loop: LoopConfig) -> bool:
    return any(not same_setting(name, before.get(name), getattr(loop, name)) for name in LENGTHS)


def take_over(folder: RunFolder, config: TrainConfig, origin: Mapping[str, str], about: Mapping[str, Any]) -> None:
    """Write down what a resume changes, once its state is put back and nothing is refused: till then its folder is as it was.

    about: what data.json says of the data now
    """
    remember(folder, config, origin)
    remember_code(folder, about.get("code", {}), about["fingerprint"])
    folder.result.unlink(missing_ok=True)


def remember(folder: RunFolder, config: TrainConfig, origin: Mapping[str, str]) -> None:
    """Store what was changed, so that the next resume starts from it."""
    before = read_config(folder.config)
    now = {
        name: value
        for name, value in flat(config).items()
        if name in MAY_DIFFER - {"out", "fresh", "quiet", "debug", "trust_code"}
    }
    changed = {name: value for name, value in now.items() if not same_setting(name, before.settings.get(name), value)}
    if not changed:
        return
    origins = {name: where for name, where in origin.items() if name in changed}
    write_config(
        folder.config,
        data=str(before.data),
        settings={**before.settings, **changed},
        origin={**before.origin, **origins},
        reasons={name: why for name, why in before.reasons.items() if name not in changed},
        own=before.own,
    )


def _typed(value: Any) -> str:
    """A value as one would type it.

    >>> _typed([256, 128]), _typed(0.1), _typed(())
    ('256 128', '0.1', 'none')
    """
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    return "unset" if value is None else str(value)
