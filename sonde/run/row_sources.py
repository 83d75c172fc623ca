"""The source that a trained run reads rows from, to answer them or to be judged on them."""

import torch

from sonde.acting.evaluation.evaluated import acted_out, is_acted
from sonde.core.config import FeedConfig
from sonde.core.dataset import Rows, Schema
from sonde.core.seams import Source, Task
from sonde.data.feed.build import build_source
from sonde.data.feed.source import Augment
from sonde.modalities.feeding import activations_per_value
from sonde.modalities.text.windows import Streams

EVALUATED_ROWS = 256  # a batch
STREAMED = 2**30  # bytes of rows from which on they are read as they come


def source_of(
    rows: Rows,
    schema: Schema,
    task: Task,
    device: torch.device,
    augment: Augment | None = None,
    *,
    seed: int = 0,
    goes_on: bool = False,
) -> Source:
    """Rows in their order. Of an environment they are episodes, which the task plays.

    augment: of tasks that compare views;  seed: of what is drawn in an evaluation, such as sampled actions
    goes_on: whether windows of a text follow one another
    """
    if is_acted(rows):
        return acted_out(rows, task, seed=seed, device=device)
    return build_source(
        rows,
        schema,
        FeedConfig(batch_size=EVALUATED_ROWS),
        training=False,
        seed=seed,
        device=device,
        kind="streaming" if rows.nbytes() > STREAMED else "resident",
        augment=augment,
        sampler=Streams if goes_on else None,
        activations_per_value=activations_per_value(schema),
    )
