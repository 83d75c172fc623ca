"""Progress callbacks of long work."""

from collections.abc import Callable

Tick = Callable[[str, int, int], None]
"""Called as tick("decoding images", done, total) by work that may take over a second; total 0 where unknown."""


def silent(label: str, done: int, total: int) -> None:
    """A `Tick` that does nothing."""
