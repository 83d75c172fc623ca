"""A run opened once more to try things on: its parts anew, as it began or with its last checkpoint. Its folder is only read."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch
from torch import nn

from sonde.core.config import GROUPS, TrainConfig, leaves
from sonde.core.config_file import SavedConfig, read_config
from sonde.core.errors import ConfigError, DataError
from sonde.core.files import read_json
from sonde.core.given_object import TAKES, GivenObject, an_instance
from sonde.core.overrides import Overrides
from sonde.core.run_folder import RunFolder
from sonde.core.seams import extras_of
from sonde.core.value_types import annotations
from sonde.engine import random_state
from sonde.engine.clock import Clock
from sonde.engine.plan import ExecutionPlan
from sonde.engine.step import Stepper
from sonde.engine.trainable import undo
from sonde.engine.training import load_weights
from sonde.modalities.open import open_data
from sonde.models.renamed import with_new_names
from sonde.run.build import Assembly, Own, assemble
from sonde.run.choose import Recipe
from sonde.run.custom import custom_parts, task_of
from sonde.run.given_splits import given_splits
from sonde.run.model_file import allow_code
from sonde.run.remade import with_objects
from sonde.run.resolve import CUSTOM_MODULE, resolve, settled
from sonde.run.resume import FORMER_NAMES, saved_plan, saved_state
from sonde.run.saved import Saved
from sonde.run.transfer import as_begun
from sonde.screen.screen import Screen
from sonde.tasks.custom.task import ModuleTask

At = Literal["start", "last"]


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a caller gives to open a run with: what its folder does not hold.

    data, validation: None for those of the run;  model, loss: of a run on somebody's own network, as that run was given them
    optimizer, schedule: objects of the caller's, where the folder does not say all of them
    """

    data: Any = None
    validation: Any = None
    model: nn.Module | None = None
    loss: Any = None
    optimizer: Any = None
    schedule: Any = None
    trust_code: bool = False


@dataclass(frozen=True, kw_only=True)
class Reopened:
    """A run's settings and state, and what makes its parts.

    saved: its last checkpoint; None where there is none yet
    plan:  None of a run that was stopped before one was made
    build: (config, whether from its beginning) -> the parts, anew at each call
    other: whether data were given, which may be others than the run was trained on
    lost:  the optimiser or schedule of the run, in words, that others stand in for
    """

    folder: RunFolder
    config: TrainConfig
    saved: Saved | None
    plan: ExecutionPlan | None
    build: Callable[[TrainConfig, bool], Assembly]
    other: bool = False
    lost: tuple[str, ...] = ()

    @property
    def from_start(self) -> bool:
        """Whether the weights with which the run began can be drawn again: those that were loaded are not looked for."""
        return self.config.transfer.pretrained is None

    def parts(self, at: At, config: TrainConfig | None = None, *, total: int | None = None) -> tuple[Assembly, Stepper]:
        """The parts and a stepper, with fresh weights and optimisers, or those of the last checkpoint.

        config: other settings, where something is tried;  total: steps over which the schedule goes, else those of the run
        Raises: ConfigError, DataError as in a run; RunFolderError for weights that do not fit
        """
        config = config or self.config
        saved = self.saved if at == "last" else None
        assembly = self.build(config, saved is None and self.from_start)
        if saved is not None:
            undo(assembly.task.modules, saved.state["stepper"])
        steps = total or (None if self.plan is None else self.plan.steps)
        precision = None if self.plan is None else self.plan.precision
        stepper = assembly.stepper(lr=self._rate(config), total=steps, precision=precision)
        if saved is not None:
            self._put_back(assembly, stepper, saved)
        return assembly, stepper

    def _rate(self, config: TrainConfig) -> float | None:
        """Raises: ConfigError where a rate was to be found and none was"""
        if config.optim.lr != "auto":
            return config.optim.lr
        if not self.folder.lr_range.exists():
            raise ConfigError(f"{self.folder.path} was stopped before --lr auto had found a rate; give --lr")
        return float(read_json(self.folder.lr_range)["chosen"])

    def _put_back(self, assembly: Assembly, stepper: Stepper, saved: Saved) -> None:
        load_weights(assembly.task.modules, saved.weights)
        with torch.no_grad():
            for name, value in assembly.task.modules.named_buffers():
                if name in saved.state["buffers"]:
                    value.copy_(saved.state["buffers"][name])
        extras_of(assembly.task).load_state_dict(saved.state["task"])
        if not self.lost:
            self._put_back_optimizers(assembly, stepper, saved)
        same_batches = assembly.config.feed.batch_size == self.config.feed.batch_size
        if same_batches:
            with suppress(ConfigError, DataError) if self.other else nullcontext():  # whose rows are others
                assembly.train.load_state_dict(saved.state["source"])

    def _put_back_optimizers(self, assembly: Assembly, stepper: Stepper, saved: Saved) -> None:
        changed = any(
            getattr(assembly.config.optim, name) != getattr(self.config.optim, name)
            for name in ("lr", "weight_decay", "optimizer")
        )
        held = [copy.copy(group) for update in stepper.updates for group in update.optimizer.param_groups]
        stepper.load_state_dict(saved.state["stepper"])
        if changed:  # the optimiser's state is the checkpoint's, and what it is told is not
            groups = (group for update in stepper.updates for group in update.optimizer.param_groups)
            for group, before in zip(groups, held, strict=True):
                group.update({name: value for name, value in before.items() if name != "params"})

    @contextmanager
    def apart(self) -> Iterator[None]:
        """The run's number of threads, and the caller's random streams as they were."""
        threads = torch.get_num_threads()
        device = torch.device("cpu") if self.plan is None else torch.device(self.plan.device)
        if device.type == "cuda" and not torch.cuda.is_available():
            device = torch.device("cpu")
        try:
            if self.plan is not None and self.plan.threads:
                torch.set_num_threads(self.plan.threads)
            with random_state.apart(device):
                yield
        finally:
            torch.set_num_threads(threads)


def reopened(folder: RunFolder, given: Given, screen: Screen) -> Reopened | str:
    """The run in a folder, or in words why it cannot be opened to try things on.

    Raises: ConfigError for data or a network that do not belong to such a run, DataError, RunFolderError
    """
    saved = with_new_names(read_config(folder.config))
    own = saved.settings.get("model") == CUSTOM_MODULE
    if saved.settings.get("folds") and not saved.settings.get("fold"):
        return f"it is a cross-validation; examine one of its folds, such as {folder.path / 'fold-1'}"
    if isinstance(given.model, type):
        raise ConfigError(
            f"model={given.model.__name__} is a class; give an instance: model={an_instance(given.model)}"
        )
    if given.model is not None and not isinstance(given.model, nn.Module):
        raise ConfigError("model= takes the network, a torch.nn.Module, as it was given to the run")
    if given.model is not None and not own:
        raise ConfigError(f"{folder.path} builds its network itself ({saved.settings.get('model')}); leave model= out")
    if own and given.model is None:
        return (
            "its network is your program's own; what can be tried on it is tried by sonde.doctor(folder, model=net, data=(x, y), "
            "loss=loss)"
        )
    if saved.own.get("loss") and not own and given.loss is None:
        return "its loss is your program's own; sonde.doctor(folder, loss=loss) takes it"
    if given.data is None and (" in memory" in str(saved.data) or not folder.schema.exists()):
        return "its data were in memory; sonde.doctor(folder, data=data) takes them" + (
            ", beside model=" if own else ""
        )
    objects = {"optimizer": given.optimizer, "schedule": given.schedule}
    again, lost = with_objects(saved, objects)
    build, config = _described(folder, again, given, screen) if folder.schema.exists() else _custom(again, given)
    state = saved_state(folder, config.loop, report=screen.say)
    if state is not None and own and given.optimizer is None and not _of_all(state, given):
        again, lost = with_objects(saved, objects, partly=True)
        build, config = _custom(again, given)
    plan = state.plan if state is not None else saved_plan(folder) if folder.plan.exists() else None
    return Reopened(
        folder=folder, config=config, saved=state, plan=plan, build=build, other=given.data is not None, lost=lost
    )


def _of_all(state: Saved, given: Given) -> bool:
    """Whether the optimiser of a checkpoint trains all parameters of the caller's network and loss: its text does not say."""
    held = sum(
        len(group["params"]) for each in state.state["stepper"]["optimizers"].values() for group in each["param_groups"]
    )
    modules = [each for each in (given.model, given.loss) if isinstance(each, nn.Module)]
    return held in (
        sum(1 for module in modules for _ in module.parameters()),
        sum(weight.requires_grad for module in modules for weight in module.parameters()),
    )


def _described(
    folder: RunFolder, saved: SavedConfig, given: Given, screen: Screen
) -> tuple[Callable[[TrainConfig, bool], Assembly], TrainConfig]:
    """Of a run of `sonde.train`."""
    if given.model is None:
        allow_code(saved, named_in=folder.path, trusted=given.trust_code)
        config = settled(saved)
    else:
        config = _settings(saved, str(saved.settings["task"]), custom_task=False)
    data = saved.data if given.data is None else given.data
    dataset = as_begun(open_data(data, config.data, task=config.task, tick=screen.tick), folder)

    def build(config: TrainConfig, fresh: bool) -> Assembly:
        net = copy.deepcopy(given.model)
        own = Own(loss=given.loss)
        return assemble(dataset, config, clock=Clock(), tick=screen.tick, model=net, own=own, fresh=fresh)

    return build, config


def _custom(saved: SavedConfig, given: Given) -> tuple[Callable[[TrainConfig, bool], Assembly], TrainConfig]:
    """Of a run of `sonde.fit` on a network. Raises: ConfigError for one on a task"""
    name = FORMER_NAMES.get(saved.settings["task"]) or str(saved.settings["task"])
    if name != ModuleTask.__name__:
        raise ConfigError(
            f"it was trained as task {name}, of which only your program knows the steps; leave model= out"
        )
    config, parts = _settings(saved, name, custom_task=True), given_splits(given.data, given.validation, None)

    def build(config: TrainConfig, fresh: bool) -> Assembly:
        # together, as an optimiser is of a network's parameters, and a scheduler of an optimiser
        objects = {
            name: getattr(config.optim, name) for name in TAKES if isinstance(getattr(config.optim, name), GivenObject)
        }
        values = {name: each.value for name, each in objects.items()}
        model, loss, values = copy.deepcopy((given.model, given.loss, values))
        task = task_of(model, loss)  # type: ignore[arg-type]
        config = with_settings(config, {name: GivenObject(each.text, values[name]) for name, each in objects.items()})
        typed = {"batch_size": config.feed.batch_size}
        return custom_parts(task, parts.train, parts.validation, config, Clock(), test=parts.test, typed=typed)

    return build, config


def _settings(saved: SavedConfig, task: str, *, custom_task: bool) -> TrainConfig:
    """Every setting of a run on somebody's own network, as it was."""
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in saved.settings.items()}
    values = {name: value for name, value in values.items() if name not in ("model", "task")}
    given = Overrides(values=values, origin=dict(saved.origin), model=CUSTOM_MODULE, task=task)
    return resolve(given, Recipe(task=task, model=CUSTOM_MODULE, settings={}), custom_task=custom_task).config


def with_settings(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """The config with other values of some settings, those of the model and the task among them.

    Raises: ConfigError for a value that a setting does not take
    """
    groups = dict(leaves())
    for name, value in values.items():
        group = groups.get(name) or next(
            each for each in ("model_config", "task_config") if name in {f.name for f in fields(getattr(config, each))}
        )
        config = replace(config, **{group: replace(getattr(config, group), **{name: value})})
    return config


def has_setting(config: TrainConfig, name: str) -> bool:
    """Whether a run has a setting of that name, general or its model's."""
    general = any(name in annotations(kind) for kind in GROUPS.values())
    return general or name in {entry.name for entry in fields(config.model_config)}
