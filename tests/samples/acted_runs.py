"""Runs of policies as the doctor sees them, made of a few numbers, for the tests of its rules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from examined import context, seen

from sonde.diagnose.acted import Course
from sonde.diagnose.seen import Evaluated, Seen

PER = 20  # environment steps of an update
UPDATES = 4_000
ROLLOUTS = {"discount": 0.99, "entropy_weight": 0.0, "reuse": 10, "act_sampled": False}
REPLAYED = {
    "discount": 0.99, "replay": 100_000, "warmup_steps": 1_000, "explore_steps": 10_000, "explore_last": 0.05, "train_every": 1,
    "target_every": 500, "act_sampled": False,
}  # fmt: skip

Number = float | Callable[[float], float]


def rising(share: float) -> float:
    """From 20 to 480."""
    return 20 + 460 * min(1.0, 2 * share)


HEALTHY: Mapping[str, Number] = {
    "reward_lowest": 1.0, "reward_highest": 1.0, "return_lowest": 9.0, "return_highest": 500.0, "length_lowest": 9.0,
    "length_highest": 500.0, "observations_alike": 0.0, "train_return": rising,
    "episodes": lambda share: 40 + 2_000 * share,
}  # fmt: skip
OF_ROLLOUTS: Mapping[str, Number] = {
    "policy/kl": 0.006, "policy/clipped": 0.08, "policy/entropy": lambda share: 0.69 - 0.4 * share,
}  # fmt: skip
OF_REPLAY: Mapping[str, Number] = {
    "values/value": lambda share: 90 * share, "exploration": lambda share: max(0.05, 1 - 4 * share),
    "replayed": lambda share: 1_000 + UPDATES * PER * share,
}  # fmt: skip


def acted(  # noqa: PLR0913
    numbers: Mapping[str, Number] | None = None,
    *,
    replay: bool = False,
    settings: Mapping[str, Any] | None = None,
    returns: Sequence[float] = (100.0, 300.0, 450.0, 470.0, 480.0),
    expected: Sequence[float] | None = None,
    updates: int = UPDATES,
    at: float = 1.0,
    spread: float = 10.0,
    **more: Any,
) -> Seen:
    """A run at its end, CartPole's where nothing is said. numbers: by name, constant or of the share of the run that is done

    settings: of the task, over the usual;  returns: of evaluations, each with a deviation of `spread`
    expected: of the same, beside a discounted return of 90
    at: the share of the run that is done
    """
    given = {**HEALTHY, **(OF_REPLAY if replay else OF_ROLLOUTS), **(numbers or {})}
    course = Course()
    for step in range(10, round(at * updates) + 1, 10):
        entry = {name: value(step / updates) if callable(value) else value for name, value in given.items()}
        course.add(step, {"environment_steps": step * PER, **{k: v for k, v in entry.items() if v == v}})
    evaluations = [
        Evaluated(
            step=updates * (place + 1) // len(returns),
            epoch=0,
            metrics={
                "return": value,
                "return_std": spread,
                **({} if expected is None else {"expected_return": expected[place], "bootstrapped_return": 90.0}),
            },
        )
        for place, value in enumerate(returns)
    ]
    of = context(
        own=False,
        acts=True,
        settings={**(REPLAYED if replay else ROLLOUTS), **(settings or {})},
        total=updates,
        held=20,
        shares=lambda step: max(0.0, 1 - step / updates),
    )
    evaluations = [each for each in evaluations if each.step <= at * updates]
    return seen([0.1] * round(at * updates), of=of, evaluations=evaluations, course=course, **more)
