"""Which rows are normal: by the names of their classes. Free of torch."""

import numpy as np

from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError, unknown
from sonde.tasks.anomaly.config import AnomalyConfig

LISTED = 5  # classes in an error


def normal_classes(target: TargetSpec, config: AnomalyConfig) -> tuple[bool, ...]:
    """Of each class whether it is normal; () where rows have no classes, and all are taken for normal.

    Raises: ConfigError where that is not said, or contradicts the data
    """
    named = config.normal or config.anomalous
    flag = "--normal" if config.normal else "--anomalous"
    if target.kind != "class":
        if named:
            raise ConfigError(f"{flag} names classes, and these data have none; leave it out: all rows are normal then")
        return ()
    names = target.names
    if len(names) == 1 and named in ((), names):
        return (True,)
    if not named:
        listed = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
        raise ConfigError(
            f"which of the classes {listed} are normal? name them with --normal, or the others with --anomalous, such as "
            f"--normal {names[0]}"
        )
    for name in named:
        if name not in names:
            raise unknown("class", name, names)
    if len(set(named)) == len(names):
        raise ConfigError(f"{flag} names all classes of the data; leave out those that are {_other(flag)}")
    return tuple((name in named) == (flag == "--normal") for name in names)


def trained_on(labels: np.ndarray, target: TargetSpec, config: AnomalyConfig) -> np.ndarray:
    """(N,) bool: the training rows of normal classes. labels: (N,) numbers of classes;  Raises: ConfigError"""
    return np.asarray(normal_classes(target, config))[labels]


def _other(flag: str) -> str:
    return "anomalies" if flag == "--normal" else "normal"
