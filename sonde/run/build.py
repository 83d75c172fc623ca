"""From a dataset and a config to everything a training needs, in the order in which decisions depend on one another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from sonde.acting.config import EnvironmentConfig
from sonde.acting.evaluation.evaluated import acted_out, is_acted, read_alone
from sonde.augment.policy import Policy, parse
from sonde.augment.views import Views
from sonde.core.batch import Batch
from sonde.core.bounds import flag
from sonde.core.catalogue import load
from sonde.core.config import FeedConfig, Precision, TrainConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import ConfigError
from sonde.core.memory import free_bytes
from sonde.core.pace import Pace
from sonde.core.progress import Tick, silent
from sonde.core.seams import Objective, Source, Task
from sonde.core.units import counted
from sonde.data.feed.build import build_source
from sonde.data.feed.decide import FeedDecision, decide
from sonde.data.feed.source import Augment
from sonde.data.splits import labels_of, subset
from sonde.engine import random_state
from sonde.engine.clock import Clock
from sonde.engine.execution.execution import Execution
from sonde.engine.execution.settings import StepSettings
from sonde.engine.plan import pick_device
from sonde.engine.precision import check_precision
from sonde.engine.stages import check_phases, plan_stages
from sonde.engine.step import Stepper
from sonde.modalities.feeding import activations_per_value, augmentation
from sonde.modalities.text.windows import Streams
from sonde.models.build import build as build_model
from sonde.models.custom import check_output
from sonde.models.layers import distances
from sonde.models.suitable import suitable
from sonde.optim.ema import EMA
from sonde.run import begun_from, transfer
from sonde.run.acting_room import refuse_without_room
from sonde.run.generated import Pool, parted, pool_for
from sonde.run.known_rows import hand_known_rows
from sonde.run.latent import Coder, coder_for
from sonde.run.memory import room_for, sizes_of
from sonde.run.own_body import told as told_of_body
from sonde.run.updates import check_search, check_watched, schedules, updates
from sonde.tasks.custom.metrics import Measures, own_names
from sonde.tasks.custom.signatures import in_order
from sonde.tasks.custom.with_metrics import WithMetrics
from sonde.tasks.table import build as build_task
from sonde.tasks.table import network_input, spec

UNKNOWN = 1_000_000  # steps that a run of a length not yet known is taken for
EVALUATION_ROWS = (
    128  # rows a batch when evaluating: more brings no speed on a CPU, and its maps would be the peak of memory
)


class Own(NamedTuple):
    """What a caller gives of her own for one of Sonde's tasks: a loss, and metrics as `sonde.fit` takes them."""

    loss: Callable[..., Any] | None = None
    metrics: Any = None

    @property
    def names(self) -> dict[str, Any]:
        """How they are written in config.yaml."""
        return own_names(self.loss, Measures(self.metrics))


NOTHING_OWN = Own()


@dataclass(kw_only=True)
class Assembly:
    """The parts of one run, put together but not started."""

    dataset: Dataset | None  # None for data of a researcher's own
    config: TrainConfig
    device: torch.device
    decision: FeedDecision
    channels_last: bool
    task: Task
    train: Source
    evaluation_sources: Mapping[str, Source]  # "validation" and "test", those there are
    average: EMA | None
    clock: Clock
    transferred: tuple[str, ...] = ()  # what was loaded, made to fit and frozen, a line each
    first: Batch | None = None  # of the training data, once it was looked at
    pace: Pace | None = None  # at which batches come that are made, once that was looked at
    in_batches: bool = False  # whether the caller's training data come in batches that were made elsewhere
    notes: tuple[str, ...] = ()  # what was done to the caller's data, a line each
    monitored: Objective | None = None  # of a task without an objective of its own, what the caller chose
    pool: Pool | None = None  # samples of another run that are mixed into the training rows
    coder: Coder | None = None  # of another run, whose codes the task learns
    made_by: str = ""  # and what the caller gave, in words, such as "the DataLoader"

    def __post_init__(self) -> None:
        check_phases(self.task)

    @property
    def objective(self) -> Objective | None:
        """What chooses the best checkpoint; None: the last is the best."""
        return self.task.objective if self.monitored is None else self.monitored

    def stepper(
        self,
        *,
        lr: float | None,
        total: int | None,
        execution: Execution | None = None,
        precision: Precision | None = None,
    ) -> Stepper:
        """A stepper with fresh optimisers at peak rate `lr`, whose schedules and stages end at step `total`.

        lr: None where the optimiser that was given has its own
        total: None where it is not yet known (`move_end` tells): stages are dealt out over many steps until then
        precision: what was decided, where that may be another than was requested; an `execution` that is given computes in it
        """
        steps = UNKNOWN if total is None else total
        stages = plan_stages(self.task.phases, total=steps, batches=self.train.batches)
        optim = self.config.optim
        made = updates(
            self.task.phases,
            self.task.modules,
            optim,
            lr=lr,
            device_type=self.device.type,
            shapes=schedules(self.task.phases, optim, stages, total=total),
            shares=self._shares(),
            mode="min" if self.task.objective is None else self.task.objective.mode,
        )
        settings = self.step_settings(precision)
        check_search(made, settings.precision, compiled=self.config.machine.compile)
        check_watched(made, watched="validation" in self.evaluation_sources and self.task.objective is not None)
        return Stepper(
            self.task,
            made,
            settings,
            average=self.average,
            clock=self.clock,
            execution=execution,
            total=steps,
            stages=stages,
        )

    def move_end(self, stepper: Stepper, *, total: int, done: int) -> None:
        """Let a run of which `done` steps are done end at step `total`: schedules and coming stages move with it.

        Raises: ConfigError, with everything as it was, when they do not fit
        """
        stages = stepper.stages.moved(total=total, done=done)
        shapes = schedules(self.task.phases, self.config.optim, stages, total=total)
        stepper.set_schedule(shapes, stages=stages, total=total)

    def _shares(self) -> dict[str, float]:
        """What part of the rate each parameter learns at, where layers differ; each module is counted from its own head."""
        decay = self.config.transfer.layer_decay
        if decay == 1:
            return {}
        return {
            f"{key}.{name}": decay**distance
            for key, module in self.task.modules.items()
            for name, distance in distances(module).items()
        }

    def step_settings(self, precision: Precision | None = None) -> StepSettings:
        """Precision, accumulation and clipping under this config, or in another precision."""
        optim = self.config.optim
        return StepSettings(
            device=self.device,
            precision=precision or self.config.machine.precision,
            accumulate=self.config.feed.accumulate,
            clip=optim.clip,
            clip_value=optim.clip_value,
        )


def assemble(
    dataset: Dataset,
    config: TrainConfig,
    *,
    clock: Clock,
    tick: Tick = silent,
    model: nn.Module | None = None,
    own: Own = NOTHING_OWN,
    fresh: bool = True,
) -> Assembly:
    """Build device, model, task and sources. Raises: ConfigError, DataError.

    own: a loss and metrics of the caller's own
    fresh: whether the run begins, from pre-trained weights where some are given
    """
    device = pick_device(config.machine.device)
    check_precision(config.machine, device)
    dataset = _trained_on(dataset, config)
    _check(dataset, config, device, model)
    coder = coder_for(config, dataset.schema.input)
    labels = labels_of(dataset.splits["train"]) if dataset.schema.target.has_classes else None
    with random_state.apart(device):  # building draws from the global streams, which are the caller's
        random_state.seed_everything(config.machine.seed, stream="init")
        with room_for("building the network", f"lower {sizes_of(config.model_config)}"):
            built = model if model is not None else _model(dataset, config, coder)
        out_dim = dataset.schema.target.out_dim
        if model is not None or ".py" in config.model:
            maps = dataset.schema.target.has_masks
            name = config.model if model is None else type(model).__name__
            given = network_input(config.task, dataset.schema.input, None if coder is None else coder.code)
            check_output(built, given, out_dim, name=name, maps=maps)
        done = transfer.prepared(built, config, out_dim=out_dim, fresh=fresh, tick=tick)
        task = _task(built, dataset, config, labels, own, coder)
        done += begun_from.begin_from(task, dataset, config, fresh=fresh)
    pool = pool_for(dataset, config, clock.elapsed(), tick)
    channels_last = dataset.schema.input.has_planes and any(p.ndim == 4 for p in task.modules.parameters())
    with room_for(f"moving the network to {device}", f"lower {sizes_of(config.model_config)}"):
        task.modules.to(device)
        if coder is not None and fresh:  # a run that goes on has its scale in its checkpoint
            coder.measure(dataset.splits["train"], dataset.schema.input, device)
    if channels_last:
        task.modules.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    decision = _fed(dataset, config)
    with room_for("reading the data", f"give a smaller --memory than {config.feed.memory}, or fewer rows"):
        if experience := spec(config.task).experience:
            train, held_back = load(experience)(dataset.splits, task, config, device), {}
        else:
            train, held_back = _sources(
                read_alone(dataset), config, device, decision, channels_last, labels, tick, pool
            )
        held_back |= _played(dataset, task, config, device)
    hand_known_rows(task, dataset, device, tick)
    average = EMA(task.modules, config.optim.ema) if config.optim.ema else None
    return Assembly(
        dataset=dataset,
        config=config,
        device=device,
        decision=decision,
        channels_last=channels_last,
        task=task,
        train=train,
        evaluation_sources=held_back,
        average=average,
        clock=clock,
        transferred=tuple(done),
        notes=told_of_body(built, config, dataset.schema),
        pool=pool,
        coder=coder,
    )


def _check(dataset: Dataset, config: TrainConfig, device: torch.device, model: nn.Module | None) -> None:
    """Raises: ConfigError for what cannot be put together, before anything is"""
    if model is not None and dataset.schema.input.covariates:
        raise ConfigError(
            f"{flag('known')} is for networks that Sonde builds, and a module that you pass gets only the past; give "
            f"model='file.py:{type(model).__name__}', or take one of {', '.join(suitable('series', 'horizon'))}"
        )
    rows = len(dataset.splits["train"])
    if config.feed.batch_size > rows:
        raise ConfigError(
            f"--batch-size {config.feed.batch_size} is larger than the {rows:,} training rows; give at most {rows}"
        )
    if model is None:
        refuse_without_room(dataset, config, spec(config.task), device)


def _played(dataset: Dataset, task: Task, config: TrainConfig, device: torch.device) -> dict[str, Source]:
    """The episodes of splits that are evaluated by playing them."""
    return {
        name: acted_out(rows, task, seed=config.machine.seed, device=device)
        for name, rows in dataset.splits.items()
        if name != "train" and is_acted(rows)
    }


def _fed(dataset: Dataset, config: TrainConfig) -> FeedDecision:
    """How rows are fed; of a task that acts, how many environments there are instead."""
    found = decide(dataset, config.feed, free_bytes=free_bytes())
    if not spec(config.task).experience:
        return found
    together = counted(config.data.of(EnvironmentConfig).environments, "environment", "environments")
    return replace(found, why=together + " side by side" * (not together.startswith("1 ")))


def _trained_on(dataset: Dataset, config: TrainConfig) -> Dataset:
    """The dataset with those training rows alone that the task learns from. Raises: ConfigError where it says what is wrong"""
    chosen, target = spec(config.task), dataset.schema.target
    if not chosen.trains_on or not target.has_classes:
        return dataset
    rows = dataset.splits["train"]
    which = load(chosen.trains_on)(labels_of(rows), target, config.task_config)
    return replace(dataset, splits={**dataset.splits, "train": subset(rows, np.flatnonzero(which))})


def _model(dataset: Dataset, config: TrainConfig, coder: Coder | None) -> nn.Module:
    schema = dataset.schema
    given = network_input(config.task, schema.input, None if coder is None else coder.code)
    return build_model(config.model, given, schema.target.out_dim, config.model_config)


def _task(model: nn.Module, dataset: Dataset, config: TrainConfig, labels: Any, own: Own, coder: Coder | None) -> Task:
    counts = None
    if labels is not None:
        counts = [int((labels == number).sum()) for number in range(len(dataset.schema.target.names))]
    measures, loop = Measures(own.metrics), config.loop
    mine = loop.monitor is not None and loop.monitor in measures.names
    task = build_task(
        config.task,
        model,
        dataset.schema.target,
        config.task_config,
        input=dataset.schema.input,
        code=None if coder is None else coder.code,
        class_counts=counts,
        monitor=None if mine else loop.monitor,
        loss=None if own.loss is None else in_order(own.loss),
    )
    if task.objective is not None and not mine and loop.mode not in (None, task.objective.mode):
        better = "higher" if task.objective.mode == "max" else "lower"
        raise ConfigError(
            f"{flag('mode')} {loop.mode} contradicts {flag('monitor')} {task.objective.metric}, for which {better} is "
            f"better; leave {flag('mode')} out"
        )
    if not measures.all:
        return task
    return WithMetrics(task, measures, monitor=loop.monitor if mine else None, mode=loop.mode if mine else None)


def _sources(
    dataset: Dataset,
    config: TrainConfig,
    device: torch.device,
    decision: FeedDecision,
    channels_last: bool,
    labels: Any,
    tick: Tick,
    pool: Pool | None,
) -> tuple[Source, dict[str, Source]]:
    schema, feed = dataset.schema, config.feed
    augment = changes(schema, feed.augment, task=config.task)
    if pool is not None:
        augment = mixed(pool, schema, config, augment)
    activations = activations_per_value(schema)
    goes_on = bool(getattr(config.task_config, "carry", False))  # windows of a text stay where they are, and follow on

    def source(split: str, settings: FeedConfig, **more: Any) -> Source:
        return build_source(
            dataset.splits[split],
            schema,
            settings,
            seed=config.machine.seed,
            device=device,
            kind=decision.kind,
            channels_last=channels_last,
            augment=None if goes_on else augment,
            sampler=Streams if goes_on else None,
            activations_per_value=activations,
            tick=tick,
            label=split,
            **more,
        )

    limit = config.data.overfit_batches
    train = source("train", feed, training=True, limit_batches=limit, labels=labels)
    evaluation = replace(feed, batch_size=max(feed.batch_size, EVALUATION_ROWS), balanced=False)
    if limit:
        # overfitting on a few batches is evaluated on those same rows
        rows = replace(feed, batch_size=feed.batch_size, balanced=False)
        return train, {"validation": source("train", rows, training=False, limit_batches=limit)}
    held_back = {
        name: source(name, evaluation, training=False) for name in ("validation", "test") if name in dataset.splits
    }
    return train, held_back


def mixed(pool: Pool, schema: Schema, config: TrainConfig, then: Augment | Views | None) -> Augment:
    """What mixes samples into a batch before it is augmented. Raises: ConfigError for tasks that learn from inputs alone"""
    wanted = parted(config.feed.augment)[1]
    if wanted is None or isinstance(then, Views) or not spec(config.task).labels:
        raise ConfigError(f"--augment generated= is for classifiers, and this is task {config.task}; leave it out")
    return pool.mixed(wanted.share, then.filled_with(schema.input.mean) if isinstance(then, Policy) else then)


def changes(schema: Schema, text: str, *, task: str) -> Augment | Views | None:
    """The augmentation for a task; None for none.

    Raises: ConfigError for text that says no such thing
    """
    text = parted(text)[0]
    if spec(task).views:
        return Views(policy=parse("none" if text == "auto" else text))
    return augmentation(schema, text)
