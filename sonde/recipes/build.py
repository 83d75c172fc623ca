"""From a dataset and a config to everything a training needs, in the order in which decisions depend on one another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from sonde.augment.boxes import BoxPolicy, parse_boxes
from sonde.augment.policy import Policy, parse
from sonde.augment.sound import parse_sound
from sonde.augment.views import Views
from sonde.core.config import FeedConfig, Precision, TrainConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import ConfigError
from sonde.core.progress import Tick, silent
from sonde.core.seams import Source, Task
from sonde.data.feed.build import build_source
from sonde.data.feed.decide import FeedDecision, decide
from sonde.data.feed.source import Augment
from sonde.data.splits import labels_of
from sonde.data.windows import moved
from sonde.engine import random_state
from sonde.engine.clock import Clock
from sonde.engine.plan import pick_device
from sonde.engine.precision import check_precision
from sonde.engine.step import Stepper, StepSettings, Update
from sonde.models.catalogue import build as build_model
from sonde.models.custom import check_output
from sonde.models.layers import distances
from sonde.optim.average import Average
from sonde.optim.build import build_optimizer
from sonde.optim.schedules import schedule
from sonde.recipes import transfer
from sonde.tasks.catalogue import COMPARES_VIEWS
from sonde.tasks.catalogue import build as build_task

EVALUATION_ROWS = (
    128  # rows a batch when judging: more brings no speed on a CPU, and its maps would be the peak of memory
)


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
    judged: Mapping[str, Source]  # "validation" and "test", those there are
    average: Average | None
    clock: Clock
    transferred: tuple[str, ...] = ()  # what was loaded, made to fit and frozen, a line each

    def stepper(self, *, lr: float, total: int, precision: Precision | None = None) -> Stepper:
        """A stepper with fresh optimisers at peak rate `lr`, whose schedule ends at step `total`.

        precision: what was decided, where that may be another than was asked for
        """
        return Stepper(
            self.task,
            self.updates(lr=lr, total=total),
            self.step_settings(precision),
            average=self.average,
            clock=self.clock,
        )

    def updates(self, *, lr: float, total: int) -> list[Update]:
        """One update per phase."""
        shape = schedule(self.config.optim, total=total)
        shares = self._shares()
        return [
            Update(
                phase=phase,
                optimizer=build_optimizer(
                    self.config.optim,
                    _named(self.task.modules, phase),
                    lr=lr,
                    device_type=self.device.type,
                    shares=shares,
                ),
                multiplier=shape,
            )
            for phase in self.task.phases
        ]

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
        """How a step is computed under this config, or in another precision."""
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
    make_task: Callable[[nn.Module], Task] | None = None,
    fresh: bool = True,
) -> Assembly:
    """Build device, model, task and sources. Raises: ConfigError, DataError.

    fresh: whether the run begins, from pre-trained weights where some are asked for
    """
    device = pick_device(config.machine.device)
    check_precision(config.machine, device)
    rows = len(dataset.splits["train"])
    if config.feed.batch_size > rows:
        raise ConfigError(
            f"--batch-size {config.feed.batch_size} is larger than the {rows:,} training rows; give at most {rows}"
        )
    labels = labels_of(dataset.splits["train"]) if dataset.schema.target.kind == "class" else None
    with random_state.apart(device):  # building draws from the global streams, which are the caller's
        random_state.seed_everything(config.machine.seed, stream="init")
        built = model if model is not None else _model(dataset, config)
        out_dim = dataset.schema.target.out_dim
        if model is not None or ".py" in config.model:
            maps = dataset.schema.target.kind == "mask"
            name = config.model if model is None else type(model).__name__
            check_output(built, dataset.schema.input, out_dim, name=name, maps=maps)
        done = transfer.prepare(built, config.transfer, name=config.model, out_dim=out_dim, fresh=fresh, tick=tick)
        task = make_task(built) if make_task else _task(built, dataset, config, labels)
    channels_last = dataset.schema.input.kind == "image" and any(p.ndim == 4 for p in task.modules.parameters())
    task.modules.to(device)
    if channels_last:
        task.modules.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    decision = decide(dataset, config.feed, free_bytes=_free_bytes())
    train, judged = _sources(dataset, config, device, decision, channels_last, labels, tick)
    average = Average(task.modules, config.optim.ema) if config.optim.ema else None
    return Assembly(
        dataset=dataset,
        config=config,
        device=device,
        decision=decision,
        channels_last=channels_last,
        task=task,
        train=train,
        judged=judged,
        average=average,
        clock=clock,
        transferred=tuple(done),
    )


def _model(dataset: Dataset, config: TrainConfig) -> nn.Module:
    spec, target = dataset.schema.input, dataset.schema.target
    return build_model(config.model, spec, target.out_dim, config.model_config)


def _task(model: nn.Module, dataset: Dataset, config: TrainConfig, labels: Any) -> Task:
    counts = None
    if labels is not None:
        counts = [int((labels == number).sum()) for number in range(len(dataset.schema.target.names))]
    return build_task(
        config.task, model, dataset.schema.target, config.task_config, class_counts=counts, monitor=config.loop.monitor
    )


def _sources(
    dataset: Dataset,
    config: TrainConfig,
    device: torch.device,
    decision: FeedDecision,
    channels_last: bool,
    labels: Any,
    tick: Tick,
) -> tuple[Source, dict[str, Source]]:
    schema, feed = dataset.schema, config.feed
    changes = augmentation(schema, feed.augment, task=config.task)
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
            augment=None if goes_on else changes,
            goes_on=goes_on,
            tick=tick,
            label=split,
            **more,
        )

    limit = config.data.overfit_batches
    train = source("train", feed, training=True, limit_batches=limit, labels=labels)
    judging = replace(feed, batch_size=max(feed.batch_size, EVALUATION_ROWS), balanced=False)
    if limit:
        # learning by heart is judged on the very rows that were learnt
        rows = replace(feed, batch_size=feed.batch_size, balanced=False)
        return train, {"validation": source("train", rows, training=False, limit_batches=limit)}
    judged = {name: source(name, judging, training=False) for name in ("validation", "test") if name in dataset.splits}
    return train, judged


def augmentation(schema: Schema, text: str, *, task: str) -> Policy | BoxPolicy | Views | Augment | None:
    """How images are changed for a task, and windows of a text moved; None for not at all.

    Raises: ConfigError for text that says no such thing
    """
    if schema.target.kind == "next":
        return moved if text == "auto" else None
    if schema.input.kind == "audio":
        return None if text == "auto" else parse_sound(text)
    if task in COMPARES_VIEWS:
        return Views(policy=parse("none" if text == "auto" else text))
    if schema.input.kind != "image" or text in ("none", "auto"):
        return None
    return parse_boxes(text) if schema.target.kind == "boxes" else parse(text)


def _named(modules: nn.Module, phase: Any) -> list[tuple[str, nn.Parameter]]:
    wanted = {id(parameter) for parameter in phase.parameters()}
    return [(name, parameter) for name, parameter in modules.named_parameters() if id(parameter) in wanted]


def _free_bytes() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return 8 * 1024**3  # not Linux: assume a common laptop's free half rather than depend on psutil for one number
    return 8 * 1024**3
