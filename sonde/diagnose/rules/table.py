"""Every rule that is asked while a run trains and at its end."""

from collections.abc import Callable

from sonde.diagnose.rules import (
    beginning,
    capacity,
    course,
    estimates,
    experience,
    foresight,
    generating,
    gradients,
    held,
    length,
    policies,
    rate,
    scores,
    system,
    units,
)
from sonde.diagnose.seen import Context, Seen
from sonde.diagnose.suspicion import Suspicion

Rule = Callable[[Seen], Suspicion | None]

RULES: tuple[Rule, ...] = (
    beginning.inputs_constant,
    beginning.inputs_not_scaled,
    beginning.initialisation,
    beginning.initialisation_small,
    beginning.targets_not_scaled,
    beginning.loss_negated,
    beginning.targets_ignored,
    beginning.not_shuffled,
    gradients.zero,
    gradients.vanishing,
    gradients.exploding,
    units.dead,
    units.saturated,
    rate.too_high,
    rate.too_low,
    rate.keeps_low,
    rate.clip_too_tight,
    rate.decay_too_strong,
    course.not_learning,
    course.diverged,
    course.plateau,
    course.overfitting,
    course.still_improving,
    scores.never_predicted,
    scores.imbalance,
    scores.answers_alike,
    held.labels_noisy,
    held.norm_of_few,
    held.worse_than_guessing,
    held.harder_to_judge,
    held.disagree,
    capacity.underfitting,
    capacity.dropout_too_strong,
    generating.critic_has_won,
    generating.mode_collapse,
    generating.nothing_in_common,
    generating.posterior_collapse,
    length.few_steps,
    system.slow_input,
    system.slow_evaluation,
)

ACTING: tuple[Rule, ...] = (
    experience.reward_never_seen,
    experience.returns_alike,
    experience.observations_alike,
    experience.one_step,
    experience.never_end,
    policies.values_diverge,
    estimates.overestimated,
    experience.warmup_too_long,
    experience.exploring_still,
    experience.replay_never_full,
    experience.pace,
    policies.entropy_collapsed,
    policies.actions_at_bounds,
    policies.moves_too_far,
    policies.moves_too_little,
    policies.evaluation_below,
    policies.training_below,
    foresight.discount_too_low,
    policies.not_learning,
)
"""Those that read what a policy meets and becomes."""

OF_ACTING: tuple[Rule, ...] = (gradients.zero, units.dead, system.slow_evaluation, *ACTING)
"""Those that hold where a policy acts (`Context.acts`): few of the others do."""


def rules_for(context: Context) -> tuple[Rule, ...]:
    """The rules that hold for a run."""
    return OF_ACTING if context.acts else RULES
