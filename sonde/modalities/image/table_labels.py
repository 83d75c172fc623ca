"""What a table says of the images that it names: a class, several labels, or values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.dataset import Fact, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.natural_order import in_natural_order
from sonde.data.targets import first_few
from sonde.modalities.image.naming_tables import box_columns, cells_of, split_column
from sonde.modalities.table.integer_targets import is_signs, no_as_zero
from sonde.modalities.table.kinds import MISSING, NUMBER
from sonde.modalities.table.read import Table
from sonde.modalities.table.target import infer_target, read_target, target_columns
from sonde.tasks.table import target_kind

CALLED = ("label", "labels", "class", "class_name", "classname", "classid", "class_id", "category", "category_name")
CALLED += ("target", "targets", "dx", "diagnosis", "breed", "species", "y", "tags", "finding labels", "cell_type")
BOX_NAMES = ("bbox", "box", "boxes", "bboxes", "bounding_box", "boundingbox")
FOUR_NUMBERS = re.compile(r"[\[(]?\s*[\d.]+(?:\s*[,;\s]\s*[\d.]+){3}\s*[\])]?")
LOOKED_AT = 20
SEVERAL = (
    "labels",
    "tags",
    "targets",
    "target",
    "attributes",
    "attribute_ids",
    "categories",
    "finding labels",
    "genres",
)
CLASSY = re.compile(r"class|label|categor|species|breed", re.IGNORECASE)
SUBJECT = re.compile(r"(patient|lesion|subject|person|participant|group|animal)[ _]?(id|number|no)?", re.IGNORECASE)
MARKS = ("|", ";", ",", " ")  # between several labels in a cell; only the first stands in no class's name
MOST_CLASSES = 1000  # integers with more distinct values are no classes
FEW = 20  # distinct integers that are classes whatever the column is called
LISTED = 8


@dataclass(frozen=True, kw_only=True)
class Labels:
    """How rows become targets.

    used:  the columns they stand in
    names: of classes, or of labels joined in one cell; () for numbers
    mark:  between several labels in a cell, "" where there is one
    """

    used: tuple[str, ...]
    names: tuple[str, ...] = ()
    mark: str = ""
    facts: Sequence[Fact] = ()
    warnings: Sequence[str] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of several outputs, or of the one value."""
        return self.names if self.mark else () if self.names else self.used

    def read(self, table: Table) -> tuple[np.ndarray, np.ndarray]:
        """((n,) names, or (n, outputs) float64;  (n,) bool, rows that say nothing).

        Raises: DataError for a class or label that is not known, and for a cell that is no number
        """
        if self.mark:
            return self._joined(table)
        if self.names and len(self.used) == 1:
            codes = read_target(table, self.used, TargetSpec(kind="class", names=self.names))
            return np.array([*self.names, ""])[codes], codes < 0
        values = read_target(table, self.used, TargetSpec(kind="value", names=self.used))
        if len(self.used) > 1 and is_signs(values):
            values = no_as_zero(values)
        return values, np.asarray(np.isnan(values).all(axis=1))

    def _joined(self, table: Table) -> tuple[np.ndarray, np.ndarray]:
        known = {name: place for place, name in enumerate(self.names)}
        cells = cells_of(table, self.used[0])
        values: np.ndarray = np.zeros((len(cells), len(self.names)))
        for row, cell in enumerate(cells):
            for label in _labels_in(cell, self.mark):
                if label not in known:
                    raise DataError(
                        f"{table.place(row)}: {self.used[0]!r} has a label {label!r} that training rows do not have; they "
                        f"have {first_few(self.names, LISTED)}"
                    )
                values[row, known[label]] = 1
        return values, np.array([cell.lower() in MISSING for cell in cells], bool)


def label_columns(table: Table, image: str, requested: Sequence[str]) -> tuple[str, ...]:
    """The columns to predict: the requested ones, one that is called so, all where all are 0 or 1, or the only other one.

    Raises: DataError where none of these is there, and for boxes in one column
    """
    _refuse_joined_boxes(table)
    if requested:
        return target_columns(table, requested)
    aside = {image, split_column(table.columns), *box_columns(table)}
    others = [name for name in table.columns if name not in aside]
    called = {name.lower(): name for name in others}
    if (found := next((called[name] for name in CALLED if name in called), None)) is not None:
        return (found,)
    if len(others) > 1 and all(_binary(table, name) for name in others):
        return tuple(others)
    if len(others) == 1:
        return (others[0],)
    if not others:
        raise DataError(
            f"{table.name} names images and has no other column; add one of labels, or give folders of images"
        )
    raise DataError(
        f"{table.name} names images: which column is to be predicted? Use --target {others[0]!r}, or another of "
        f"{', '.join(map(repr, others[:20]))}{' …' * (len(others) > 20)}"
    )


def _refuse_joined_boxes(table: Table) -> None:
    column = next((name for name in table.columns if name.lower() in BOX_NAMES and _are_boxes(table, name)), None)
    if column is None or box_columns(table):
        return
    stem = table.name.rpartition(".")[0]
    raise DataError(
        f'{table.name}: column {column!r} holds boxes of four numbers; write them in four columns: python -c "import pandas; t = '
        f"pandas.read_csv('{table.name}'); b = t.pop('{column}').str.strip('[]() ').str.split(r'[,;\\s]+', expand=True)"
        ".astype(float); t['xmin'], t['ymin'], t['xmax'], t['ymax'] = b[0], b[1], b[0] + b[2], b[1] + b[3]; "
        f"t.to_csv('{stem}-boxes.csv', index=False)\" where they are x, y, width, height"
    )


def _are_boxes(table: Table, column: str) -> bool:
    cells = [cell for cell in cells_of(table, column)[:LOOKED_AT] if cell and cell.lower() not in MISSING]
    return bool(cells) and all(FOUR_NUMBERS.fullmatch(cell) for cell in cells)


def labels_of_table(table: Table, columns: Sequence[str], task: str | None, like: Schema | None) -> Labels:
    """How the rows of a training table become targets, or as a trained model has them.

    Raises: DataError for columns from which nothing can be learned
    """
    column, *more = columns
    if more:  # in the model's order
        known = like is not None and set(like.target.names) == set(columns)
        signs = like is None and all(set(cells_of(table, name)) <= {"-1", "1"} for name in columns)
        fact = [Fact(f"{len(columns)} labels, of which -1 is read as no", "they hold -1 and 1")] if signs else []
        return Labels(used=like.target.names if like is not None and known else tuple(columns), facts=fact)
    if like is not None:
        mark = _mark(cells_of(table, column), column) or "|" if like.target.kind == "labels" else ""
        return Labels(used=(column,), names=() if like.target.has_values else like.target.names, mark=mark)
    cells = [cell for cell in cells_of(table, column) if cell.lower() not in MISSING]
    if (mark := _mark(cells, column)) and target_kind(task) != "value":
        names = tuple(in_natural_order({label for cell in cells for label in _labels_in(cell, mark)}))
        warning = (
            f"column {column!r} joins several labels by {mark!r}: read as {len(names)} labels ({first_few(names, LISTED)}), not "
            f"as {len(set(cells)):,} classes"
        )
        return Labels(used=(column,), names=names, mark=mark, warnings=[warning])
    return _one(table, column, task, cells)


def same_subject(table: Table, columns: Sequence[str]) -> str | None:
    """A column that says of whom or what an image is, where several images are of one; None where there is none."""
    for name in table.columns:
        if SUBJECT.fullmatch(name) and name not in columns:
            distinct = len(set(cells_of(table, name)))
            if 2 < distinct < len(table):
                return name
    return None


def _one(table: Table, column: str, task: str | None, cells: Sequence[str]) -> Labels:
    """One label or value an image."""
    wanted, warnings = task, []
    distinct = set(cells)
    whole = all(re.fullmatch(r"\d+", cell) for cell in distinct)
    if task is None and whole and CLASSY.search(column) and len(distinct) <= min(MOST_CLASSES, len(cells) // 2):
        wanted = "classification"
        if len(distinct) > FEW:
            warnings = [
                f"column {column!r} holds {len(distinct)} distinct integers, taken for classes by its name; --task regression "
                "treats them as values"
            ]
    target = infer_target(table, (column,), wanted)
    if target.spec.kind != "class":
        return Labels(used=(column,), facts=[target.fact], warnings=warnings)
    return Labels(used=(column,), names=target.spec.names, warnings=warnings)


def _binary(table: Table, column: str) -> bool:
    cells = set(cells_of(table, column))
    return cells <= {"0", "1", "0.0", "1.0", "True", "False"} or cells <= {"-1", "1"}


def _labels_in(cell: str, mark: str) -> list[str]:
    return [label for part in cell.split(mark) if (label := part.strip())]


def _mark(cells: Sequence[str], column: str) -> str:
    """What stands between several labels in a cell; "" where each cell is one.

    Beside "|", which is in no name, the column must be called after several, and there be more combinations than labels.
    """
    whole = {cell for cell in cells if cell.lower() not in MISSING}
    if all(re.match(NUMBER, cell) for cell in whole):
        return ""
    for mark in MARKS:
        if not any(mark in cell for cell in whole):
            continue
        labels = {label for cell in whole for label in _labels_in(cell, mark)}
        if mark == "|" or column.lower() in SEVERAL and len(labels) < len(whole):
            return mark
    return ""
