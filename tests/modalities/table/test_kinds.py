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
    assert infer_kind(table(cells), "x") == Kind(kind="number")
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


def test_a_time_zone_keeps_the_local_clock():
    assert read(["2020-01-01T10:00:00+02:00"])[0] == np.datetime64("2020-01-01T10:00:00")


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
