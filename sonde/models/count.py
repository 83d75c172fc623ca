"""What a model costs: its parameters, and the arithmetic of one row. `python -m sonde.models.count` writes costs.json anew."""

import json

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sonde.core.files import write_text
from sonde.models.table import COSTS, MODELS


def parameters(model: nn.Module) -> int:
    """Entries of all parameters, each counted once however often it is used."""
    return sum(p.numel() for p in model.parameters())


def flops(model: nn.Module, input: tuple[Tensor, ...]) -> int:
    """Additions and multiplications of one row's forward pass in convolutions and matrix products.

    model: on the meta device it is counted without being computed
    input: what it is called with, of one row
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    was_training = model.training
    model.eval()  # batch norm must not take statistics from this row
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(*(each.to(device) for each in input))
    model.train(was_training)
    return int(counter.get_total_flops())


def main() -> None:
    """Count every model of this package at its entry's input and write costs.json, a line each."""
    from sonde.models.build import describe

    lines = []
    for name in MODELS.own:
        facts = describe(name)
        lines.append(f'  "{name}": ' + json.dumps({"parameters": facts.parameters, "flops": facts.flops}))
    write_text(COSTS, "{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
