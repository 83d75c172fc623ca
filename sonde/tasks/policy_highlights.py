"""What tasks that estimate returns say below the scores: why what became of an estimate may lie above the return."""

from collections.abc import Mapping
from typing import Any

from sonde.core.units import metric

MOSTLY = 0.5  # of what is above the return
COLUMNS = ("return", "bootstrapped_return", "bootstrapped_part")


def highlights(details: Mapping[str, Any]) -> list[str]:
    """A line where episodes that were cut off are worth more by what would have followed than they returned.

    >>> cut = {"return": [500.0, 500.0], "bootstrapped_return": [660.0, 640.0], "bootstrapped_part": [266.0, 246.0]}
    >>> for line in highlights({"episodes": cut}):
    ...     print(line)
    256.0 of the bootstrapped discounted return is expected to follow where an episode was cut off: it may exceed the return
    >>> highlights({"episodes": {"return": [-1.2], "bootstrapped_return": [6.4], "bootstrapped_part": [7.3]}})
    ['7.300 of the bootstrapped discounted return is expected to follow where an episode was cut off: it may exceed the return']
    >>> highlights({"episodes": {"return": [9.0], "bootstrapped_return": [8.0], "bootstrapped_part": [0.0]}})
    []
    """
    episodes = details.get("episodes") or {}
    if not all(episodes.get(name) for name in COLUMNS):
        return []
    returned, bootstrapped, part = (sum(episodes[name]) / len(episodes[name]) for name in COLUMNS)
    over = bootstrapped - returned
    if not over > 0 or part < MOSTLY * over:  # costs that are discounted lie above the return too, by themselves
        return []
    told = f"{metric('bootstrapped_part', part)} of the bootstrapped discounted return is expected to follow where an episode"
    return [f"{told} was cut off: it may exceed the return"]
