"""Settings that would have no effect in a run are refused, each with what to do instead: nothing that is given is ignored.

The table `RULES` knows of every general setting whether it applies to the data, the network and the optimiser at hand. Settings
of a kind of data, a model or a task are refused where they are read; those of a task that change nothing beside its others are
named by its config's method `without_effect`, where it has one: setting -> why. Left alone are those that only say how much of
the machine may be used (`threads`, `workers`, `memory`): on data that are in memory already there is nothing to do for a worker.
`freeze` is obeyed without pre-trained weights too, which a finding says (`diagnose/before`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau

from sonde.core.bounds import flag
from sonde.core.config import GROUPS, LoopConfig, OptimConfig, PlaceConfig, flat
from sonde.core.errors import ConfigError
from sonde.core.given_object import GivenObject
from sonde.core.seams import Phase, ends, rewinds
from sonde.modalities.catalogue import modality
from sonde.modalities.settings import leaves, of_data, of_kind
from sonde.models.layers import distances
from sonde.optim.build import USED
from sonde.optim.custom import SETTINGS, makes_its_own, reads
from sonde.optim.schedulers import function_of_step
from sonde.run.build import Assembly, changes
from sonde.run.lengths import counted, fixed_ends
from sonde.run.obeyed import OF_ROWS
from sonde.run.updates import settings_of
from sonde.tasks.table import spec

SHAPED = {
    "lr_floor": ("step", "cosine", "linear", "one-cycle", "wsd", "plateau"),
    "plateau_patience": ("plateau",),
    "plateau_factor": ("plateau",),
    "step_size": ("step",),
    "decay": ("wsd",),
}
"""Settings that only some schedules read."""
OPTIMISERS = SETTINGS
OF_A_SCHEDULE = ("schedule", "warmup", *SHAPED)
OF_DATA = (*(entry.name for kind in of_data().values() for entry in fields(kind)), "feed", "balanced", "bucket")
"""Settings of data that Sonde describes."""
NOT_IN_FIT = frozenset({*OF_DATA, "augment", "pretrained", "freeze", "layer_decay"})
"""Settings that `sonde.fit` and `sonde.steps` refuse: they take data and modules as they are."""
NOT_IN_A_LOOP_OF_ONES_OWN = (
    *(entry.name for entry in fields(LoopConfig)),
    *(entry.name for entry in fields(PlaceConfig) if entry.name not in ("quiet", "debug")),
    "compile",
    "deterministic",
)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When some settings have no effect.

    why: (name, value, parts) -> why a setting has no effect and what to do, "" where it has
    off: values that change nothing, which are always accepted
    """

    names: tuple[str, ...]
    why: Callable[[str, Any, Assembly], str]
    off: tuple[Any, ...] = ()


def refuse_without_effect(parts: Assembly, given: Mapping[str, Any]) -> None:
    """Raises: ConfigError for the first of the settings given that would change nothing in a run of these parts."""
    for rule in RULES:
        for name in rule.names:
            if name in given and given[name] not in rule.off and (why := rule.why(name, given[name], parts)):
                raise _without_effect(name, given[name], why)
    for name, why in getattr(parts.config.task_config, "without_effect", dict)().items():
        if name in given:
            raise _without_effect(name, given[name], why)


def idle(parts: Assembly) -> set[str]:
    """Names of general settings, and of those of kinds of data, that change nothing in a run of these parts."""
    values, titles = flat(parts.config), leaves()
    found = {name for rule in RULES for name in rule.names if name in values and rule.why(name, values[name], parts)}
    if parts.dataset is None:
        return found | (NOT_IN_FIT & values.keys())
    read = of_kind(parts.dataset.schema.input.kind)
    foreign = {name for name, title in titles.items() if title not in GROUPS and name not in read}
    return found | (foreign & values.keys())


def refuse_outside_fit(given: Mapping[str, Any]) -> None:
    """Raises: ConfigError for a setting that `sonde.steps` leaves to the loop of whoever calls it."""
    for name in NOT_IN_A_LOOP_OF_ONES_OWN:
        if name in given:
            raise _without_effect(
                name, given[name], "sonde.steps leaves that to your own loop; leave it out, or use sonde.fit"
            )


def _without_effect(name: str, value: Any, why: str) -> ConfigError:
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    written = "" if isinstance(value, bool) or value is None else f" {value}"
    return ConfigError(f"{flag(name)}{written} has no effect: {why}")


def _of_custom_data(name: str, value: Any, parts: Assembly) -> str:
    if parts.dataset is not None:
        return ""
    way = "give a DataLoader with a WeightedRandomSampler" if name == "balanced" else "leave it out"
    return f"sonde.fit takes data as they are; {way}, or use sonde.train"


def _of_batches(name: str, value: Any, parts: Assembly) -> str:
    attribute = "num_workers" if name == "workers" else name
    if not parts.in_batches or getattr(getattr(parts.train, "loader", None), attribute, None) == value:
        return ""
    return "the data come in batches already; set it where those are made, such as in the DataLoader, and leave it out here"


def _of_experience(name: str, value: Any, parts: Assembly) -> str:
    if parts.dataset is None or not spec(parts.config.task).experience:
        return ""
    instead = {"validation": "give --episodes 20", "test": "give --test-episodes 100", "feed": "leave it out"}
    return f"an environment has no rows to keep, mix or repeat, only episodes; {instead.get(name, 'leave it out')}"


def _of_rollouts(name: str, value: Any, parts: Assembly) -> str:
    most = getattr(parts.train, "transitions", None)
    if most is None or value <= most:
        return ""
    return (
        f"a rollout holds {most:,} transitions, and a batch no more; give at most {most}, or a longer {flag('rollout')}"
    )


def _of_endless(name: str, value: Any, parts: Assembly) -> str:
    if parts.train.batches is not None or ends(parts.train):
        return ""
    return (
        "the training data are endless, so an epoch never ends; set the length of training with --steps 10000 or "
        "--time-limit 10m"
    )


def _of_environments(name: str, value: Any, parts: Assembly) -> str:
    return "" if parts.dataset is not None else "sonde.fit learns from data as they are; give steps"


def _of_whole_batches(name: str, value: Any, parts: Assembly) -> str:
    if parts.dataset is None or not spec(parts.config.task).whole_batches:
        return ""
    return f"--task {parts.config.task} learns from all that it met at once; give --environments, or what is met between updates"


def _of_validation(name: str, value: Any, parts: Assembly) -> str:
    if "validation" in parts.evaluation_sources:
        return ""
    if parts.dataset is None:
        return "there are no validation data; leave it out, or pass validation="
    return f"there are no validation rows; leave it out, or keep some with {flag('validation')} 0.2"


def _of_objective(name: str, value: Any, parts: Assembly) -> str:
    if parts.objective is not None:
        return ""
    return "the task has no objective that could improve; set its objective = sonde.Objective(metric, 'max' or 'min')"


def _of_epochs(name: str, value: Any, parts: Assembly) -> str:
    """Of durations in epochs, where none ends before the run does."""
    loop = parts.config.loop
    periods = {"patience": loop.patience_for, "evaluate_every": loop.evaluation_period}
    period = periods.get(name, loop.checkpoint_period)
    if period is None or period.unit != "epochs" or not _without_epochs(parts):
        return ""
    return f'these data have no epochs; give {flag(name)} "500 steps"'


def _without_epochs(parts: Assembly) -> bool:
    """Whether no pass over the data surely ends before the run: of endless ones, and of those that can be read only once."""
    loop, source = parts.config.loop, parts.train
    limited = loop.steps is not None or loop.time_limit is not None
    return source.batches is None and limited and (not ends(source) or not rewinds(source))


def _of_evaluations(name: str, value: Any, parts: Assembly) -> str:
    """Of early stopping, where no evaluation falls due before the run's end."""
    loop, batches = parts.config.loop, parts.train.batches
    if loop.evaluation_period.unit == "epochs" and _without_epochs(parts):
        return (
            'these data have no epochs, so that they are evaluated at the end only; give --evaluate-every "500 steps"'
        )
    last = min(fixed_ends(loop, batches).values(), default=None)
    every = _steps_apart(parts)
    if last is None or every is None or every < last:
        return ""
    return (
        f"the first evaluation falls due at the run's end, after {counted(last, 'step')}; train longer, or evaluate more often "
        f"({flag('evaluate_every')})"
    )


def _of_augmentation(name: str, value: Any, parts: Assembly) -> str:
    if parts.dataset is None:
        return "sonde.fit takes data as they are; leave it out, and augment in your Dataset"
    schema = parts.dataset.schema
    if getattr(parts.config.task_config, "carry", False):
        return "with --carry windows stay where they are; leave one of the two out"
    if changes(schema, value, task=parts.config.task) is None and parts.pool is None:
        return f"for {modality(schema.input.kind).noun} there is no such augmentation; leave it out"
    return ""


def _of_an_optimiser(name: str, value: Any, parts: Assembly) -> str:
    optim = parts.config.optim
    if any(_is_read(phase, name, optim) for phase in parts.task.phases):
        return ""
    chosen = [settings_of(phase, optim).optimizer for phase in parts.task.phases if not _is_its_own(phase, "optimizer")]
    if not chosen or all(name in reads(each) for each in chosen) or name not in OPTIMISERS:
        return "every phase of the task has its own; change it there"
    if isinstance(chosen[0], GivenObject):
        how = "has its own; set it there, or" if makes_its_own(chosen[0]) else "does not take it;"
        return f"optimizer={chosen[0]} {how} leave it out"
    readers = [flag("optimizer") + f" {each}" for each, names in USED.items() if name in names]
    return f"--optimizer {chosen[0]} does not read it; leave it out, or use {' or '.join(readers)}"


def _is_read(phase: Phase, name: str, optim: OptimConfig) -> bool:
    if _is_its_own(phase, "optimizer" if name in OPTIMISERS else name) and not _is_ours(phase):
        return False
    if _is_its_own(phase, name):
        return False
    return name not in OPTIMISERS or name in reads(settings_of(phase, optim).optimizer)


def _is_its_own(phase: Phase, name: str) -> bool:
    """Whether a phase has a setting for itself."""
    if isinstance(phase.optimizer, Mapping):
        return name in phase.optimizer
    return phase.optimizer is not None and name in ("optimizer", *OPTIMISERS)


def _is_ours(phase: Phase) -> bool:
    """Whether a phase's own optimiser is one for which the run's settings stand where the phase has none."""
    return isinstance(phase.optimizer, Mapping) and phase.optimizer.get("optimizer") in USED


def _of_a_schedule(name: str, value: Any, parts: Assembly) -> str:
    optim = parts.config.optim
    open_to_it = [
        settings_of(phase, optim)
        for phase in parts.task.phases
        if phase.schedule is None and not _is_its_own(phase, name)
    ]
    if not open_to_it:
        return "every phase of the task has its own schedule; change it there"
    if name == "warmup" and not any(_warms_up(each) for each in open_to_it):
        return f"schedule={open_to_it[0].schedule} sets the rate from the first step on; leave it out"
    readers = SHAPED.get(name)
    if readers is None or any(each.schedule in readers for each in open_to_it):
        return ""
    return (
        f"--schedule {open_to_it[0].schedule} does not read it; leave it out, or use "
        f"{' or '.join(f'--schedule {reader}' for reader in readers)}"
    )


def _warms_up(optim: OptimConfig) -> bool:
    return isinstance(optim.schedule, str) and optim.schedule != "plateau"


def _of_torchs_schedulers(name: str, value: Any, parts: Assembly) -> str:
    for phase in parts.task.phases:
        choice = settings_of(phase, parts.config.optim).schedule
        if isinstance(choice, GivenObject) and function_of_step(choice) is None:
            return ""
    return "it is for schedulers of torch, such as schedule=functools.partial(StepLR, step_size=30); leave it out"


def _of_plateaus(name: str, value: Any, parts: Assembly) -> str:
    """Of a schedule that watches the validation metric."""
    kind = value.value if isinstance(value, GivenObject) else value
    kind = getattr(kind, "func", kind)
    watches = kind == "plateau" or kind is ReduceLROnPlateau or isinstance(kind, ReduceLROnPlateau)
    if not watches:
        return ""
    if parts.task.objective is None:
        return "the task has no objective, whose metric it would watch; give it one, or another schedule"
    return _of_validation(name, value, parts) or _of_evaluations(name, value, parts) or _of_patience(value, parts)


def _of_patience(value: Any, parts: Assembly) -> str:
    """Of a plateau that nobody can wait for: the rate is lowered at the evaluation after so many, and must be used then."""
    loop, batches, patience = parts.config.loop, parts.train.batches, parts.config.optim.plateau_patience
    last, every = min(fixed_ends(loop, batches).values(), default=None), _steps_apart(parts)
    if value != "plateau" or last is None or every is None or last // every > patience + 2:
        return ""
    return (
        f"{counted(last // every, 'evaluation')} fall due, and it waits for {patience} without improvement; train longer, "
        f"evaluate more often ({flag('evaluate_every')}), or give a lower {flag('plateau_patience')}"
    )


def _steps_apart(parts: Assembly) -> int | None:
    """Steps from one evaluation to the next; None where they are not known."""
    period, batches = parts.config.loop.evaluation_period, parts.train.batches
    every = {"steps": 1, "epochs": batches}.get(period.unit)
    return None if every is None else max(1, round(period.amount * every))


def _of_layers(name: str, value: Any, parts: Assembly) -> str:
    """Of rates by layer, where no network has more than one."""
    layers = (each for network in parts.task.modules.values() for each in distances(network).values())
    return "" if any(layers) else "no network has more than one layer; leave it out"


def _of_clipping(name: str, value: Any, parts: Assembly) -> str:
    open_to_it = any(getattr(phase, name) is None for phase in parts.task.phases)
    return "" if open_to_it else "every phase of the task has its own; change it there"


RULES = (
    Rule(
        names=OF_DATA,
        why=_of_custom_data,
        off=(False, 0, None),
    ),
    Rule(names=OF_ROWS, why=_of_experience, off=(False, 0, None)),
    Rule(names=("batch_size", "workers"), why=_of_batches),
    Rule(names=("environment_steps",), why=_of_environments, off=(None,)),
    Rule(names=("batch_size",), why=_of_whole_batches),
    Rule(names=("batch_size",), why=_of_rollouts),
    Rule(names=("epochs",), why=_of_endless, off=(None,)),
    Rule(names=("patience",), why=_of_validation, off=(0, "0")),
    Rule(names=("patience",), why=_of_objective, off=(0, "0")),
    Rule(names=("patience", "evaluate_every", "checkpoint_every"), why=_of_epochs, off=(0, "0")),
    Rule(names=("patience",), why=_of_evaluations, off=(0, "0")),
    Rule(names=("monitor", "mode", "evaluate_every", "stop_at"), why=_of_validation, off=(None,)),
    Rule(names=("stop_at",), why=_of_objective, off=(None,)),
    Rule(names=("augment",), why=_of_augmentation, off=("none", "auto")),
    Rule(names=("optimizer", *OPTIMISERS), why=_of_an_optimiser, off=(None,)),
    Rule(names=OF_A_SCHEDULE, why=_of_a_schedule, off=(0,)),
    Rule(names=("schedule",), why=_of_plateaus),
    Rule(names=("schedule_every",), why=_of_torchs_schedulers, off=(None,)),
    Rule(names=("clip", "clip_value"), why=_of_clipping, off=(0,)),
    Rule(names=("layer_decay",), why=_of_layers, off=(1,)),
)
