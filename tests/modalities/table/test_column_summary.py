import numpy as np
import pandas as pd
import pyarrow as pa

from sonde.modalities.table.column_summary import cell_codes, summarise
from sonde.modalities.table.read import Table, frame_table


def table(name: str = "t", **columns: list) -> Table:
    return frame_table(columns, name)


def test_each_kind_of_column_is_summarised() -> None:
    rows = 30
    found = {
        c.name: c
        for c in summarise(
            table(
                id=list(range(100, 100 + rows)),
                price=[1.5, None, 4.5, *[2.0] * (rows - 3)],
                colour=["red", "blue", None, *["red"] * (rows - 3)],
                day=["2024-01-31", "2024-01-02", *["2024-01-05"] * (rows - 2)],
                empty=[None] * rows,
                same=["x"] * rows,
                flag=[1, None, *[1] * (rows - 2)],
            )
        )
    }
    seen = {name: (c.holds, c.missing, c.distinct, c.range) for name, c in found.items()}
    assert seen["id"] == ("row numbers", 0, rows, "100 to 129")
    assert seen["price"] == ("numbers", 1, 3, "1.50 to 4.50")
    assert seen["colour"] == ("categories", 1, 2, "red, blue")
    assert seen["day"] == ("dates", 0, 3, "2024-01-02T00:00:00 to 2024-01-31T00:00:00")
    assert seen["empty"] == ("nothing", rows, 0, "")
    assert {name for name, c in found.items() if c.constant} == {"same"}  # flag's gaps still say something


def test_missing_and_distinct_agree_with_pandas() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.integers(0, 9, 200).astype(float), "k": rng.choice(list("abc"), 200)})
    frame.loc[rng.random(200) < 0.2, "x"] = np.nan
    for summary in summarise(frame_table(frame, "frame")):
        assert summary.missing == frame[summary.name].isna().sum()
        assert summary.distinct == frame[summary.name].nunique()


def test_codes_are_equal_where_cells_are_over_files_of_other_types() -> None:
    one = table("train.csv", x=["1", "2", None], only="abc"[:3].split() * 3)
    other = Table(name="test.parquet", columns={"x": pa.chunked_array([pa.array([2, None, 7])])}, first_row=1)
    codes = cell_codes([one, other])
    assert set(codes) == {"x"}
    x = codes["x"]
    assert x[1] == x[3]
    assert x[2] == x[4]
    assert len(set(x.tolist())) == 4


def test_row_numbers_are_no_part_of_a_rows_content() -> None:
    codes = cell_codes([table(id=list(range(50)), x=[1, 2] * 25)])
    assert set(codes) == {"x"}


def test_nested_cells_are_compared_as_json() -> None:
    cells = {"meta": [{"x": 1}, {"x": 2}, {"x": 1}, None], "tags": [["a"], ["a"], ["b"], ["a"]]}
    one = frame_table(pa.table(cells), "t")
    codes = cell_codes([one])
    assert codes["meta"].tolist() == [0, 1, 0, -1]
    assert codes["tags"].tolist() == [0, 0, 1, 0]
    assert [c.name for c in summarise(one)] == ["meta", "tags"]
