"""The mean matrix product of a step: counted by hand, the same every time, and nothing is left of the step."""

import pytest
import torch
from sample_tasks import CPU, Supervised, batch, blobs, mlp, stepper
from torch import Tensor, nn

from sonde.engine import random_state
from sonde.engine.product_size import mean_product
from sonde.engine.training import weights
from sonde.engine.tree import copied, same

DATA = batch(**blobs(4))  # 4 rows of 2 numbers


def test_a_layers_products_are_counted() -> None:
    """Forward and the gradient by the weights; the first layer's input needs none."""
    rows, inputs, outputs = len(DATA), DATA["input"].shape[1], 3
    assert mean_product(stepper(Supervised(mlp(inputs, outputs))), DATA) == 2 * rows * inputs * outputs


def test_counting_leaves_no_trace_and_finds_the_same_again() -> None:
    made = stepper(Supervised(mlp(2, 16, 3)))
    before = copied(weights(made.task.modules)), random_state.capture(CPU), copied(made.state_dict())
    assert mean_product(made, DATA) == mean_product(made, DATA) > 0
    assert same(before, (weights(made.task.modules), random_state.capture(CPU), made.state_dict()))


class Last(nn.Module):
    """A recurrent network's output after the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.LSTM(1, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, input: Tensor) -> Tensor:
        return self.head(self.inner(input.unsqueeze(-1))[0][:, -1])


def test_recurrent_layers_count_however_torch_computes_them() -> None:
    """At least 2 steps x 4 rows x 4 gates x 8 x (1 + 8), times two, forward."""
    assert mean_product(stepper(Supervised(Last())), DATA) > 500


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_step_that_fails_is_left_to_training(bad: float) -> None:
    rows = batch(input=torch.full((4, 2), bad), target=torch.zeros(4, dtype=torch.int64))
    assert mean_product(stepper(Supervised(mlp(2, 3))), rows) >= 0
