"""Settings of tables, which everything that stands in columns reads."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """What the columns of a table are."""

    target: tuple[str, ...] = ()
    """Target columns of a table; several give a model with several outputs."""
    columns: tuple[str, ...] = ()
    """Column names for a table without a header."""
    time: str | None = None
    """Timestamp column: validation and test rows are then the latest ones; found automatically for time series."""
    group: str | None = None
    """Group column, such as a patient ID: no group is in more than one split. It is not used as an input."""
