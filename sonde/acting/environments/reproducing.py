"""Whether an episode is told by its seed and its actions, and whether actions have an effect at all."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sonde.acting.environments.own import same_traces, trace
from sonde.acting.environments.survey import FIRST_SEED
from sonde.core.errors import DataError, first_line

STEPS = 50  # of an episode that is played again
PAIRS, LONGER = 4, 200  # episodes that are played with other actions, and their steps at most
CHANCE = (
    "draw from self.np_random, after super().reset(seed=seed); until then no run can be resumed, and evaluations differ"
)
KEPT = (
    "something is kept from one episode to the next, such as running statistics or a counter: set it back in reset(); until then "
    "no run can be resumed, and scores depend on what was played before"
)


class Differs(NamedTuple):
    """how: where an episode is another one;  remedy: what to do, by what is to blame"""

    how: str
    remedy: str


def differs(
    env: Any, make: Callable[[], Any], source: str, *, steps: int = STEPS, seconds: float = 1.0
) -> Differs | None:
    """Where an episode is another one when it is played again, in a new environment or in one that has played; None where it is
    not.

    env: one that has played already, the more the better;  steps, seconds: of the episode, at most
    Raises: DataError, of one line, for one that does not run
    """
    how: dict[str, Any] = {"seed": FIRST_SEED, "steps": steps, "seconds": seconds}
    new = make()
    known = _traced(new, source, **how)
    step = _apart(known, _traced(new, source, **how))
    if step is None:
        step = _apart(known, _traced(env, source, **how))
    new.close()
    if step is None:
        return None
    other = make()
    chance = _apart(known, _traced(other, source, **how))
    other.close()
    if chance is not None:
        return Differs(_said("a new environment", chance), CHANCE)
    return Differs(_said("the same environment", step), KEPT)


def _apart(known: list[Any], found: list[Any]) -> int | None:
    """After how many steps two traces differ."""
    pairs = enumerate(zip(known, found, strict=False))
    return next((step for step, (one, two) in pairs if not same_traces([one], [two])), None)


def _said(which: str, step: int) -> str:
    when = f"after {step} of the same actions" if step else "at once"
    return f"seed {FIRST_SEED:,} leads to something else when {which} is reset to it, {when}"


def heeds_actions(env: Any, source: str) -> bool:
    """Whether other actions from the same seed ever lead to something else. Raises: DataError, as `differs`"""
    for seed in range(FIRST_SEED, FIRST_SEED + PAIRS):
        one, other = (_traced(env, source, seed=seed, acts=acts, steps=LONGER) for acts in (seed, seed + PAIRS))
        if len(one) != len(other) or not same_traces(one, other):
            return True
    return False


def _traced(env: Any, source: str, **how: Any) -> list[Any]:
    try:
        return trace(env, **how).answers
    except Exception as error:  # any fault of the environment's code, which --debug shows whole
        why = f"{type(error).__name__}: {first_line(error)}"
        raise DataError(f"{source}: the episode of seed {how['seed']:,} raised {why}; mend the environment") from error
