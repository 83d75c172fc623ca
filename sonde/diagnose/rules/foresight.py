"""Of tasks that act: how far they look ahead, beside how long their episodes are."""

import math

from sonde.core.units import count, number
from sonde.diagnose.acted import FEW, level
from sonde.diagnose.rules.policies import TRIAL, not_better, returned
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion

NEXT = 2.0  # steps: a horizon of as many is hardly more than the next reward
SHORT = 10.0  # steps: below the least that is usual (0.9, of Pendulum's 200 steps, in RL Baselines3 Zoo)
LONGER = 5.0  # times the horizon: an episode of which most does not count
USUAL = 0.99


def discount_too_low(seen: Seen) -> Suspicion | None:
    """What follows is worth next to nothing, in episodes of many steps: what only pays later is not learned.

    Where each action is paid at once that is as it should be, and the return rises: then it is a note.
    """
    discount, course = seen.context.settings.get("discount"), seen.course
    if not isinstance(discount, int | float) or not 0 <= discount < 1:
        return None
    horizon = 1 / (1 - discount)
    lengths = [
        (e.step, e.numbers.get("train_length", math.nan)) for e in course.entries if e.numbers.get("episodes", 0) >= FEW
    ]
    length = level([each for each in lengths if math.isfinite(each[1])])
    if not horizon < SHORT or not length > LONGER * horizon:
        return None
    stands = not_better(seen)
    if horizon > NEXT and not (stands and seen.step >= TRIAL):
        return None
    ahead = round(LONGER * horizon)
    return Suspicion(
        name="discount-too-low",
        evidence=f"with a discount of {number(discount)} a reward {count(ahead)} steps later counts for "
        f"{number(100 * discount**ahead)} % of one now, and an episode has {number(length)} steps in the mean; "
        f"{returned(seen)}",
        action=f"--discount {USUAL}; where each action is paid at once and changes nothing later, it is as it should be",
        place="loss",
        certainty="likely" if stands else "suspected",
        step=seen.step,
        explains=frozenset({"not-learning"}),
    )
