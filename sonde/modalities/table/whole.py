"""Tables for tasks that learn from inputs alone: their rows as a whole, of which a class may be a condition."""

from collections.abc import Sequence

import numpy as np

from sonde.core.dataset import Fact, TargetSpec
from sonde.modalities.table.read import Table
from sonde.modalities.table.target import Target, infer_target, read_target, target_columns
from sonde.tasks.table import spec

NONE = TargetSpec(kind="none", names=("row",))


def learns_whole_rows(task: str | None) -> bool:
    """Whether a task that is named learns from inputs alone, so that all columns are inputs."""
    return task is not None and not spec(task).labels


def table_target(table: Table, requested: Sequence[str], task: str | None) -> Target:
    """What is predicted; of a task that learns from inputs alone classes are a condition, and other targets columns like others.

    Raises: DataError for columns that are not there or cannot be learned, or where none is named and the task needs one
    """
    whole = learns_whole_rows(task)
    if whole and not requested:
        why = f"task {task} learns whole rows; --target COLUMN makes the classes of a column its condition"
        return Target(columns=(), spec=NONE, fact=Fact("no target", why))
    target = infer_target(table, target_columns(table, requested, task), task)
    if not whole or target.spec.kind == "class":
        return target
    names = ", ".join(map(repr, target.columns))
    why = f"{names} is learned like the other columns: only classes can be a condition of task {task}"
    return Target(columns=(), spec=NONE, fact=Fact("no target", why), warnings=target.warnings)


def read_target_or_none(table: Table, columns: Sequence[str], like: TargetSpec) -> np.ndarray:
    """As `read_target`; of rows without a target (n, 1) zeros, which no task looks at."""
    return np.zeros((len(table), 1)) if like.kind == "none" else read_target(table, columns, like)


def condition_column(target: Target, task: str | None) -> str:
    """The column whose classes are a condition of the rows; "" for none."""
    return target.columns[0] if learns_whole_rows(task) and target.columns else ""
