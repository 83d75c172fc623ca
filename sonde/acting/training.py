"""The environments that a run trains in."""

from collections.abc import Mapping
from functools import partial

from sonde.acting.config import EnvironmentConfig
from sonde.acting.in_process import InProcess
from sonde.acting.seeds import SeedRows, training_seed
from sonde.core.acting import Environments
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows


def trained_in(splits: Mapping[str, Rows], config: TrainConfig) -> Environments:
    """The environments that a run trains in, side by side."""
    rows, count = splits["train"], config.data.of(EnvironmentConfig).environments
    assert isinstance(rows, SeedRows)
    seed_of = partial(training_seed, config.machine.seed)
    return InProcess(rows.make, count, encode=rows.encode, seed_of=seed_of)
