import math
from typing import get_args

import pytest
import torch

from sonde.nn.activations import Activation, activation

X = torch.tensor([[-2.0, -0.5, 0.0, 1.5]], dtype=torch.float64)

CLOSED_FORMS = {
    "relu": lambda x: max(x, 0.0),
    "leaky-relu": lambda x: x if x > 0 else 0.01 * x,
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
}


@pytest.mark.parametrize("name", [n for n in get_args(Activation) if n != "softmax"])
def test_matches_its_closed_form(name: Activation):
    expected = [CLOSED_FORMS[name](x) for x in X[0].tolist()]
    assert activation(name)(X)[0].tolist() == pytest.approx(expected, rel=1e-12)


def test_softmax_is_over_the_units():
    exponents = [math.exp(x) for x in X[0].tolist()]
    expected = [e / sum(exponents) for e in exponents]
    assert activation("softmax")(X)[0].tolist() == pytest.approx(expected, rel=1e-12)
