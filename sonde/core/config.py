"""The settings of a run: frozen dataclasses whose fields are the command line's flags. Free of torch.

Every leaf name is unique over all groups, so `--lr`, `sonde.train(..., lr=…)` and `lr:` in `config.yaml` mean the same field.
The fields of the chosen model's and task's own configs stand beside their modules and join these in a second pass.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from sonde.core.bounds import above, at_least, flag, within
from sonde.core.durations import PERIODS, Duration, setting
from sonde.core.errors import ConfigError, unknown
from sonde.core.findings import silenced
from sonde.core.given_object import GivenObject
from sonde.core.value_types import annotations, suited

Precision = Literal["fp32", "bf16", "fp16"]
OptimizerName = Literal[
    "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "muon",
    "adadelta", "adafactor", "adagrad", "adamax", "asgd", "lbfgs", "nadam", "radam", "rprop", "sparseadam",
]  # fmt: skip
"""In the first line those with defaults of ours; the others are torch's under the lower-case names of their classes."""
T = TypeVar("T")
LOGS = ("wandb", "mlflow")  # trackers of experiments that a run can be logged to (run/loggers)
ScheduleName = Literal["constant", "step", "cosine", "linear", "one-cycle", "wsd", "plateau"]


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is read, and how it is split."""

    validation: float = 0.1
    """Share of the training rows kept for validation when the data has no validation split; 0 trains on every row."""
    test: float | None = None
    """Share kept for testing when the data has no test split; by default 0.2, or 0 for language modelling."""
    skip_unreadable: bool = False
    """Skip unreadable files and count them, instead of stopping."""
    label_fraction: float = 1.0
    """Share of the training rows to use, the same share of every class."""
    overfit_batches: int = 0
    """Train and evaluate on this many batches only: a sanity check that the model can overfit them."""
    folds: int = 0
    """Cross-validation: split the rows into this many folds and train once per fold, each evaluated on its held-out fold."""
    fold: int = 0
    """Train only once, with this fold (1 to folds) held out; 0 trains once for every fold."""
    given: tuple[Any, ...] = field(default=(), metadata={"holds_settings": True})
    """Settings of kinds of data, each an instance of the dataclass that a kind's record names; no flag of its own."""

    def of(self, kind: type[T]) -> T:
        """The settings of a kind of data: those that were given, else the defaults."""
        return next((one for one in self.given if isinstance(one, kind)), None) or kind()

    def having(self, settings: Any) -> "DataConfig":
        """The same with other settings of one kind of data."""
        others = tuple(one for one in self.given if not isinstance(one, type(settings)))
        return dataclasses.replace(self, given=(*others, settings))

    @property
    def test_share(self) -> float:
        """The share of rows kept for testing where they are split at random."""
        return 0.2 if self.test is None else self.test

    @property
    def part(self) -> tuple[int, int]:
        """(fold, folds), for `sonde.data.splits.split_rows`."""
        return self.fold, self.folds

    def __post_init__(self) -> None:
        within(self, 0, 1, "validation", "test", open_right=True)
        within(self, 0, 1, "label_fraction", open_left=True)
        at_least(self, 0, "overfit_batches")
        if self.folds == 1 or self.folds < 0:
            raise ConfigError(f"--folds must be 2 or more, or 0 for none, got {self.folds}")
        if not 0 <= self.fold <= self.folds:
            raise ConfigError(f"--fold must lie from 1 to --folds {self.folds}, or be 0 for all, got {self.fold}")


@dataclass(frozen=True, kw_only=True)
class FeedConfig:
    """How rows reach the model."""

    batch_size: int = 64
    """Rows per optimiser step, over all its micro-batches; a single row left over at an epoch's end joins the previous batch."""
    accumulate: int = 1
    """Gradient accumulation: micro-batches that a batch is split into; the gradient is that of the whole batch."""
    workers: int | None = None
    """Worker processes that load data, or that environments step in; by default chosen for the machine. Results do not depend on
    it."""
    feed: Literal["auto", "resident", "streaming"] = "auto"
    """Keep all rows in memory (resident) or stream them from disk; auto decides by size."""
    memory: str = "50%"
    """Memory limit for resident data: a share of the free memory ("50%") or a size ("2GiB")."""
    augment: str = "auto"
    """Augmentation: none, auto (the recipe's), or such as flip,crop=4; auto,generated=RUN,share=0.3 mixes in a run's samples."""
    balanced: bool = False
    """Sample training rows so that all classes are equally frequent."""
    bucket: bool = True
    """Batch sequences of similar length together (bucketing) to save padding; only which rows form a batch changes."""

    def __post_init__(self) -> None:
        at_least(self, 1, "batch_size", "accumulate")
        at_least(self, 0, "workers")


@dataclass(frozen=True, kw_only=True)
class TransferConfig:
    """Transfer learning: pre-trained weights, and how much of them is trained."""

    pretrained: str | None = None
    """Pre-trained weights: a .safetensors or .pth file, the folder of an earlier run, or imagenet (published ones)."""
    freeze: int | Literal["none", "backbone"] = "none"
    """What to freeze: backbone (all but the head), or the number of layers to freeze from the input on (a block is one layer)."""
    layer_decay: float = 1.0
    """Layer-wise learning-rate decay: each layer's rate as a share of the next layer's; the head has the full rate."""

    def __post_init__(self) -> None:
        at_least(self, 0, "freeze")
        within(self, 0, 1, "layer_decay", open_left=True)


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimiser and learning-rate schedule."""

    optimizer: OptimizerName | GivenObject = "adamw"
    """Optimiser. Muon updates matrices and convolutions, AdamW the other parameters."""
    lr: float | Literal["auto"] | None = 1e-3
    """Peak learning rate; auto finds one with a range test. By default torch's own for torch's optimisers that are not ours."""
    weight_decay: float = 0.0
    """Weight decay: decoupled for adamw and muon, an L2 penalty for the others; never on norms and biases."""
    momentum: float = 0.9
    """Momentum factor of momentum, nesterov, rmsprop (where it is 0 by default) and muon (0.95 where that is named)."""
    beta1: float = 0.9
    """Adam's decay rate of the first moment."""
    beta2: float = 0.999
    """Adam's decay rate of the second moment; rmsprop's smoothing constant (alpha; 0.99 by default)."""
    eps: float = 1e-8
    """Added to the denominator in adaptive optimisers, for numerical stability."""
    schedule: ScheduleName | GivenObject = "constant"
    """Learning-rate schedule; plateau lowers the rate when the monitored validation metric no longer improves."""
    schedule_every: Literal["step", "epoch"] | None = None
    """How often a scheduler of torch is stepped; by default as its documentation says: OneCycleLR and CyclicLR at every step."""
    warmup: float = 0.0
    """Linear warm-up: a share of the run if below 1, else steps. one-cycle warms up for 0.3 of the run where none is given."""
    lr_floor: float = 0.0
    """Final learning rate of schedules that decay, as a share of lr."""
    step_size: float = 0.3
    """For the step schedule: divide the rate by ten after every such share of the run."""
    plateau_patience: int = 3
    """For plateau: evaluations without improvement before the rate is lowered."""
    plateau_factor: float = 0.1
    """For plateau: factor by which the rate is lowered, down to lr_floor."""
    decay: float = 0.2
    """For wsd (warm-up, stable, decay): share of the run at its end in which the rate decays."""
    clip: float = 0.0
    """Clip gradients to this norm; 0 for no clipping."""
    clip_value: float = 0.0
    """Clip gradient entries to this absolute value; 0 for no clipping."""
    ema: float = 0.0
    """Decay of an exponential moving average (EMA) of the weights, which is evaluated and saved instead of them; 0 for none."""

    def __post_init__(self) -> None:
        above(self, 0, "lr", "eps")
        at_least(self, 0, "weight_decay", "warmup", "clip", "clip_value", "plateau_patience")
        if self.warmup > 1 and self.warmup != round(self.warmup):
            raise ConfigError(
                f"{flag('warmup')} {self.warmup:g} is neither a share of the run, below 1, nor a whole number of steps; give one "
                "of them"
            )
        within(self, 0, 1, "plateau_factor", open_left=True, open_right=True)
        within(self, 0, 1, "momentum", "beta1", "beta2", "ema", open_right=True)
        within(self, 0, 1, "lr_floor", "decay")
        within(self, 0, 1, "step_size", open_left=True)


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """Length of training, evaluation and checkpoints. Of several lengths the one that is reached first ends the run."""

    epochs: float | None = None
    """Passes over the training rows; by default the recipe's value."""
    steps: int | None = None
    """Number of optimiser steps."""
    environment_steps: int | None = None
    """Of an environment: steps in all of --environments together, which are converted to --steps exactly (the plan says how)."""
    time_limit: float | str | None = None
    """Wall-clock limit of the whole run, from start-up to report, such as 90s, 10m, 1h30m; at least one step is taken,
    except of what is still to be played."""
    monitor: str | None = None
    """Validation metric that selects the best checkpoint; by default the task's."""
    mode: Literal["min", "max"] | None = None
    """Whether the smallest or the largest value of the monitored metric is best; known of most metrics, needed for others."""
    patience: int | str = 0
    """Early stopping after this many evaluations without improvement (--evaluate-every says how far apart they are), or this long
    ("10 epochs", "500 steps", "30m"); 0 for none."""
    stop_at: float | None = None
    """End the run once the validation metric that chooses the best checkpoint has reached this value; by default never."""
    evaluate_every: float | str = 1.0
    """How often to evaluate on the validation rows: "0.5 epochs", "500 steps", "60s"; a bare number counts epochs."""
    log_every: int = 10
    """Steps between lines in metrics.jsonl."""
    checkpoint_every: float | str = "60s"
    """Checkpoint interval: "500 steps", "1 epoch", "60s" (then also at an epoch's end, after a twentieth of it)."""
    doctor: bool = True
    """Look for faults while training, and say what is wrong, where and what to do; it does not change the weights."""
    classical: bool = True
    """Fit a classical model too where that takes seconds (tables: boosted trees; texts: TF-IDF), to compare the network with."""
    silence: tuple[str, ...] = ()
    """Findings by name that are kept as notes and not shown as warnings, such as overfitting."""

    def __post_init__(self) -> None:
        above(self, 0, "epochs")
        at_least(self, 1, "steps", "environment_steps", "log_every")
        silenced(self.silence)
        if self.mode is not None and self.monitor is None:
            monitor = flag("monitor")
            raise ConfigError(
                f"{flag('mode')} says which values of the metric in {monitor} are best; give {monitor} too"
            )
        for name in PERIODS:
            if getattr(self, name) is not None:
                self._duration(name)

    @property
    def limit_s(self) -> float | None:
        """Seconds that the whole run may take."""
        return None if self.time_limit is None else self._duration("time_limit").amount

    @property
    def evaluation_period(self) -> Duration:
        """Time between two evaluations on the validation rows."""
        return self._duration("evaluate_every")

    @property
    def checkpoint_period(self) -> Duration:
        """Time between two checkpoints."""
        return self._duration("checkpoint_every")

    @property
    def patience_for(self) -> Duration | None:
        """How long to train on without an improvement; None without end."""
        found = self._duration("patience")
        return found if found.amount else None

    def _duration(self, name: str) -> Duration:
        bare, units = PERIODS[name]
        return setting(name, getattr(self, name), bare=bare, units=units, zero=name == "patience")


@dataclass(frozen=True, kw_only=True)
class MachineConfig:
    """Device, precision, threads and seed."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""
    precision: Precision = "fp32"
    """bf16 and fp16 use autocast; fp16 (CUDA only) scales the loss. A recipe's bf16 is kept only where it is clearly faster."""
    compile: bool = False
    """Compile the step with torch.compile; needs a C++ compiler on CPUs."""
    threads: int | None = None
    """CPU threads per operation (torch.set_num_threads); by default chosen by timing a few steps."""
    deterministic: bool = False
    """Use deterministic operations only, and stop where there is none (matters on GPUs)."""
    seed: int = 0
    """Random seed of everything: splits, initialisation, shuffling, augmentation, dropout."""

    def __post_init__(self) -> None:
        at_least(self, 1, "threads")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed must lie in 0..2^63-1, got {self.seed}")


@dataclass(frozen=True, kw_only=True)
class PlaceConfig:
    """Run folder and output."""

    out: str | None = None
    """Run folder; by default runs/<data>-<model>-<n>."""
    fresh: bool = False
    """Delete the run that the folder already holds, and start over."""
    quiet: bool = False
    """Print errors only, and on the command line the run's folder at its end."""
    log: tuple[str, ...] = ()
    """Also log to an experiment tracker: wandb, mlflow, or both; TensorBoard files are always written, to RUN/events."""
    debug: bool = False
    """Show the full traceback of an error, not only its one-line message."""
    trust_code: bool = False
    """Run the code of a network that a run folder names, also where it was never named on this machine."""

    def __post_init__(self) -> None:
        for name in self.logs:
            if name == "tensorboard":
                raise ConfigError(
                    "--log tensorboard has no effect: its files are always written, to RUN/events; leave it out"
                )
            if name not in LOGS:
                raise unknown("tracker", name, LOGS)

    @property
    def logs(self) -> tuple[str, ...]:
        """`log` one by one: a text may name several, with commas."""
        return tuple(dict.fromkeys(name.strip() for text in self.log for name in text.split(",")))


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """All settings of a run, once defaults, recipe, file and typed values are merged."""

    model: str
    task: str
    data: DataConfig = field(default_factory=DataConfig)
    feed: FeedConfig = field(default_factory=FeedConfig)
    transfer: TransferConfig = field(default_factory=TransferConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    machine: MachineConfig = field(default_factory=MachineConfig)
    place: PlaceConfig = field(default_factory=PlaceConfig)
    model_config: Any = None  # the model family's own frozen dataclass
    task_config: Any = None  # the task's own frozen dataclass


GROUPS: dict[str, type] = {
    "data": DataConfig,
    "feed": FeedConfig,
    "transfer": TransferConfig,
    "optim": OptimConfig,
    "loop": LoopConfig,
    "machine": MachineConfig,
    "place": PlaceConfig,
}


MAY_DIFFER = frozenset(
    [
        "device", "threads", "workers", "memory", "feed", "quiet", "debug", "trust_code", "log", "out", "fresh",
        "epochs", "steps", "environment_steps", "time_limit", "patience",
        "stop_at", "checkpoint_every", "log_every", "doctor", "classical",
        "silence", "environment_timeout", "max_episode_steps",
    ]
)  # fmt: skip
"""Settings that may change on resume: they do not affect the numbers, or they set the length (of episodes: `run/judged_anew`)."""


def leaves() -> Iterator[tuple[str, str]]:
    """(leaf, group) for every setting of `GROUPS`."""
    for group, kind in GROUPS.items():
        for name in annotations(kind):
            yield name, group


def flat(config: Any) -> dict[str, Any]:
    """Leaf name -> value of one or more nested config dataclasses.

    >>> flat(FeedConfig(batch_size=8))["batch_size"]
    8
    """
    found: dict[str, Any] = {}
    for entry in fields(config):
        value = getattr(config, entry.name)
        if entry.metadata.get("holds_settings"):
            for held in value:
                found |= flat(held)
        elif dataclasses.is_dataclass(value):
            found |= flat(value)
        else:
            found[entry.name] = value
    return found


def replace_leaves(kind: type, values: Mapping[str, Any]) -> Any:
    """An instance of a config class from leaf values; leaves that are absent keep their default.

    Raises: ConfigError for a name the class does not have (with the nearest), a value of another kind or one it refuses
    """
    known = annotations(kind)
    for name in values:
        if name not in known:
            raise unknown("setting", name, known)
    return kind(**{name: suited(name, value, known[name]) for name, value in values.items()})


def size_bytes(text: str, *, free: int) -> int:
    """Bytes in a size, or in a share of `free`.

    Raises: ConfigError when it is neither

    >>> size_bytes("2GiB", free=0), size_bytes("50%", free=100)
    (2147483648, 50)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|B|[KMGT]i?B)", text.strip(), re.IGNORECASE)
    if match is None:
        raise ConfigError(f"{text!r} is not a memory size; write it like 2GiB, 500MB or 50%")
    number, unit = float(match[1]), match[2].lower()
    if unit == "%":
        return int(free * number / 100)
    power = "bkmgt".index(unit[0])
    return int(number * (1024 if "i" in unit else 1000) ** power)
