"""Whether there is memory for a run that acts, reckoned before its network is built and anything is played."""

from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from sonde.acting.room import Part, free_on, learning_bytes, refuse_too_large
from sonde.core.catalogue import load
from sonde.core.config import TrainConfig
from sonde.core.dataset import Dataset, InputSpec
from sonde.models.build import build as build_model
from sonde.models.count import parameters
from sonde.models.table import MODELS
from sonde.tasks.spec import TaskSpec

FLOAT = 4  # bytes
MOST = (
    5_000  # times as large as an observation what a network keeps of it for the gradient may be, for all that is usual
)


def refuse_without_room(dataset: Dataset, config: TrainConfig, known: TaskSpec, device: torch.device) -> None:
    """Raises: ConfigError, of one line, where a network of ours, its batches and what is played do not fit together.

    known: the record of the task, which says what its experience takes; nothing is refused of one that says nothing
    """
    if not known.room:
        return
    schema, free = dataset.schema, free_on(device)
    parts: list[Part] = load(known.room)(schema, dataset.splits, config)
    if config.model in MODELS:
        parts += _of_network(config, schema.input, schema.target.out_dim, whole=known.whole_batches, free=free)
    called = dataset.source or dataset.name
    refuse_too_large(parts, called, "take a smaller environment or game, or another --model", free=free)


def _of_network(config: TrainConfig, given: InputSpec, out_dim: int, *, whole: bool, free: int) -> list[Part]:
    """A network while it learns, and what it keeps of a batch for the gradient: counted on the meta device.

    whole: whether batches have no size of their own
    """
    with torch.device("meta"):
        model = build_model(config.model, given, out_dim, config.model_config)
    # heads that a task puts behind a network that acts
    number = parameters(model) + int(getattr(model, "features", 0)) * out_dim
    network = Part(what=f"the network ({number:,} parameters) while it learns", nbytes=learning_bytes(number))
    rows = -(-config.feed.batch_size // config.feed.accumulate)
    if whole or rows * prod(given.shape) * FLOAT * MOST < free:  # counting takes a second
        return [network]
    what = f"a batch of {rows:,} in the network (--batch-size {config.feed.batch_size})"
    kept = rows * _kept(model, given)
    return [network, Part(what=what, nbytes=kept, setting="batch_size", number=config.feed.batch_size)]


def _kept(model: nn.Module, given: InputSpec) -> int:
    """Bytes of a row's outputs of all layers, which are kept for the gradient. model: on the meta device"""
    kept = 0

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal kept
        outputs = output if isinstance(output, tuple) else (output,)
        kept += sum(each.numel() * FLOAT for each in outputs if isinstance(each, Tensor))

    for module in model.modules():
        if not list(module.children()):
            module.register_forward_hook(count)
    with torch.no_grad():
        model.eval()(torch.empty(1, *given.shape, device="meta"))
    return kept
