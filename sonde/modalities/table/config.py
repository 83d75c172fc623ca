"""Settings of tables, which everything that stands in columns reads."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """What the columns of a table are."""

    target: tuple[str, ...] = ()
    """Table columns to predict; several give several outputs."""
    columns: tuple[str, ...] = ()
    """Names for the columns of a table without a header."""
    time: str | None = None
    """Column that says when a row happened: what is judged then lies after what is trained on; series find theirs themselves."""
    group: str | None = None
    """Column of what belongs together, such as a patient: no group is both trained on and judged. It is no input."""
