"""How evaluations share what is left of a time limit, that tell nothing before a first wave of what they play has ended."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

BASELINE = "baseline"  # of a plan's evaluations: that of a baseline which is played
LEAST = "least"  # of a plan's evaluations: what the smallest wave of one takes
OF_BASELINE = 2.0  # times as long as a wave: of two players, one of which searches as the network does


class Share(NamedTuple):
    """Seconds of an evaluation. aim: in which its waves are planned;  most: after which it is given up"""

    aim: float
    most: float


def needed(splits: Sequence[str], least_s: float) -> float:
    """Seconds for a wave of each of these splits, and for the baseline of one.

    >>> needed(["validation", "test"], 3.0)
    12.0
    """
    return least_s * (len(splits) + OF_BASELINE)


def share_of(splits: Sequence[str], left_s: float, expected: Mapping[str, float], least_s: float) -> Share | None:
    """Of what is left, for the first of these splits; None where one that chooses nothing is to be left out for the others.

    Each gets time for a wave first, and of what is left then as much as it is long. The last may take all before it is given up.

    splits: to come, in order;  expected: seconds of each as a whole, and of the baseline
    least_s: of a wave; 0 of what tells something of any part, which gets as much of the time as it is long

    >>> expected = {"validation": 30.0, "test": 150.0, "baseline": 20.0}
    >>> share_of(["validation", "test"], 32.0, expected, 3.0), share_of(["test"], 26.0, expected, 3.0)
    (Share(aim=6.0, most=23.0), Share(aim=18.0, most=26.0))
    >>> share_of(["validation", "test"], 10.0, expected, 3.0), share_of(["test"], 7.0, expected, 3.0)
    (None, Share(aim=3.0, most=7.0))
    """
    first, *rest = splits
    total, need = sum(expected.get(name, 0.0) for name in [*splits, BASELINE]), needed(splits, least_s)
    if least_s and rest and left_s < need:
        return None
    part = expected.get(first, 0.0) / total if total else 1 / len(splits)
    if not least_s:
        return Share(part * left_s, part * left_s)
    # where there is not time for all, a wave of each comes first
    aim = part * left_s if total <= left_s else min(least_s, left_s) + part * max(0.0, left_s - need)
    return Share(aim, left_s if not rest else max(aim, left_s - needed(rest, least_s)))
