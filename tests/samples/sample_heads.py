"""A small network with auxiliary heads, and what its training loss must come to."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.seams import Task, as_loss
from sonde.nn.auxiliary import WithAuxiliary

SHARE = 0.3


class Headed(nn.Module):
    """Its first part is the main output, the others are heads, each from the input by itself."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, input: Tensor) -> Tensor | WithAuxiliary:
        main, *heads = self.parts
        if not self.training:
            return main(input)
        return WithAuxiliary(main(input), tuple(head(input) for head in heads), SHARE)


def check_heads_take_part(task: Callable[[nn.Module], Task], model: Headed, batch: Batch) -> None:
    """The training loss and its gradient are those of the parts trained alone, heads by their share; so in pieces.

    task: makes the task around a network
    """
    model.double()
    fields = {name: f.double() if f.is_floating_point() else f for name, f in batch.fields.items()}
    batch = Batch(fields, batch.index)
    weights = [1.0] + [SHARE] * (len(model.parts) - 1)
    alone = [as_loss(task(part).phases[0].loss(batch), len(batch)) for part in model.parts]
    parameters = list(model.parameters())
    expected = torch.stack([weight * loss.value for weight, loss in zip(weights, alone, strict=True)]).sum()
    gradient = torch.autograd.grad(expected, parameters)
    assert all(part.abs().max() > 1e-4 for part in gradient)
    made = task(model.train())
    for count in (1, 2, 5):
        losses = [as_loss(made.phases[0].loss(piece), len(piece)) for piece in batch.split(count)]
        total = torch.stack([torch.as_tensor(loss.weight, dtype=torch.float64) for loss in losses]).sum()
        value = torch.stack([loss.value * loss.weight for loss in losses]).sum() / total
        main = torch.stack([loss.parts["main"] * loss.weight for loss in losses]).sum() / total
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=0.0)
        torch.testing.assert_close(main, alone[0].value, rtol=1e-6, atol=0.0)
        for found, wanted in zip(torch.autograd.grad(value, parameters), gradient, strict=True):
            torch.testing.assert_close(found, wanted, rtol=0, atol=1e-7)  # class weights are summed in float32


def check_heads_are_not_judged(task: Callable[[nn.Module], Task], model: Headed, batch: Batch) -> None:
    """Evaluation and predictions are those of the main part."""
    headed, bare = task(model.eval()), task(model.parts[0].eval())
    with torch.no_grad():
        for found, wanted in (
            (headed.evaluate(batch), bare.evaluate(batch)),
            (headed.predict(batch), bare.predict(batch)),
        ):
            assert found.keys() == wanted.keys()
            assert all(torch.equal(found[name], wanted[name]) for name in wanted)
