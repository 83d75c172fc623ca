"""Figures of the episodes of an evaluation."""

import pytest

from sonde.report.episodes import episode_figures


@pytest.mark.parametrize("name", ["bootstrapped_return", "discounted_return"])  # the second of earlier versions
def test_returns_and_what_was_expected_of_each(name: str) -> None:
    held = {
        "return": [1.0, 2.0, 3.0, 4.0, 50.0],
        "expected_return": [5.0] * 5,
        name: [1.0, 2.0, 3.0, 4.0, 5.0],
    }
    returns, expected = episode_figures({"episodes": held}, "they count entropy")
    assert returns.caption == "5 episodes: median 3.00, worst 1.00, best 50.0."
    assert expected.caption.startswith("Overestimated: 5.00 were expected, 3.00 returned.")
    assert expected.caption.endswith("They count entropy.")


def test_values_that_agree_with_values_alone_confirm_nothing() -> None:
    """Every episode returned 0 and was cut off: all that came is the value of its last observation."""
    held = {
        "return": [0.0, 0.0, 0.0, 0.0, 0.1],
        "expected_return": [0.9] * 5,
        "bootstrapped_return": [0.8] * 5,
        "bootstrapped_part": [0.8] * 5,
    }
    _, expected = episode_figures({"episodes": held}, "")
    assert expected.caption.startswith(
        "Not confirmed: 0.900 were expected, and rewards came to 0; the other 0.800 is the value"
    )


def test_episodes_that_are_all_alike_are_a_sentence() -> None:
    (figure,) = episode_figures({"episodes": {"return": [500.0] * 6}}, "")
    assert (figure.svg, figure.caption) == ("", "All 6 episodes returned 500.")


def test_few_or_damaged_ones_are_left_out() -> None:
    for held in ({}, {"episodes": {"return": [1.0] * 4}}, {"episodes": {"return": ["a"] * 9}}, {"episodes": [1]}):
        assert episode_figures(held, "") == []
