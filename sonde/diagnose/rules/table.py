"""Every rule that is asked while a run trains and at its end."""

from collections.abc import Callable

from sonde.diagnose.rules import baseline, beginning, course, gradients, length, rate, scores, units
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion

RULES: tuple[Callable[[Seen], Suspicion | None], ...] = (
    beginning.inputs_constant,
    beginning.inputs_not_scaled,
    beginning.initialisation,
    beginning.targets_not_scaled,
    beginning.loss_negated,
    beginning.targets_ignored,
    beginning.not_shuffled,
    gradients.zero,
    gradients.vanishing,
    units.dead,
    units.saturated,
    rate.too_high,
    rate.too_low,
    rate.keeps_low,
    rate.clip_too_tight,
    rate.decay_too_strong,
    course.not_learning,
    course.diverged,
    course.overfitting,
    course.still_improving,
    scores.never_predicted,
    scores.answers_alike,
    scores.labels_noisy,
    scores.norm_of_few,
    scores.dropout_too_strong,
    baseline.worse_than_guessing,
    length.few_steps,
    scores.slow_input,
    scores.slow_evaluation,
)
