"""Networks that can do too little."""

from dataclasses import replace

from examined import context, evaluated, falling, flat, output, seen, weights

from sonde.diagnose.rules import capacity
from sonde.diagnose.signals import calls
from sonde.diagnose.signals.sample import Weights


def narrow(units: int) -> list[Weights]:
    first, second = weights()[:2]
    return [
        replace(first, entries=64 * units, fan=64, inputs=64),
        replace(second, entries=units * 64, fan=units, inputs=units),
    ]


def test_a_single_unit_for_ten_classes() -> None:
    run = seen(flat(1.95), looks=narrow(1), evaluations=evaluated([2.0, 1.97, 1.96]))
    found = capacity.underfitting(run)
    assert found is not None
    assert (found.name, found.where) == ("underfitting", "0.weight")
    assert "gives 1 number for a row" in found.evidence


def test_enough_units_good_losses_and_gates_are_left_alone() -> None:
    held = evaluated([2.0, 1.97, 1.96])
    assert capacity.underfitting(seen(flat(1.95), looks=narrow(8), evaluations=held)) is None
    assert capacity.underfitting(seen(falling(), looks=narrow(1), evaluations=held[:1])) is None
    gate = [output("1 → sigmoid", calls.BOUNDED)]
    assert capacity.underfitting(seen(flat(1.95), looks=narrow(1), outputs=gate)) is None


def test_dropout_that_leaves_next_to_nothing() -> None:
    of = context(dropout=(0.95, "2"))
    found = capacity.dropout_too_strong(seen(flat(2.29), of=of))
    assert found is not None
    assert (found.name, found.where, found.certainty) == ("dropout-too-strong", "2", "likely")
    note = capacity.dropout_too_strong(seen(of=of))
    assert note is not None
    assert note.certainty == "suspected"
    assert capacity.dropout_too_strong(seen(flat(2.29), of=context(dropout=(0.5, "2")))) is None
