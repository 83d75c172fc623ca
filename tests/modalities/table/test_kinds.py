"""What columns hold: against pandas' own readings where it has one."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.kinds import Categories, Kind, infer_kind, parse
from sonde.modalities.table.read import Table, frame_table


def table(values: list, delimiter: str = ",") -> Table:
    return Table(name="t.csv", columns={"x": pa.chunked_array([values])}, first_row=2, delimiter=delimiter)


def read(values: list, delimiter: str = ",") -> np.ndarray:
    source = table(values, delimiter)
    return np.asarray(parse(source, "x", infer_kind(source, "x")))


def categories(source: Table, column: str = "x") -> Categories:
    found = parse(source, column, Kind(kind="category"))
    assert isinstance(found, Categories)
    return found


def test_numbers_with_spaces_signs_exponents_and_gaps():
    cells = [" 1", "2.5 ", "+3", "-.5", "1e3", "", "NA", "NaN", "?", " n/a ", "null", None]
    assert infer_kind(table(cells), "x").kind == "number"
    np.testing.assert_array_equal(read(cells), [1, 2.5, 3, -0.5, 1000] + [np.nan] * 7)


def test_numbers_read_as_pandas_reads_them():
    generator = np.random.default_rng(0)
    cells = [repr(float(v)) for v in generator.normal(size=500) * 10.0 ** generator.integers(-20, 20, 500)]
    np.testing.assert_array_equal(read(cells), np.asarray(pd.to_numeric(pd.Series(cells))))


def test_decimal_commas_beside_semicolons_only():
    np.testing.assert_array_equal(read(["1,5", "-2,25", "3"], ";"), [1.5, -2.25, 3])
    assert infer_kind(table(["1,5", "2,25"], ","), "x").kind == "category"


def test_text_among_numbers_names_row_and_cell():
    cells = [str(i) for i in range(60)]
    cells[17], cells[40] = "seventeen", "x"
    message = r"^t\.csv row 19: text where numbers should be: 'seventeen' in column 'x' \(and 1 more\); fix the cell"
    with pytest.raises(DataError, match=message):
        infer_kind(table(cells), "x")


def test_mixed_columns_are_categories():
    cells = ["A/5 21171", "113803", "373450", "330877"]
    assert infer_kind(table(cells), "x").kind == "category"


def test_infinite_cells_are_named():
    with pytest.raises(DataError, match=r"^t\.csv row 3: column 'x' is infinite; fix or empty the cell$"):
        read(["1", "inf", "2"])
    frame = frame_table({"x": np.array([1.0, -np.inf])}, "t")
    with pytest.raises(DataError, match=r"^t row 1: column 'x' is infinite"):
        parse(frame, "x", Kind(kind="number"))


@pytest.mark.parametrize(
    ("cells", "order", "format"),
    [
        (["2016-07-01 00:30:00", "2017-12-31T23:59:59.5"], "ymd", "ISO8601"),
        (["2016-07-01", "2017-02-28"], "ymd", "%Y-%m-%d"),
        (["1949-01", "1950-12"], "ymd", "%Y-%m"),
        (["2016/7/1 10:15", "2017/12/31 09:00"], "ymd", "%Y/%m/%d %H:%M"),
        (["31.12.2020", "01.02.2021"], "dmy", "%d.%m.%Y"),
        (["12/31/2020", "01/02/2021"], "mdy", "%m/%d/%Y"),
        (["31/12/2020", "01/02/2021"], "dmy", "%d/%m/%Y"),
    ],
)
def test_dates_read_as_pandas_reads_them(cells: list[str], order: str, format: str):
    assert infer_kind(table(cells), "x") == Kind(kind="date", order=order)
    expected = pd.to_datetime(pd.Series(cells), format=format).to_numpy().astype("datetime64[s]")
    np.testing.assert_array_equal(read([*cells, "NA"])[:-1], expected)
    assert np.isnat(read([*cells, ""])[-1])


def test_offsets_are_counted_in():
    cells = ["2022-10-30 02:30:00+02:00", "2022-10-30 02:30:00+01:00", "2022-10-30T01:45Z"]
    expected = pd.to_datetime(pd.Series(cells), utc=True, format="mixed").dt.tz_localize(None)
    np.testing.assert_array_equal(read(cells), expected.to_numpy().astype("datetime64[s]"))


@pytest.mark.parametrize(
    ("cells", "delimiter", "expected"),
    [
        (["$1,385.00", "$80.00", "-$5"], ",", [1385, 80, -5]),
        (["1.190,11", "892,94", "1.190"], ";", [1190.11, 892.94, 1190]),
        (["5,00 €", "1.200,00 €"], ";", [5, 1200]),
        (["4,998.47", "1,234,567"], ",", [4998.47, 1234567]),
        (["12,34,567", "1,00,000.5"], ",", [1234567, 100000.5]),
        (["1\u202f385", "2\u00a0000", "999"], "\t", [1385, 2000, 999]),
        (["1 385,5", "12 000"], ";", [1385.5, 12000]),
        (["1'234.50", "9"], ",", [1234.5, 9]),
        (["12 %", "55%"], ",", [12, 55]),
        (["\u22123", "4.5", "- 2"], ",", [-3, 4.5, -2]),
        (["(45.5)", "1,200.25"], ",", [-45.5, 1200.25]),
        (["12,5", "3,25"], "\t", [12.5, 3.25]),
        (["1.2K", "3M", "500"], ",", [1200, 3e6, 500]),
    ],
)
def test_numbers_as_people_write_them(cells: list[str], delimiter: str, expected: list[float]):
    source = table([*cells, ""], delimiter)
    kind = infer_kind(source, "x")
    assert (kind.kind, kind.guess) == ("number", "")
    np.testing.assert_array_equal(np.asarray(parse(source, "x", kind))[:-1], expected)


def test_groups_that_only_other_columns_show_are_said():
    cells = {"rent": ["1.190", "2.050", "999"], "area": ["91,5", "83,25", "60,1"]}
    source = Table(
        name="t.csv", columns={n: pa.chunked_array([c]) for n, c in cells.items()}, first_row=2, delimiter=";"
    )
    kind = infer_kind(source, "rent")
    assert kind.guess == "'1.190' is read as 1190; write 1,190 if that is meant"
    np.testing.assert_array_equal(np.asarray(parse(source, "rent", kind)), [1190, 2050, 999])
    assert infer_kind(table(["1,250", "950"]), "x").guess == "'1,250' is read as 1250; write 1.250 if that is meant"


def test_a_trained_column_is_read_alike_from_few_rows():
    source = table(["1.190"], ";")
    assert np.asarray(parse(source, "x", Kind(kind="number", decimal=","))).tolist() == [1190]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["$5", "€6", "$7"],
            r"^t\.csv row 3: '€6' in column 'x' .* another currency than '\$'\); write all cells alike$",
        ),
        (["12 %", "0.55", "13%"], r"^t\.csv row 3: '0\.55' in column 'x' .*some cells are per cent and others are not"),
        (["2.75 %", "1,5 %", "1,25 %"], r"^t\.csv row 2: '2\.75 %' in column 'x' .*most cells have decimal commas"),
    ],
)
def test_numbers_written_in_two_ways_are_refused(cells: list[str], message: str):
    with pytest.raises(DataError, match=message):
        infer_kind(table(cells, ";"), "x")


def test_a_zero_in_front_makes_a_code():
    assert categories(table(["02139", "10001", "2139"])).names == ("02139", "10001", "2139")
    assert infer_kind(table(["02139", "10001"]), "x").kind == "category"
    assert infer_kind(table(["01", "2A", *["03"] * 60]), "x").kind == "category"
    assert infer_kind(table(["0", "0.5", "01.5"]), "x").kind == "number"
    month = Table(name="t.csv", columns={"month": pa.chunked_array([["01", "12"]])}, first_row=2, delimiter=",")
    assert infer_kind(month, "month").kind == "number"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["Jan 5, 2021", "February 10, 2020", "Sep. 3, 2019"], ["2021-01-05", "2020-02-10", "2019-09-03"]),
        (["05-Jan-21", "6 Feb 2020", "7th March 2019"], ["2021-01-05", "2020-02-06", "2019-03-07"]),
        (["5. Mai 2020", "3 Dez 2020"], ["2020-05-05", "2020-12-03"]),
        (["01.01.19", "31.12.69", "31.12.68"], ["2019-01-01", "1969-12-31", "2068-12-31"]),
        (["01/02/20", "01/31/20"], ["2020-01-02", "2020-01-31"]),
        (["2021-01-05", "05/13/2021", "13 Jan 2021"], ["2021-01-05", "2021-05-13", "2021-01-13"]),
        (
            [f"20-{m}-{d}" for m in (1, 2, 3) for d in (5, 15, 25)],
            [f"2020-0{m}-{d:02}" for m in (1, 2, 3) for d in (5, 15, 25)],
        ),
        (["2020Q1", "2020-Q3", "Q4 2021"], ["2020-01-01", "2020-07-01", "2021-10-01"]),
        (["Jan 2020", "Feb-21"], ["2020-01-01", "2021-02-01"]),
        (["1/31/2021 12:05:00 AM", "1/31/2021 1:30 PM"], ["2021-01-31T00:05", "2021-01-31T13:30"]),
        (["Tue, 5 Jan 2021 10:00:00 +0100"], ["2021-01-05T09:00"]),
    ],
)
def test_dates_as_people_write_them(cells: list[str], expected: list[str]):
    np.testing.assert_array_equal(read(cells), np.array(expected, "datetime64[s]"))


def test_of_two_orders_that_fit_the_rows_in_time_decide():
    days = pd.date_range("2021-01-01", periods=12)
    assert infer_kind(table(days.strftime("%d/%m/%Y").tolist()), "x").order == "mdy"  # as even by months as by days
    spread = pd.date_range("2021-01-01", "2021-12-12", freq="5D")
    chosen = [day for day in spread if day.day <= 12]
    for order, format in (("dmy", "%d/%m/%Y"), ("mdy", "%m/%d/%Y")):
        assert infer_kind(table([day.strftime(format) for day in chosen]), "x") == Kind(kind="date", order=order)
    hours = pd.date_range("2021-01-01", periods=200, freq="h")
    assert infer_kind(table(hours.strftime("%d/%m/%Y %H:%M").tolist()), "x").order == "dmy"
    months = pd.date_range("2020-01-01", periods=24, freq="MS")
    assert infer_kind(table(months.strftime("%m/%d/%Y").tolist()), "x").order == "mdy"
    unclear = infer_kind(table(["07/03/2021", "01/02/2021", "02/01/2021"]), "x")
    assert unclear.guess == "'07/03/2021' is read as 2021-07-03; write dates as 2021-01-31 to be sure"


@pytest.mark.parametrize(
    "cells", [["marketing", "sales"], ["17:24:00", "18:00:00"], ["1.2.3", "1.2.4"], ["May", "June"]]
)
def test_text_that_is_no_date(cells: list[str]):
    assert infer_kind(table(cells), "x").kind != "date"


def test_weeks_are_those_of_the_calendar():
    days = pd.date_range("2008-12-20", "2021-01-20", freq="D")
    for pattern, day in (("%G-W%V-%u", days), ("%GW%V%u", days), ("%G-W%V", days[days.day_of_week == 0])):
        found = table(day.strftime(pattern).tolist())
        assert infer_kind(found, "x") == Kind(kind="date", order="ymd")
        np.testing.assert_array_equal(read(day.strftime(pattern).tolist()), day.to_numpy().astype("datetime64[s]"))
    with pytest.raises(DataError, match="'2021-W53'"):  # 2020 has such a week
        infer_kind(table(["2020-W53", "2021-W01"] * 20 + ["2021-W53"]), "x")


def test_days_that_no_calendar_has_are_named():
    cells = ["2021-02-28"] * 40
    cells[5] = "2021-02-30"
    with pytest.raises(DataError, match=r"^t\.csv row 7: text where dates should be: '2021-02-30' in column 'x'"):
        infer_kind(table(cells), "x")


def test_typed_columns_say_their_kind():
    day = datetime.date(2020, 2, 29)
    frame = frame_table(
        pa.table(
            {
                "int": [1, None],
                "bool": [True, None],
                "date": [day, None],
                "typed": pa.array(["3", None]).dictionary_encode(),
                "list": [[1], [2]],
                "none": [None, None],
            }
        ),
        "t",
    )
    kinds = {name: infer_kind(frame, name).kind for name in frame.columns}
    assert kinds == {
        "int": "number",
        "bool": "category",
        "date": "date",
        "typed": "category",
        "list": "unusable",
        "none": "empty",
    }
    assert np.asarray(parse(frame, "date", Kind(kind="date", order="ymd")))[0] == np.datetime64("2020-02-29T00:00:00")
    typed = categories(frame, "typed")
    assert (typed.names, typed.codes.tolist()) == (("3",), [0, -1])


def test_booleans_have_one_spelling():
    for values in (["True", "FALSE", " true"], [True, False, True]):
        assert infer_kind(table(values), "x").kind == "category"
        found = categories(table(values))
        assert [found.names[code] for code in found.codes] == ["true", "false", "true"]


def test_numbers_as_categories_have_one_spelling():
    frame = frame_table({"x": np.array([3.0, 0.5, np.nan])}, "t")
    found = categories(frame)
    assert (found.names, found.codes.tolist()) == (("3", "0.5"), [0, 1, -1])
