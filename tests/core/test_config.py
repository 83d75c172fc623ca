"""Settings, their bounds, and the texts that stand for numbers."""

import dataclasses
import inspect
from typing import Any

import pytest

from sonde.core import config as config_module
from sonde.core.bounds import flag
from sonde.core.config import (
    GROUPS,
    DataConfig,
    FeedConfig,
    LoopConfig,
    OptimConfig,
    TrainConfig,
    flat,
    leaves,
    replace_leaves,
    size_bytes,
)
from sonde.core.durations import Duration, same_setting
from sonde.core.errors import ConfigError

NAN, INF = float("nan"), float("inf")

REFUSED = [
    ("batch_size", 0, "--batch-size must be at least 1, got 0"),
    ("accumulate", 0, "--accumulate must be at least 1, got 0"),
    ("workers", -1, "--workers must be at least 0, got -1"),
    ("lr", 0.0, "--lr must be above 0, got 0"),
    ("lr", -1e-3, "--lr must be above 0, got -0.001"),
    ("lr", NAN, "--lr must be above 0, got nan"),
    ("lr", INF, "--lr must be above 0, got inf"),
    ("epochs", 0, "--epochs must be above 0, got 0"),
    ("steps", 0, "--steps must be at least 1, got 0"),
    ("validation", 1.0, "--validation must be at least 0 and below 1, got 1"),
    ("validation", -0.1, "--validation must be at least 0 and below 1, got -0.1"),
    ("validation", NAN, "--validation must be at least 0 and below 1, got nan"),
    ("label_fraction", 0.0, "--label-fraction must be above 0 and at most 1, got 0"),
    ("momentum", 1.0, "--momentum must be at least 0 and below 1, got 1"),
    ("ema", 1.5, "--ema must be at least 0 and below 1, got 1.5"),
    ("eps", 0.0, "--eps must be above 0, got 0"),
    ("weight_decay", INF, "--weight-decay must be at least 0, got inf"),
    ("clip", -1.0, "--clip must be at least 0, got -1"),
    ("patience", -1, "--patience must be at least 0, got -1"),
    ("threads", 0, "--threads must be at least 1, got 0"),
    ("seed", -1, "seed must lie in 0..2^63-1, got -1"),
    ("seed", 2**63, "seed must lie in 0..2^63-1, got 9223372036854775808"),
    ("time_limit", "soon", "--time-limit: 'soon' is not a duration; write it like 90s, 10m or 1h30m"),
    (
        "checkpoint_every",
        "",
        "--checkpoint-every: '' is not a duration; write it like 2 epochs, 500 steps, 90s, 10m or 1h30m",
    ),
]


def built(**values: Any) -> TrainConfig:
    groups = dict(leaves())
    made = {
        group: replace_leaves(kind, {name: value for name, value in values.items() if groups[name] == group})
        for group, kind in GROUPS.items()
    }
    return TrainConfig(model="mlp", task="classification", **made)


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_a_value_out_of_range_names_its_flag(name: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        built(**{name: value})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_lengths_and_periods_are_durations() -> None:
    loop = LoopConfig(
        epochs=1, steps=10, time_limit="10m", evaluate_every="500 steps", checkpoint_every="1 epoch", patience="30m"
    )
    assert (loop.epochs, loop.steps, loop.limit_s) == (1, 10, 600)
    assert loop.evaluation_period == Duration(500, "steps")
    assert loop.checkpoint_period == Duration(1, "epochs")
    assert loop.patience_for == Duration(1800, "seconds")
    bare = LoopConfig(time_limit=45, evaluate_every=2, checkpoint_every=30, patience=3)
    assert (bare.limit_s, bare.evaluation_period) == (45, Duration(2, "epochs"))
    assert (bare.checkpoint_period, bare.patience_for) == (Duration(30, "seconds"), Duration(3, "evaluations"))
    assert (LoopConfig().limit_s, LoopConfig().patience_for) == (None, None)


@pytest.mark.parametrize(
    ("name", "old", "new", "same"),
    [
        ("evaluate_every", 1.0, "1 epoch", True),
        ("evaluate_every", 1.0, "1 step", False),
        ("time_limit", "60s", "1m", True),
        ("time_limit", None, "1m", False),
        ("patience", 3, "3 evaluations", True),
        ("target", ["a"], ("a",), True),
    ],
)
def test_settings_that_mean_the_same(name: str, old: Any, new: Any, same: bool) -> None:
    assert same_setting(name, old, new) is same


def test_bounds_that_are_allowed() -> None:
    assert (DataConfig(validation=0.0).validation, DataConfig(label_fraction=1.0).label_fraction) == (0.0, 1.0)
    assert OptimConfig(lr="auto").lr == "auto"
    assert FeedConfig(workers=0).workers == 0


def test_every_setting_has_one_place_and_explains_itself() -> None:
    names = [name for name, _ in leaves()]
    assert len(names) == len(set(names))
    source = inspect.getsource(config_module)
    known = set(names)
    for kind in GROUPS.values():
        assert dataclasses.is_dataclass(kind)
        for entry in dataclasses.fields(kind):
            assert entry.name in known or entry.metadata["holds_settings"]
            line = source.index(f"    {entry.name}: ")
            assert source[source.index("\n", line) + 1 :].startswith('    """'), entry.name


def test_flat_and_back() -> None:
    config = built(batch_size=8, lr=0.5, folds=3)
    values = flat(config)
    assert (values["batch_size"], values["lr"], values["folds"]) == (8, 0.5, 3)
    values = {name: value for name, value in values.items() if name in dict(leaves())}
    assert built(**values) == config


def test_an_unknown_setting_suggests() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'batchsize'; did you mean 'batch_size'"):
        replace_leaves(FeedConfig, {"batchsize": 3})


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GiB", 2**31), ("500MB", 5 * 10**8), ("1.5 KiB", 1536), ("12 b", 12), ("1tb", 10**12), ("25%", 250)],
)
def test_sizes(text: str, expected: int) -> None:
    assert size_bytes(text, free=1000) == expected


@pytest.mark.parametrize("text", ["", "2", "GiB", "-1GB", "2 Gi", "half", "1e9B"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a memory size; write it like 2GiB, 500MB or 50%"):
        size_bytes(text, free=1000)


def test_a_setting_is_written_as_its_flag() -> None:
    assert flag("label_smoothing") == "--label-smoothing"


def test_warm_up_is_a_share_or_whole_steps() -> None:
    for warmup in (0.0, 0.5, 1.0, 3.0, 300):
        assert OptimConfig(warmup=warmup).warmup == warmup
    with pytest.raises(ConfigError, match=r"warmup 3\.5 is neither a share of the run, below 1, nor a whole number"):
        OptimConfig(warmup=3.5)
