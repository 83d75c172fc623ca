import pytest

from sonde.metrics.intervals import Interval, at_level, wilson
from sonde.report.how_sure import interval_beside_baseline, interval_in

ANSWERS = {"rows": 10, "index": None, "target": [0, 1] * 5, "prediction": [0] * 10}
SUMS = {"unit": "recordings", "rows": 6, "index": None, "columns": {"word_edits": [0, 1, 2, 0, 1, 4], "words": [5] * 6}}
OWN = {"metrics": {"auroc": 0.8}, "intervals": {"auroc": [0.7, 0.86]}}


def test_answers_come_first_and_say_how_many_rows() -> None:
    assert interval_in([{"answers": ANSWERS}], "accuracy", 0.5) == (wilson(5, 10), "10 rows")


def test_sums_say_what_their_rows_are() -> None:
    interval, of = interval_in([{"sums": SUMS}], "wer", 8 / 30)
    assert of == "6 recordings"
    assert interval is not None
    assert 0 < interval.low < 8 / 30 < interval.high < 0.8
    folds, of = interval_in([{"sums": SUMS}] * 4, "wer", 8 / 30)
    assert of == "24 recordings"
    assert folds is not None
    assert folds.high - folds.low < interval.high - interval.low


def test_an_evaluations_own_interval_is_taken_and_that_of_folds_is_narrower_by_the_root_of_their_number() -> None:
    one, four = interval_in([OWN], "auroc", 0.8)[0], interval_in([OWN] * 4, "auroc", 0.8)[0]
    assert one is not None
    assert four is not None
    assert (one.low, one.high) == pytest.approx((0.7, 0.86))
    assert (four.low, four.high) == pytest.approx((0.75, 0.83))
    assert interval_in([OWN], "auroc", 0.8, level=0.99)[0] == at_level(Interval(0.7, 0.86), 0.8, 0.99)
    assert interval_in([OWN, {}], "auroc", 0.8) == (None, "")


@pytest.mark.parametrize(
    "details",
    [{}, {"answers": {"target": [1]}}, {"sums": {"columns": {"wer": 3}}}, {"intervals": [1], "metrics": {"wer": 1}}],
)
def test_what_no_run_writes_tells_nothing(details: dict[str, object]) -> None:
    assert interval_in([details], "wer", 0.1) == (None, "")
    assert interval_beside_baseline([details], "wer", 0.1) is None
