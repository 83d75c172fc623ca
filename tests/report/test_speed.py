from dataclasses import replace

import pytest

from sonde.report.folder import read_folder
from sonde.report.speed import speed_figure, speeds


def steps(*pairs):
    return [{"step": 10 * n, "seconds": seconds, "rows": rows} for n, (seconds, rows) in enumerate(pairs, start=1)]


def test_speed_is_rows_over_seconds_of_each_stretch(table_run):
    run = replace(read_folder(table_run), steps=steps((1.0, 100), (2.0, 300), (4.0, 500), (14.0, 600)))
    assert speeds(run) == [(20.0, 200.0), (30.0, 100.0), (40.0, 10.0)]
    figure = speed_figure(run)
    assert figure is not None
    assert "Median 100 rows a second" in figure.caption
    assert "1 of 3 stretches went at less than half of that, the slowest at 10.0" in figure.caption


def test_a_clock_that_went_back_is_left_out(table_run):
    run = replace(read_folder(table_run), steps=steps((5.0, 100), (6.0, 200), (1.0, 300), (2.0, 400)))
    assert speeds(run) == [(20.0, 100.0), (40.0, 100.0)]


@pytest.mark.parametrize("pairs", [((1.0, 100), (2.0, 300)), ((1.0, 100), (2.0, 300), (3.0, 400))])
def test_two_stretches_are_a_sentence(table_run, pairs):
    figure = speed_figure(replace(read_folder(table_run), steps=steps(*pairs)))
    assert figure is not None
    assert figure.svg == ""
    assert figure.caption.endswith(f"measured {len(pairs) - 1} times.")
    assert speed_figure(replace(read_folder(table_run), steps=[])) is None
