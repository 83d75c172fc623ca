"""At which batch an exception was raised: noted on the exception, so that who knows the data can name its rows."""

from typing import NamedTuple

from sonde.core.batch import Batch
from sonde.core.seams import Source

NAME = "_sonde_met_at"


class Met(NamedTuple):
    """The batch, and the source that it came from."""

    batch: Batch
    source: Source


def note_batch(trouble: Exception, batch: Batch, source: Source) -> None:
    """Keep on an exception at which batch it was met."""
    setattr(trouble, NAME, Met(batch, source))


def met_at(trouble: BaseException) -> Met | None:
    """Where an exception was met; None for one that was raised between batches."""
    return getattr(trouble, NAME, None)
