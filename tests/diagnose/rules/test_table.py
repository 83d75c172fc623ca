"""All rules together: of healthy runs they say nothing."""

import pytest
from examined import answered, context, entry, evaluated, falling, output, seen, values, weights

from sonde.diagnose.rules.table import RULES
from sonde.diagnose.seen import Seen
from sonde.diagnose.signals import calls

HEALTHY = {
    "as usual": lambda: seen(),
    "highest of 45 healthy runs": lambda: seen(
        looks=weights(ratio=0.085, gradients=(1.1e-2, 1e-3, 1e-3, 1e-3)),
        outputs=[output(silent=0.29), output("1 → tanh", calls.BOUNDED, stuck=0.47), output("2", "layer")],
        entered=entry(mean=0.13, spread=0.31),
    ),
    "lowest": lambda: seen(looks=weights(ratio=8e-4, gradients=(1.6e-4, 1e-3, 1e-3, 1e-3))),
    "values": lambda: seen(falling(1.0, 0.2), loss_call=values()),
    "two phases": lambda: seen([1.4, 1.3] * 200, of=context(phases=2)),
    "negative": lambda: seen([1.4 - step / 200 for step in range(400)], loss_call=values(weighted=True)),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_runs(name: str) -> None:
    run: Seen = HEALTHY[name]()
    run.evaluations = evaluated([0.9, 0.6, 0.5, 0.45], answers=None if name != "as usual" else answered(0.9))
    named = [found.name for rule in RULES if (found := rule(run)) is not None and found.certainty != "suspected"]
    assert named == []


def test_a_run_of_one_step_and_one_of_none() -> None:
    for steps in (0, 1):
        run = seen(falling(steps=steps), moment="failure")
        assert [found.name for rule in RULES if (found := rule(run)) is not None] == []
