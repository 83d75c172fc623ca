"""Why an estimate's outcome may lie above the return is said where it does."""

from sonde.tasks.policy_highlights import highlights

CUT = {"return": [500.0, 500.0], "bootstrapped_return": [660.0, 640.0], "bootstrapped_part": [266.0, 246.0]}


def test_it_is_said_where_the_outcome_lies_above_the_return() -> None:
    (line,) = highlights({"episodes": CUT})
    assert line.startswith("256.0 of the bootstrapped discounted return is expected to follow")


def test_nothing_is_said_where_it_does_not_or_nobody_estimates() -> None:
    below = {**CUT, "bootstrapped_return": [400.0, 380.0]}
    whole = {**CUT, "bootstrapped_part": [0.0, 0.0]}
    without = {"return": [500.0]}
    costs = {
        "return": [-997.0],
        "bootstrapped_return": [-846.0],
        "bootstrapped_part": [60.0],
    }  # above it by discounting
    assert [highlights({"episodes": each}) for each in (below, whole, without, costs)] == [[], [], [], []]
    assert highlights({}) == []
