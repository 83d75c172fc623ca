"""Training rows for a task that compares others with them (`Abilities.know_rows`)."""

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np
import torch

from sonde.core.batch import Batch
from sonde.core.dataset import Dataset
from sonde.core.progress import Tick, silent
from sonde.core.seams import Task, abilities_of
from sonde.data.feed.normalise import Normalise
from sonde.data.feed.pack import pack

MOST_ROWS = 16_384  # evenly over all
MOST_BYTES = 256 << 20  # of them, which stay in memory
AT_ONCE = 512


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
    packed = cache(partial(pack, rows, chosen, label="training rows", tick=tick))  # no sooner than they are wanted

    def read() -> Iterator[Batch]:
        fields = packed()
        for start in range(0, most, AT_ONCE):
            part = slice(start, start + AT_ONCE)
            yield Batch(prepare({name: field[part] for name, field in fields.items()}), places[part])

    return read
