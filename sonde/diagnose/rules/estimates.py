"""Of tasks that act: values beside what episodes come to, where these bear them out too little.

Healthy runs must stay silent: values of a network that has not learned yet lie near 0, and costs are then more than they say;
an episode that is cut off is worth more than it returned.
"""

import math

from sonde.core.units import number
from sonde.diagnose.rules.policies import LOOKS, TRIAL, bonus, came_to, not_better, returned, score_of, slower
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion

TOO_MUCH = 1.25  # of the furthest from 0 that any episode returned; values of 0 are off by less than all of it


def overestimated(seen: Seen) -> Suspicion | None:
    """At each of the last evaluations values expect more than the episodes came to, though what is expected to follow where they
    were cut off counts: more by more than any episode ever returned."""
    course, last = seen.course, seen.evaluations[-LOOKS:]
    discount = seen.context.settings.get("discount")
    largest = max(abs(course.now("return_lowest")), abs(course.now("return_highest")))
    if len(last) < LOOKS or not largest > 0 or seen.step < TRIAL // 2 or not isinstance(discount, float):
        return None
    entropy = (
        bonus(seen) / (1 - discount) if discount < 1 else math.inf if bonus(seen) else 0.0
    )  # which values count too
    over = [score_of(each, "expected_return") - came_to(each) - entropy for each in last]
    if not all(each > TOO_MUCH * largest for each in over):  # also of what is nan
        return None
    expected, came, part = (score_of(last[-1], name) for name in ("expected_return", "return", "bootstrapped_part"))
    followed = (
        f" ({number(part)} of them a value too, for what would have followed where they were cut off)"
        if part > 0
        else ""
    )
    return Suspicion(
        name="values-overestimated",
        evidence=f"episodes are expected to return {number(expected)}, discounted, and came to {number(came_to(last[-1]))}"
        f"{followed}; they returned {number(came)}, and no episode ever returned more than "
        f"{number(course.now('return_highest'))}; {returned(seen)}",
        action=slower(seen),
        place="optimiser",
        certainty="likely" if not_better(seen) else "suspected",
        step=seen.step,
        explains=frozenset({"not-learning", "evaluation-below-training", "training-below-evaluation"}),
    )
