"""What a model costs: its parameters, and the arithmetic of one row."""

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


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
