"""Whether all rows are held in memory or streamed, decided from sizes."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.config import FeedConfig, size_bytes
from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError
from sonde.core.units import size
from sonde.data.feed.layout import held, lengths_of
from sonde.data.rows import MaybeOnDisk


@dataclass(frozen=True, kw_only=True)
class FeedDecision:
    """How rows are fed, why, and what they take once packed."""

    kind: Literal["resident", "streaming"]
    why: str
    bytes: int


def decide(dataset: Dataset, config: FeedConfig, *, free_bytes: int) -> FeedDecision:
    """Resident where all splits fit in `config.memory`; what was typed is kept.

    free_bytes: memory that is free now; a share such as "50%" is of this
    Raises: ConfigError for a typed --feed resident that cannot fit, and a --memory that is no size
    """
    allowed = size_bytes(config.memory, free=free_bytes)
    total = sum(rows.nbytes() for rows in dataset.splits.values())
    lacking = [rows for rows in dataset.splits.values() if held(rows) is None and lengths_of(rows) is None]
    extra = sum(rows.nbytes() for rows in lacking)
    if config.feed == "streaming":
        return FeedDecision(kind="streaming", why=f"--feed streaming ({size(total)} in all)", bytes=total)
    if config.feed == "resident":
        if extra > free_bytes:
            raise ConfigError(
                f"--feed resident needs {size(extra)} and {size(free_bytes)} are free; use --feed streaming, or a smaller "
                "--image-size"
            )
        return FeedDecision(kind="resident", why=f"--feed resident ({size(total)})", bytes=total)
    if extra == 0:
        on_disk = any(isinstance(rows, MaybeOnDisk) and rows.on_disk for rows in dataset.splits.values())
        where = "read from a temporary file" if on_disk else "in memory already"
        return FeedDecision(kind="resident", why=f"{size(total)}, {where}", bytes=total)
    limit = f"{size(allowed)} allowed" + (f" ({config.memory} of what is free)" if "%" in config.memory else "")
    if extra <= allowed:
        return FeedDecision(kind="resident", why=f"{size(total)} fit in the {limit}", bytes=total)
    return FeedDecision(kind="streaming", why=f"{size(total)} do not fit in the {limit}", bytes=total)
