"""What a curve's caption says of it."""

import pytest

from sonde.core.units import share
from sonde.report.captions import course, of_losses, of_metric, of_norm, of_range_test, of_rate, there_and_back


def curve(*values):
    return [(float(place), value) for place, value in enumerate(values, start=1)]


def test_a_course_ends_in_the_mean_of_its_last_twentieth():
    found = course([(float(x), 100.0 - x) for x in range(1, 61)])
    assert found is not None
    assert (found.first, found.best, found.at, found.last_at) == (99.0, 40.0, 60.0, 60.0)
    assert found.last == pytest.approx(41.0)  # of 40, 41 and 42
    assert course([(1.0, None)]) is None


@pytest.mark.parametrize(
    ("validation", "told"),
    [
        ((0.5, 0.3, 0.12, 0.2, 0.3), "validation loss was lowest (0.120) at epoch 3 and rose to 0.300 since."),
        ((9.0, 0.3, 0.12, 0.15), "validation loss was lowest (0.120) at epoch 3 and rose to 0.150 since."),
        ((0.5, 0.3, 0.12, 0.121), "validation loss was lowest (0.120) at epoch 3 and hardly changed since (0.121)."),
        ((0.5, 0.3, 0.12), "validation loss was lowest (0.120) at epoch 3, the last evaluation."),
        ((0.5,), "validation loss was 0.500 at the only evaluation."),
    ],
)
def test_losses(validation, told):
    text = of_losses(curve(2.3, 1.0, 0.05), curve(*validation), "epoch")
    assert text == f"Training loss fell from 2.30 to 0.0500; {told}"


def test_a_loss_that_rose_or_stayed_is_said_to_have_done_so():
    assert of_losses(curve(1.0, 2.0, 3.0), [], "step") == "Training loss rose from 1.00 to 3.00."
    assert of_losses(curve(2.0, 2.0, 2.01), [], "step") == "Training loss stayed at about 2.01."


def test_a_metric_that_fell_again_says_where_it_was_best():
    text = of_metric("validation accuracy", curve(0.5, 0.9, 0.6), "epoch", share, True)
    assert text == (
        "Validation accuracy rose from 50.00 % to 60.00 %; it was highest (90.00 %) at epoch 2 and fell to 60.00 % since."
    )
    unknown = of_metric("validation score", curve(1.0, 2.0, 4.0), "epoch", lambda y: f"{y:g}", None)
    assert unknown == "Validation score rose from 1 to 4."  # nobody knows which way better lies


def test_where_a_metric_ended_that_is_a_mean_is_said_to_be_one():
    """Of forty evaluations the last two: neither had -149."""
    falling = of_metric("return", curve(-200.0, *[-120.0] * 37, -152.0, -146.0), "step", str, True)
    assert falling == (
        "Return rose from -200.0 to -149.0 (the mean of the last 2); it was highest (-120.0) at step 2 and fell to -149.0 since "
        "(the mean of the last 2)."
    )
    assert "mean of" not in of_metric("return", curve(1.0, 3.0, 2.0), "step", str, True)


def test_a_curve_that_went_somewhere_and_came_back_is_told_so():
    """After its first point it falls."""
    values = [-14370.0, *[-4600.0 - 170 * place for place in range(46)]]
    assert there_and_back("it", curve(*values), "step") == (
        "it rose from -14,370 to about -4,685 by step 3, and fell to -12,165"
    )
    assert there_and_back("it", curve(5.0, 1.0, 1.0, 1.0, 5.05), "step") == (
        "it fell from 5.00 to about 1.00 by step 2, and rose to 5.05"
    )
    for rising in (curve(1.0, 2.0, 1.5, 3.0, 2.9), curve(1.0, 9.0, 1.0)):
        assert "by step" not in there_and_back("it", rising, "step")


def test_rates():
    assert of_rate(curve(0.1, 0.1, 0.1), "step") == "Constant at 0.100."
    assert (
        of_rate(curve(0.001, 0.004, 0.002, 0.0), "step")
        == "Rose to 0.00400 by step 2, then fell from 0.00400 to 0 by the end."
    )
    assert of_rate(curve(0.004, 0.002), "step") == "Fell from 0.00400 to 0.00200 by the end."


def test_norms_that_were_clipped_are_counted():
    assert of_norm(curve(0.5, 2.0, 21.0), "step", 0.0) == "Median 2.00, highest 21.0 at step 3."
    assert of_norm(curve(0.5, 2.0, 21.0), "step", 1.0).endswith("; 2 of 3 logged steps were above 1 and clipped to it.")


def test_a_range_test_says_what_was_chosen():
    points = [(1e-4, 2.3), (1e-2, 1.0), (1.0, 9.0)]
    assert of_range_test(points, 1e-3) == (
        "As the rate was raised, the loss fell from 2.30 to 1.00 at 0.0100 and rose beyond; 0.00100 was chosen."
    )
