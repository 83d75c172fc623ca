"""Whether an episode is told by its seed and its actions, and whether actions have an effect at all."""

from collections.abc import Callable
from typing import Any

from sonde.acting.environments.own import same_traces, trace
from sonde.acting.environments.survey import FIRST_SEED
from sonde.core.errors import DataError, first_line

STEPS = 50  # of an episode that is played twice
PAIRS, LONGER = 4, 200  # episodes that are played with other actions, and their steps at most


def differs(env: Any, make: Callable[[], Any], source: str) -> str:
    """Where an episode is another one when it is played again, in a new environment and in the same; "" where it is not.

    Raises: DataError, of one line, for one that does not run
    """
    known = _traced(env, source, seed=FIRST_SEED, steps=STEPS)
    other = make()
    again = (
        (_traced(other, source, seed=FIRST_SEED, steps=STEPS), "a new environment"),
        (_traced(env, source, seed=FIRST_SEED, steps=STEPS), "the same environment"),
    )
    other.close()
    for found, which in again:
        for step, (one, two) in enumerate(zip(known, found, strict=False)):
            if not same_traces([one], [two]):
                when = f"after {step} of the same actions" if step else "at once"
                return f"seed {FIRST_SEED:,} leads to something else when {which} is reset to it, {when}"
    return ""


def heeds_actions(env: Any, source: str) -> bool:
    """Whether other actions from the same seed ever lead to something else. Raises: DataError, as `differs`"""
    for seed in range(FIRST_SEED, FIRST_SEED + PAIRS):
        one, other = (_traced(env, source, seed=seed, acts=acts, steps=LONGER) for acts in (seed, seed + PAIRS))
        if len(one) != len(other) or not same_traces(one, other):
            return True
    return False


def _traced(env: Any, source: str, **how: int) -> list[Any]:
    try:
        return trace(env, **how).answers
    except Exception as error:  # any fault of the environment's code, which --debug shows whole
        why = f"{type(error).__name__}: {first_line(error)}"
        raise DataError(f"{source}: the episode of seed {how['seed']:,} raised {why}; mend the environment") from error
