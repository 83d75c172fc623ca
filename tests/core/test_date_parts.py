"""Parts of dates, against pandas."""

import numpy as np
import pandas as pd

from sonde.core.date_parts import DATE_PARTS, date_part, to_dates


def test_date_parts_are_those_of_pandas():
    dates = pd.Series(pd.date_range("1968-02-27 23:11:00", periods=900, freq="37h13min"))
    index = pd.DatetimeIndex(dates)
    values = dates.to_numpy().astype("datetime64[s]")
    for part in DATE_PARTS[:-1]:
        np.testing.assert_array_equal(
            date_part(values, part), getattr(index, "day_of_week" if part == "weekday" else part), err_msg=part
        )
    days = (dates - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    np.testing.assert_allclose(date_part(values, "time"), days)
    assert np.isnan(date_part(np.array(["NaT"], "datetime64[s]"), "month")).all()


def test_times_come_back_to_the_minute():
    dates = np.array(["1969-07-20T20:17", "2024-02-29T12:30", "NaT"], "datetime64[s]")
    days = date_part(dates, "time") + 1e-5
    np.testing.assert_array_equal(to_dates(days, "m"), dates)
    np.testing.assert_array_equal(to_dates(days, "D"), np.array(["1969-07-21", "2024-03-01", "NaT"], "datetime64[s]"))
