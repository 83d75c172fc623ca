import re

import pytest

from sonde.report.residuals import residual_figures


def test_residuals_are_counted_in_bins():
    target = [float(n) for n in range(100)]
    prediction = [t - (1.0 if n % 4 else -3.0) for n, t in enumerate(target)]
    figures = residual_figures({"scatter": {"names": ["y"], "target": [target], "prediction": [prediction]}})
    caption = figures[2].caption
    assert caption.startswith(
        "100 rows: half of them are off by less than 1.00; the median is 1.00, and 25 % are predicted"
    )
    heights = re.findall(r": (\d+) rows</title>", figures[2].svg)
    assert sorted(map(int, heights)) == [0] * (len(heights) - 2) + [25, 75]


def test_all_answers_are_counted_where_there_is_one_output():
    table = {"names": ["y"], "target": [[1.0, 2.0, 3.0]], "prediction": [[1.0, 2.0, 4.0]]}
    answers = {"target": [0.0] * 5000, "prediction": [1.0] * 5000}
    assert residual_figures({"scatter": table, "answers": answers})[2].caption.startswith("5,000 rows")


@pytest.mark.parametrize("rows", [1, 2])
def test_two_rows_are_a_sentence(rows):
    table = {"names": ["y"], "target": [[1.0, 2.5][:rows]], "prediction": [[1.25, 2.0][:rows]]}
    (figure,) = residual_figures({"scatter": table})
    assert figure.svg == ""
    assert "true 1.000, predicted 1.250" in figure.caption
