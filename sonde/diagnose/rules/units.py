"""Units that say nothing: silent for every row, stuck at their limits, or all the same."""

import math

from sonde.core.units import number
from sonde.diagnose.seen import Seen
from sonde.diagnose.signals import calls
from sonde.diagnose.signals.sample import Outputs
from sonde.diagnose.suspicion import Suspicion

ROWS = 48  # over all looks: of a few rows a unit that is rarely active is silent
SILENT = 0.9  # share of a layer's units; healthy layers reached 0.29, in small batches at high rates 0.66
STUCK = 0.5  # share of entries; healthy networks of tanh reached 0.47 in the course of training
LOOKS = 3  # (doctor.md M1, M6)


def dead(seen: Seen) -> Suspicion | None:
    """A layer whose units are silent for every row, at several looks."""
    layers: dict[str, list[tuple[int, float]]] = {}
    for sample in seen.samples:
        for output in sample.outputs:
            if output.kind == calls.ZEROED:
                layers.setdefault(output.name, []).append((sample.step, output.silent))
    for name, looks in layers.items():
        needed = max(LOOKS, math.ceil(ROWS / max(1, seen.context.rows)))
        if len(looks) < needed or any(not silent > SILENT for _, silent in looks[-needed:]):
            continue
        since = next(step for place, (step, _) in enumerate(looks) if all(s > SILENT for _, s in looks[place:]))
        from_start = since == looks[0][0] and since == 1
        when = "from the first step on" if from_start else f"since step {since} or shortly before"
        return Suspicion(
            name="dead-units",
            evidence=f"{number(100 * looks[-1][1])} % of the units of {name} are 0 for every row, {when}",
            where=name,
            action="initialise the weights and biases before it again (He's initialisation, biases of 0), or use "
            "leaky_relu or gelu"
            if from_start
            else "lower --lr or warm up; leaky_relu and gelu keep a gradient",
            place="model",
            certainty="likely" if from_start or not seen.learned() else "suspected",
            step=since,
            explains=frozenset(
                {
                    "not-learning",
                    "plateau",
                    "underfitting",
                    "vanishing-gradient",
                    "worse-than-guessing",
                    "learning-rate-too-low",
                    "answers-alike",
                    "still-improving",
                    "class-never-predicted",
                }
            ),
        )
    return None


def saturated(seen: Seen) -> Suspicion | None:
    """A layer of tanh or sigmoid whose entries are stuck at their limits from the first steps on."""
    early = seen.early()
    if len(early) < LOOKS:
        return None
    stuck: dict[str, list[Outputs]] = {}
    for sample in early:
        for output in sample.outputs[:-1]:
            if output.kind == calls.BOUNDED:
                stuck.setdefault(output.name, []).append(output)
    for name, looks in stuck.items():
        if len(looks) < LOOKS or any(not each.stuck > STUCK for each in looks):
            continue
        return Suspicion(
            name="saturated-units",
            evidence=f"{number(100 * looks[0].stuck)} % of the outputs of {name} are within 3 % of its limits already "
            "in the first step",
            where=name,
            action="initialise smaller weights (Xavier's initialisation), scale the inputs, or normalise before it",
            place="model",
            certainty="likely",
            step=early[0].step,
            explains=frozenset(
                {
                    "vanishing-gradient",
                    "not-learning",
                    "plateau",
                    "answers-alike",
                    "underfitting",
                    "initialisation-too-large",
                    "class-never-predicted",
                }
            ),
        )
    return None
