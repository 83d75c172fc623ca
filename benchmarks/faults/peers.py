"""Rules that others have published, asked of the same signals, as a row for comparison.

Each is a single-batch approximation: a run is alarmed when a rule holds at any step that was looked at. None of them names
a cause, so only alarms can be compared. Thresholds: AUTOTRAINER (Zhang et al., ICSE 2021), SageMaker Debugger's rule list
(2023), UMLAUT (Schoop et al., CHI 2021, doi 10.1145/3411764.3445538).
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from sonde.diagnose.signals import calls
from sonde.diagnose.signals.sample import Sample, of_line
from sonde.engine.json_lines import read_lines

Rule = Callable[[Sequence[Sample]], bool]


def autotrainer_dying(samples: Sequence[Sample]) -> bool:
    """70 % of the gradients are 0: here layers none of whose units gets one, by silent units."""
    return any(output.silent >= 0.7 for each in samples for output in each.outputs if output.kind == calls.ZEROED)


def autotrainer_vanishing(samples: Sequence[Sample]) -> bool:
    """The first layer's gradient is below 1e-3 of the last's, and below 1e-4."""
    return any(first < 1e-3 * last and first < 1e-4 for first, last in _ends(samples))


def autotrainer_exploding(samples: Sequence[Sample]) -> bool:
    """The first layer's gradient is above 70 times the last's."""
    return any(first > 70 * last for first, last in _ends(samples))


def sagemaker_dead(samples: Sequence[Sample]) -> bool:
    """Half of a layer's units are inactive."""
    return any(output.silent > 0.5 for each in samples for output in each.outputs if output.kind == calls.ZEROED)


def sagemaker_update(samples: Sequence[Sample]) -> bool:
    """Update / size above 10 or below 1e-8."""
    return any(weight.ratio > 10 or weight.ratio < 1e-8 for each in samples for weight in each.weights)


def sagemaker_vanishing(samples: Sequence[Sample]) -> bool:
    """The mean gradient of a weight is below 1e-7."""
    return any(weight.gradient < 1e-7 for each in samples for weight in each.weights)


def sagemaker_initialisation(samples: Sequence[Sample]) -> bool:
    """Variances of weights that follow each other differ by ten times, in the first step."""
    sizes = [weight.size for weight in samples[0].weights] if samples else []
    pairs = zip(sizes, sizes[1:], strict=False)
    return any(max(a, b) ** 2 > 10 * min(a, b) ** 2 for a, b in pairs)


def umlaut_rate(samples: Sequence[Sample]) -> bool:
    """A rate outside 1e-7 to 0.01."""
    return any(each.rate > 0.01 or 0 < each.rate < 1e-7 for each in samples)


def not_finite(samples: Sequence[Sample]) -> bool:
    """A loss that is no number, which Keras, fastai and Lightning stop at."""
    return any(not math.isfinite(each.loss) for each in samples)


PEERS: dict[str, Rule] = {
    "AUTOTRAINER, dying ReLU": autotrainer_dying,
    "AUTOTRAINER, vanishing": autotrainer_vanishing,
    "AUTOTRAINER, exploding": autotrainer_exploding,
    "SageMaker, DeadRelu": sagemaker_dead,
    "SageMaker, WeightUpdateRatio": sagemaker_update,
    "SageMaker, VanishingGradient": sagemaker_vanishing,
    "SageMaker, PoorWeightInitialization": sagemaker_initialisation,
    "UMLAUT, learning rate": umlaut_rate,
    "a loss that is not finite": not_finite,
}


def alarmed(run: Path) -> list[str]:
    """Names of the rules that alarm for a run, by its signals.jsonl."""
    lines = run / "signals.jsonl"
    samples = [of_line(line) for line in read_lines(lines)] if lines.exists() else []
    return [name for name, rule in PEERS.items() if rule(samples)]


def _ends(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    """Norms of the first and the last weight's gradient, of samples that have several."""
    found = []
    for each in samples:
        if len(each.weights) > 1:
            first, last = ((w.gradient * math.sqrt(w.entries)) for w in (each.weights[0], each.weights[-1]))
            found.append((first, last))
    return found
