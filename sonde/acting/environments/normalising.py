"""Wrappers that scale what an environment shows or pays by what they met so far, from episode to episode."""

from typing import Any

from sonde.core.errors import DataError

WRAPPERS = {
    "NormalizeReward": (
        "return_rms",
        "divides rewards by their running deviation",
        "scores would not be the environment's",
        "ppo, a2c and reinforce scale the rewards that they learn from by themselves (--scale-rewards), and its statistics are "
        "saved with the run",
    ),
    "NormalizeObservation": (
        "obs_rms",
        "scales observations by their running mean and deviation",
        "each environment would show the policy something else",
        "--scale-observations does the same (ppo, a2c and reinforce by themselves), by statistics that are saved with the run",
    ),
}
"""Of gymnasium's wrappers, by the names that libraries built on it use too: its statistics, what it does, what comes of it, the
remedy."""


def refuse_normalising(env: Any, called: str) -> None:
    """Raises: DataError for an environment, or several in one, inside of such a wrapper that goes on learning its scale"""
    while env is not None:
        held = getattr(env, "__dict__", {})
        for name in (kind.__name__ for kind in type(env).__mro__ if kind.__name__ in WRAPPERS):
            statistics, does, comes, remedy = WRAPPERS[name]
            # one of somebody's own of that name may scale by fixed numbers; whether it keeps anything else is seen by playing
            if statistics in held and getattr(env, "update_running_mean", True):
                raise DataError(
                    f"{called}: its wrapper {name} {does}, which it keeps from one episode to the next: {comes}, and no run "
                    f"could be resumed; leave it off: {remedy}"
                )
        env = held.get("env")
