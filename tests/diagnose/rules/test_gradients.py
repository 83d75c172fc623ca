"""Gradients that vanish, explode or are not there."""

import pytest
from examined import context, falling, flat, seen, weights

from sonde.diagnose.rules import gradients


def test_gradients_that_fall_from_layer_to_layer_vanish() -> None:
    found = gradients.vanishing(seen(flat(2.3), looks=weights(gradients=(1e-9, 1e-7, 1e-5, 1e-3))))
    assert found is not None
    assert (found.name, found.where, found.certainty) == ("vanishing-gradient", "0.weight", "likely")
    assert "1,000,000 times" in found.evidence


@pytest.mark.parametrize(
    "given",
    [(1e-3, 1e-3, 1e-3, 1e-3), (1.6e-4, 1e-3, 1e-3, 1e-3), (1.1e-2, 3e-3, 1e-3, 1e-3), (1e-6, 1e-6, 1e-6, 1e-3)],
    ids=["equal", "lowest of healthy", "highest of healthy", "two networks"],
)
def test_other_gradients_do_not(given: tuple[float, ...]) -> None:
    assert gradients.vanishing(seen(flat(2.3), looks=weights(gradients=given))) is None


def test_phases_and_shallow_networks_are_left_alone() -> None:
    steep = weights(gradients=(1e-9, 1e-7, 1e-5, 1e-3))
    assert gradients.vanishing(seen(flat(2.3), looks=steep, of=context(phases=2))) is None
    assert gradients.vanishing(seen(flat(2.3), looks=steep[2:])) is None


def test_a_gradient_that_is_0_everywhere_is_certain() -> None:
    found = gradients.zero(seen(flat(2.3), looks=weights(gradients=(0.0,) * 4)))
    assert found is not None
    assert (found.name, found.certainty) == ("zero-gradient", "certain")
    assert gradients.zero(seen(looks=weights(gradients=(0.0, 0.0, 0.0, 1e-12)))) is None


def test_gradients_that_grow_and_take_the_loss_along_explode() -> None:
    losses = falling(steps=300) + [6.0] * 100
    norms = [1.0] * 300 + [40.0] * 100
    found = gradients.exploding(seen(losses, norms=norms))
    assert found is not None
    assert (found.name, found.step) == ("exploding-gradient", 301)
    assert "40" in found.evidence
    assert gradients.exploding(seen(falling(), norms=norms)) is None  # the loss does not care
    spike = [1.0] * 300 + [40.0] * 5 + [1.0] * 95
    recovers = falling(steps=300) + [6.0] * 20 + [0.35] * 80
    assert gradients.exploding(seen(recovers, norms=spike)) is None
    assert gradients.exploding(seen(losses, norms=[1.0 + 0.5 * (step % 3) for step in range(400)])) is None
