"""Whether all rows are held in memory or streamed, decided from sizes."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.config import FeedConfig, size_bytes
from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError
from sonde.core.units import size
from sonde.data.feed.layout import held, lengths_of
from sonde.data.rows import OnDisk


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
    total = extra = 0
    for rows in dataset.splits.values():
        taken = rows.nbytes()
        total += taken
        if held(rows) is None and lengths_of(rows) is None:
            extra += taken
    if config.feed == "streaming":
        return FeedDecision(kind="streaming", why=f"--feed streaming ({size(total)} in all)", bytes=total)
    if config.feed == "resident":
        if extra > free_bytes:
            raise ConfigError(
                f"--feed resident needs {size(extra)} of memory, but only {size(free_bytes)} is free; "
                "use --feed streaming, or a smaller --image-size"
            )
        return FeedDecision(kind="resident", why=f"--feed resident ({size(total)})", bytes=total)
    if extra == 0:
        on_disk = any(isinstance(rows, OnDisk) and rows.on_disk for rows in dataset.splits.values())
        where = "read from a temporary file" if on_disk else "already in memory"
        return FeedDecision(kind="resident", why=f"{size(total)}, {where}", bytes=total)
    limit = f"memory limit of {size(allowed)}" + (
        f" ({config.memory} of the free memory)" if "%" in config.memory else ""
    )
    if extra <= allowed:
        return FeedDecision(kind="resident", why=f"{size(total)}, within the {limit}", bytes=total)
    return FeedDecision(kind="streaming", why=f"{size(total)}, more than the {limit}", bytes=total)
