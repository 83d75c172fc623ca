"""Tables for tasks that learn from inputs alone: their rows as a whole, of which a class may be a condition."""

from collections.abc import Sequence

import numpy as np

from sonde.core.dataset import Fact, TargetSpec
from sonde.core.errors import DataError
from sonde.modalities.table.read import Table
from sonde.modalities.table.target import Target, infer_target, read_target, target_columns
from sonde.tasks.table import spec, specs

NONE = TargetSpec(kind="none", names=("row",))


def learns_whole_rows(task: str | None) -> bool:
    """Whether a task that is named learns from inputs alone, so that all columns are inputs."""
    return task is not None and not spec(task).labels


def table_target(table: Table, requested: Sequence[str], task: str | None) -> Target:
    """What is predicted; of a task that learns from inputs alone classes are a condition, or say which rows are trained on, and
    other targets columns like others.

    Raises: DataError for columns that are not there or cannot be learned, where none is named and the task needs one, and
    where one is named of which the task would make nothing
    """
    if task is None or not learns_whole_rows(task):
        return infer_target(table, target_columns(table, requested, task), task)
    if not requested:
        return Target(columns=(), spec=NONE, fact=Fact("no target", f"task {task} learns whole rows{_use(task)}"))
    columns, known = target_columns(table, requested, task), spec(task)
    if not known.conditions and not known.trains_on:
        raise DataError(f"task {task} learns whole rows and has no use for --target; {_instead(columns, task)}")
    target = infer_target(table, columns, task)
    if target.spec.kind == "class":
        return target
    only = f"be a condition of task {task}" if known.conditions else "say which rows are normal"
    names = ", ".join(map(repr, target.columns))
    why = f"{names} is learned like the other columns: only classes can {only}"
    return Target(columns=(), spec=NONE, fact=Fact("no target", why), warnings=target.warnings)


def _use(task: str) -> str:
    """What a target would be for; "" of a task that makes no use of one."""
    if spec(task).conditions:
        return "; --target COLUMN makes the classes of a column its condition"
    if spec(task).trains_on:
        return "; --target COLUMN with --normal CLASS says which rows are normal"
    return ""


def _instead(columns: Sequence[str], task: str) -> str:
    """What to do instead of naming a target of which a task makes nothing."""
    learned = "that column is" if len(columns) == 1 else "those columns are"
    text = f"leave it out: {learned} learned like the others"
    if spec(task).generates and len(columns) == 1:
        able = " or ".join(f"--task {each.name}" for each in specs() if each.conditions)
        text += f"; rows of a class that can be chosen are made by {able}"
    return text


def read_target_or_none(table: Table, columns: Sequence[str], like: TargetSpec) -> np.ndarray:
    """As `read_target`; of rows without a target (n, 1) zeros, which no task looks at."""
    return np.zeros((len(table), 1)) if like.kind == "none" else read_target(table, columns, like)


def condition_column(target: Target, task: str | None) -> str:
    """The column whose classes are a condition of the rows, or say which are normal; "" for none."""
    return target.columns[0] if learns_whole_rows(task) and target.columns else ""
