"""Units that are silent or stuck."""

import pytest
from examined import context, flat, output, seen

from sonde.diagnose.rules import units
from sonde.diagnose.signals import calls


def test_a_layer_that_is_silent_from_the_start() -> None:
    found = units.dead(seen(flat(2.3), outputs=[output(silent=1.0)]))
    assert found is not None
    assert (found.name, found.certainty, found.step) == ("dead-units", "likely", 1)
    assert "100 %" in found.evidence
    assert "He's" in found.action


@pytest.mark.parametrize("silent", [0.29, 0.66, 0.9])  # of healthy runs the most, in small batches at high rates too
def test_silent_units_of_healthy_layers(silent: float) -> None:
    assert units.dead(seen(outputs=[output(silent=silent)])) is None


def test_few_rows_say_little_of_units_that_are_rarely_active() -> None:
    assert units.dead(seen(flat(2.3), outputs=[output(silent=0.95)], of=context(rows=2))) is None


def test_units_at_their_limits_in_the_first_steps() -> None:
    layers = [output("0 → tanh", calls.BOUNDED, stuck=0.8), output("1", "layer")]
    found = units.saturated(seen(outputs=layers))
    assert found is not None
    assert (found.name, found.where) == ("saturated-units", "0 → tanh")
    healthy = [output("0 → tanh", calls.BOUNDED, stuck=0.47), output("1", "layer")]
    assert units.saturated(seen(outputs=healthy)) is None
    assert units.saturated(seen(outputs=layers[::-1])) is None  # the last is an answer, not a hidden layer
