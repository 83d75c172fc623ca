"""Grids of layers by steps from the lines of signals.jsonl, and the sentences that they lead to, worked out by hand."""

import pytest

from sonde.report.layers import (
    HEALTHY_STEPS,
    Grid,
    error_says,
    gradient_says,
    inside,
    spread_says,
    stuck_says,
    update_says,
)


def line(step: int, weights: dict, outputs: list) -> dict:
    return {
        "step": step,
        "phase": "model",
        "loss": 1.0,
        "norm": 1.0,
        "rate": 0.1,
        "weights": weights,
        "outputs": outputs,
    }


def grid(*rows: list, steps: tuple = (1, 2, 400)) -> Grid:
    return Grid(names=[f"l{place}" for place in range(len(rows))], steps=steps[: len(rows[0])], values=rows)


def test_what_a_line_holds_becomes_norms_ratios_and_shares():
    weights = {"a.weight": [0.5, 0.1, 0.01, 400, 16], "b.weight": [1e-4, 0.2, 0.01, 100, 16]}
    outputs = [["a", "layer", 0.0, 2.0, 0.0, 0.0, 3e-8], ["a → relu", "zeroed below a limit", 1.0, 0.7, 0.25, 0.0, 1e-8],
               ["b", "layer", 0.0, 1.5, 0.0, 0.0, 0.3]]  # fmt: skip
    seen = inside([line(1, weights, outputs)])
    assert seen is not None
    assert (seen.error.names, seen.error.values) == (["a", "b"], [[3e-8], [0.3]])
    assert seen.gradient.values == [[pytest.approx(0.1 * 20)], [pytest.approx(0.2 * 10)]]
    assert (seen.spread.names, seen.spread.values) == (["a → relu"], [[0.7]])
    assert seen.stuck.values == [[0.25]]
    assert (seen.update.names, seen.update.values) == (["a.weight"], [[pytest.approx(0.02)]])  # b begins near zero
    assert seen.sentences()[0].startswith("From the last layer (b) to the first (a) the error shrinks 1.0e7 times")


def test_no_lines_hold_nothing_and_others_are_refused():
    assert inside([]) is None
    with pytest.raises(KeyError):
        inside([{"step": 1}])


def test_a_layer_that_is_used_twice_has_the_root_mean_square_of_its_uses():
    outputs = [["a", "layer", 0.0, 3.0, 0.0, 0.0, 3.0], ["a", "layer", 0.0, 4.0, 0.0, 0.0, 4.0]]
    seen = inside([line(1, {}, outputs)])
    assert seen is not None
    assert seen.error.values == [[pytest.approx(12.5**0.5)]]


def test_what_was_not_finite_or_not_there_is_left_out():
    first = line(1, {"a.weight": [0.5, None, 0.01, 4, 4]}, [["a", "layer", 0.0, None, 0.0, 0.0, None]])
    seen = inside([first, line(2, {}, [])])
    assert seen is not None
    assert seen.gradient.names == []
    assert seen.error.names == []
    assert seen.update.values == [[pytest.approx(0.02), None]]
    assert seen.sentences() == [update_says(seen.update)]


def test_the_error_vanishes_explodes_or_does_neither():
    between = [[1e-6] * 3, [1e-3] * 3, [0.1] * 3]
    shrinks = error_says(grid([2.5e-9, 2.5e-9, 5e-7], *between))
    assert shrinks == (
        "From the last layer (l3) to the first (l0) the error shrinks 4.0e7 times in the first step and 2.0e5 times at step 400: "
        "it vanishes, and the first layers learn hardly or not at all."
    )
    assert "it vanishes, and the first layers learn slowly." in error_says(grid([2e-4] * 3, [2e-3] * 3, *between[1:]))
    grows = [[50.0] * 3, [6.0] * 3, [0.8] * 3, [0.1] * 3]
    assert "grows 500 times in the first step and 500 times at step 400: it explodes" in error_says(grid(*grows))
    assert "shrinks 20 times in the first step, and grows 20 times at step 2: neither" in error_says(
        grid([1.0, 20.0], [20.0, 1.0])
    )
    assert error_says(grid([0.5, 0.5, 0.5], [1.0, 1.0, 0.5])) == (
        "From the last layer (l1) to the first (l0) the error keeps its order of magnitude: 0.50 times in the first step, "
        "1.0 at step 400."
    )
    assert error_says(grid([0.0, 0.0], [1.0, 1.0])) == (
        "No error reaches l0 at any step that was measured: nothing there can learn."
    )


def test_what_is_zero_at_the_first_look_alone_can_learn():
    """Last layers that begin at 0 let no error through before the first step."""
    begins = "at step 1, which is so behind weights that begin at 0."
    assert error_says(grid([0.0], [1.0])) == f"No error reaches l0 {begins}"
    assert error_says(grid([0.0, 0.5], [0.0, 0.8], [1.0, 1.0])) == (
        f"No error reaches l0, l1 {begins} From the last layer (l2) to the first (l0) the error keeps its order of "
        "magnitude: 0.50 times at step 2."
    )
    assert gradient_says(grid([0.0], [1.0])) == f"The gradient of l0 is exactly 0 {begins}"
    said = gradient_says(grid([0.0, 1e-9, 1e-9], [1.0, 1.0, 1.0]))
    assert said.startswith(
        f"The gradient of l0 is exactly 0 {begins} The gradient of l0 is 1.0e-9 times that of l1 at step 2"
    )
    assert "times at step 400" in said


@pytest.mark.parametrize(
    "rows",
    [
        [[1e-6, 1e-6, 1e-6], [0.1, 0.1, 0.1]],  # of two layers
        [[1e-6, 1e-6], [1e-4, 1e-4], [1e-2, 1e-2], [0.1, 0.1]],  # at two looks
        [[0.05, 1e-6, 1e-6], [0.06, 1e-4, 1e-4], [0.07, 1e-2, 1e-2], [0.1, 0.1, 0.1]],  # not from the first look on
        [[1e-4, 1.0, 1.0], [1e-3, 1.0, 1.0], [1e-2, 1.0, 1.0], [0.1, 1.0, 1.0]],  # at the first look alone
        [[1e-4, 1e-4, 1e-4], [0.1, 0.1, 0.1], [0.1, 0.1, 0.1], [0.1, 0.1, 0.1]],  # a jump between two networks
    ],
)
def test_a_ratio_alone_is_no_vanishing_gradient(rows: list[list[float]]):
    """Where the rule for it would say nothing, the sentence does not either."""
    said = error_says(grid(*rows))
    assert "vanish" not in said.replace("neither vanishing", "")
    assert "times" in said


def test_gradients_spreads_units_and_updates_in_a_sentence_each():
    assert gradient_says(grid([1e-9], [1.0])) == (
        "The gradient of l0 is 1.0e-9 times that of l1 in the first step: far apart, which alone is not a fault."
    )
    assert gradient_says(grid([0.0, 0.0], [1.0, 1.0])) == (
        "The gradient of l0 is exactly 0 at every step that was measured."
    )
    assert spread_says(grid([1.0], [1e-4])).endswith("deep in the network all rows look nearly alike.")
    assert (
        spread_says(grid([0.5, 0.6]))
        == "The activations of l0 have a standard deviation of 0.50 at first, and of 0.60 at step 2."
    )
    assert (
        spread_says(grid([0.5, 0.6], [0.5, 0.7]))
        == "The activations have a standard deviation of 0.50 at l0 and of 0.50 at l1 in the first step, 0.60 and 0.70 at step 2."
    )
    assert stuck_says(grid([0.0, 0.0])) == "No unit is dead or saturated at any step that was measured."
    assert stuck_says(grid([0.004, 0.0])) == "Hardly any unit is dead or saturated: at most 0.4 %, at l0 at step 1."
    assert stuck_says(grid([0.1, 0.9], [0.0, 0.2])) == (
        "90 % of the units at l0 are dead or saturated at step 2, the most of any layer: these pass on hardly any error."
    )
    assert "(median), most l0 at step 2 (30 %), least l0 at step 1 (1.0 %): much" in update_says(grid([0.01, 0.3]))
    assert "by 1.0e-4 % (median)" in update_says(grid([1e-6]))
    assert update_says(grid([1e-6])).endswith(f": little; {HEALTHY_STEPS}.")
    assert update_says(grid([0.01, 0.3])).endswith(f": much; {HEALTHY_STEPS}.")


def test_layers_that_only_a_later_phase_calls_are_compared_with_themselves():
    assert spread_says(grid([None, 0.5, None])) == "The activations of l0 have a standard deviation of 0.50 at step 2."
    assert spread_says(grid([None, 0.5, 0.6])) == (
        "The activations of l0 have a standard deviation of 0.50 at step 2, and of 0.60 at step 400."
    )
    assert spread_says(grid([None, 0.5, 0.6], [None, None, 9.0])) == (
        "The activations of l0 have a standard deviation of 0.50 at step 2, and of 0.60 at step 400."
    )
    assert spread_says(grid([None, 0.5, None], [None, 0.7, None])) == (
        "The activations have a standard deviation of 0.50 at l0 and of 0.70 at l1 at step 2."
    )


def test_a_run_of_phases_that_take_turns_is_told_of():
    """At the first look one phase alone is at work, and none of its layers gives anything that could be measured."""
    quiet, weights = [["scale", "layer", 0.0, None, None, None, 0.01]], {"a.weight": [0.5, 0.1, 0.01, 400, 16]}
    seen = inside([line(1, weights, quiet), line(4, weights, [["a", "layer", 0.0, 0.5, 0.0, 0.0, None], *quiet])])
    assert seen is not None
    assert any("of a have a standard deviation of 0.50 at step 4" in text for text in seen.sentences())


def test_where_phases_take_turns_the_layers_of_the_first_look_are_compared_with_themselves():
    """A generator that learns at step 400 alone does not stand for the first layer of the critic."""
    critic, generator = [[0.5, 0.5, 0.5], [1.0, 1.0, 1.0]], [[None, None, 1e-6], [None, None, 1e-6]]
    assert gradient_says(grid(*generator, *critic)) == (
        "The gradient of l2 is 0.50 times that of l3 in the first step, and 0.50 times at step 400: "
        "neither vanishing nor exploding."
    )
    late = grid([1.0, 1.0, None], [2.0, 2.0, 2.0], [None, None, 1.0])
    assert gradient_says(late) == (
        "The gradient of l0 is 0.50 times that of l1 in the first step, and 0.50 times at step 2: "
        "neither vanishing nor exploding."
    )
