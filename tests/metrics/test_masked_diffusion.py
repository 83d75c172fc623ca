import math

import pytest
import torch

from sonde.core.errors import NonFinite
from sonde.core.vocabulary import Characters
from sonde.metrics.masked_diffusion import LEVELS, MaskedDiffusionMeter

TARGET = torch.tensor([[4, 5, 4, 5], [5, 4, 0, 0]])
OUTPUTS = {
    "nats": torch.tensor([1.0, 4.0]),
    "right": torch.tensor([0.5, 1.0]),
    "hidden": torch.tensor([4, 1]),
    "target": TARGET,
}


def test_rows_count_by_their_tokens_and_accuracy_by_those_that_were_masked() -> None:
    meter, other = MaskedDiffusionMeter(Characters(("a", "b"))), MaskedDiffusionMeter(Characters(("a", "b")))
    meter.update({name: value[:1] for name, value in OUTPUTS.items()}, torch.arange(1))
    other.update({name: value[1:] for name, value in OUTPUTS.items()}, torch.arange(1, 2))
    meter.merge(other)
    found = meter.compute()
    assert found["loss"] == pytest.approx((4 * 1.0 + 2 * 4.0) / 6)
    assert found["perplexity"] == pytest.approx(math.exp(2.0))
    assert found["bits_per_character"] == pytest.approx(2.0 / math.log(2))
    assert found["accuracy"] == pytest.approx((4 * 0.5 + 1 * 1.0) / 5)


def test_the_loss_is_told_by_how_much_was_masked() -> None:
    meter = MaskedDiffusionMeter(Characters(("a", "b")))
    meter.update(OUTPUTS, torch.arange(2))
    assert meter.details()["by_masked"] == [
        {"masked": 0.5 / LEVELS, "nats": 4.0},
        {"masked": 6.5 / LEVELS, "nats": 1.0},
    ]


def test_a_loss_that_is_no_number_names_its_row() -> None:
    meter = MaskedDiffusionMeter(Characters(("a", "b")))
    meter.update({**OUTPUTS, "nats": torch.tensor([1.0, float("nan")])}, torch.tensor([3, 8]))
    with pytest.raises(NonFinite, match="8"):
        meter.compute()
