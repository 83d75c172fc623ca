from sonde.tasks.anomaly.figures import additions, highlights

SCORES = {
    "low": 0.0,
    "high": 4.0,
    "normal": [8, 2, 0, 0],
    "anomalous": [0, 0, 1, 3],
    "threshold": 1.5,
    "false_alarms": 0.05,
}


def test_scores_are_drawn_up_and_down_with_the_threshold() -> None:
    (figure,) = additions({"scores": SCORES}).figures
    assert figure.caption.startswith("How 10 normal rows score (up) and 4 anomalies (down).")
    assert "the threshold, 1.50, which 5.0 % of held-out normal rows exceed" in figure.caption
    assert 'class="mark"' in figure.svg
    assert "3 anomalies from 3.00 to 4.00" in figure.svg


def test_the_threshold_is_told_with_the_rate_that_so_few_rows_can_promise() -> None:
    assert highlights({}) == highlights({"scores": {**SCORES, "threshold": None}}) == []
    assert highlights({"scores": {**SCORES, "promised": 0.05}}) == [
        "threshold 1.50: of new normal rows 5.0 % score higher at most, on average, and are called anomalies"
    ]
    assert highlights({"scores": {**SCORES, "promised": 0.1}}) == [
        "threshold 1.50: of new normal rows 10.0 % score higher on average; the 5.0 % of --false-alarms takes 19 held-out "
        "normal rows or more"
    ]


def test_classes_are_told_with_what_is_called_of_them() -> None:
    rows = [
        {"name": "<b>", "normal": True, "rows": 10, "score": 0.5, "above": 0.1},
        {"name": "dent", "normal": False, "rows": 4, "score": 3.2, "above": None},
    ]
    (section,) = additions({"by_class": rows}).sections
    assert "&lt;b&gt;" in section.html
    assert "10.0 %" in section.html
    assert "<b>" not in section.html


def test_nothing_is_drawn_of_nothing() -> None:
    found = additions({})
    assert not found.figures
    assert not found.sections
