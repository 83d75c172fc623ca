"""Training rows for a task that compares others with them (`Abilities.know_rows`)."""

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.dataset import Dataset, Rows
from sonde.core.progress import Tick, silent
from sonde.core.seams import Task, abilities_of
from sonde.data.feed.layout import layout_of
from sonde.data.feed.normalise import Normalise
from sonde.data.feed.pack import as_tensor, pack

MOST_ROWS = 16_384  # evenly over all
MOST_BYTES = 256 << 20  # of them, which stay in memory
AT_ONCE = 512
LENGTHS = "lengths"  # the field of rows that are not all of one length


def hand_known_rows(task: Task, dataset: Dataset, device: torch.device, tick: Tick = silent) -> None:
    """Give the task what reads training rows, where it has use for them."""
    know = abilities_of(task).know_rows
    if know is not None:
        know(reader_of(dataset, device, tick))


def reader_of(dataset: Dataset, device: torch.device, tick: Tick = silent) -> Callable[[], Iterator[Batch]]:
    """Reads some training rows, always the same and in the same order, as an evaluation sees them: not augmented."""
    rows, prepare = dataset.splits["train"], Normalise(dataset.schema.input, device)
    most = min(len(rows), MOST_ROWS, max(1, MOST_BYTES * len(rows) // max(1, rows.nbytes())))
    chosen = np.arange(most) * len(rows) // most
    places = torch.from_numpy(chosen)
    read_once = cache(partial(_chunks, rows, chosen, tick))  # no sooner than they are wanted

    def read() -> Iterator[Batch]:
        first = 0
        for fields in read_once():
            count = len(next(iter(fields.values())))
            yield Batch(prepare(dict(fields)), places[first : first + count])
            first += count

    return read


def _chunks(rows: Rows, chosen: np.ndarray, tick: Tick) -> list[dict[str, Tensor]]:
    """The chosen rows, some at a time: rows of several lengths are as long as the longest of their chunk."""
    spans = [slice(start, start + AT_ONCE) for start in range(0, len(chosen), AT_ONCE)]
    if LENGTHS in layout_of(rows):
        return [{name: as_tensor(name, array) for name, array in rows.read(chosen[part]).items()} for part in spans]
    fields = pack(rows, chosen, label="training rows", tick=tick)
    return [{name: field[part] for name, field in fields.items()} for part in spans]
