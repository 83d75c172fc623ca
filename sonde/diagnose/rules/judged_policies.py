"""Of policies that are judged, once a run is over: one that does the same whatever it sees, and one far worse than its log."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sonde.core.findings import Finding
from sonde.core.units import count, number
from sonde.diagnose.rules.baseline import BEGUN

FEWEST, STEPS = 3, 50  # episodes and steps, of fewer of which nothing is said
SAME = 1e-3  # of the bounds of a number
NUMBERS = 6  # of an action that are told
SURE = 2.0  # standard errors of a difference of two means
LOST = 0.5  # of what a log's own episodes return beyond a policy that knows nothing


def actions_alike(
    taken: Sequence[np.ndarray], half: Sequence[float], *, steps: int, unscaled: bool = False
) -> list[Finding]:
    """That a policy takes the same action in every step of all its episodes.

    taken: of each episode (length,) or (length, d), as the environment takes them;  half: (d,) of the range of each number, empty
    of what is chosen;  steps: updates of the run;  unscaled: whether scaling observations is a setting that is off
    """
    all_of_them = [np.asarray(each).reshape(len(each), -1) for each in taken if len(each)]
    if len(all_of_them) < FEWEST or sum(map(len, all_of_them)) < STEPS or steps < BEGUN:
        return []
    done = np.concatenate(all_of_them).astype(np.float64)
    width = 2 * np.asarray(half, np.float64) if len(half) else np.zeros(done.shape[1])
    if (np.ptp(done, 0) > SAME * width).any():
        return []
    first = ", ".join(f"{value:.4g}" for value in done[0, :NUMBERS]) + (", …" if done.shape[1] > NUMBERS else "")
    scale = "--scale-observations where `sonde inspect` names their scale; " if unscaled else ""
    return [
        Finding(
            check="actions alike",
            name="actions-alike",
            severity="warning",
            evidence=f"the policy took the same action ({first}) in all {count(len(done))} steps of {count(len(all_of_them))} "
            "episodes, whatever it was shown: what it returns is what that action returns",
            action=f"{scale}a lower --lr, or train longer: --steps; where no other action is ever better there is nothing to "
            "learn",
            step=steps,
        )
    ]


def below_its_log(result: Mapping[str, Any], split: str, episodes: int) -> list[Finding]:
    """That what was learned from a log returns far less than the log's own episodes did, beyond chance, though these are better
    than a policy that knows nothing: far is half of that difference.

    episodes: that were evaluated
    """
    name = str(result.get("headline"))
    log, scores = (result.get("references") or {}).get(name), (result.get("metrics") or {}).get(split, {})
    plain, own, spread = (result.get("baseline") or {}).get(name), scores.get(name), scores.get(f"{name}_std")
    if not isinstance(log, Mapping) or None in (plain, own, spread) or result.get("steps", 0) < BEGUN:
        return []
    better, lost, of = log["value"] - plain, log["value"] - own, log["count"]
    if min(of, episodes) < FEWEST or better <= SURE * log["std"] / math.sqrt(of):
        return []
    if lost <= max(LOST * better, SURE * math.sqrt(log["std"] ** 2 / of + spread**2 / episodes)):
        return []
    loss = (result.get("metrics") or {}).get("train", {}).get("loss")
    learned = f" (training loss {number(loss)})" if isinstance(loss, int | float) and math.isfinite(loss) else ""
    worse = f", less than the {number(plain)} of a policy that knows nothing" if own < plain else ""
    return [
        Finding(
            check="below its log",
            name="below-its-log",
            severity="warning",
            evidence=f"{name} on the {split} episodes is {number(own)}{worse}, where the log's own {count(of)} "
            f"returned {number(log['value'])} in the mean{learned}",
            action="look first whether the log is of this environment: actions and observations in its units (the facts have the "
            "range of actions), each action beside what was shown before it; then train longer (--steps), or give more episodes, "
            "since small errors lead where the log has never been",
            step=result.get("steps"),
            certainty="likely",
        )
    ]
