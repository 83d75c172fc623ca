"""Rows of tables that a model has made, on the table's own scale."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.modalities.table.encode import encode, fit_columns
from sonde.modalities.table.kinds import infer_kind, parse
from sonde.modalities.table.made import MADE, notes, own_types, plain, to_judge, with_classes
from sonde.modalities.table.read import frame_table

FRAME = pd.DataFrame(
    {
        "age": [22.0, 38.0, None, 35.0, 54.0, 0.5] * 10,
        "children": [0, 1, 2, 0, 0, 5] * 10,
        "fare": [7.25, 71.28, 8.05, 53.1, 8.46, 51.86] * 10,
        "sex": ["male", "female", "female", None, "male", "male"] * 10,
        "cabin": [f"cabin {n}" if n % 3 else None for n in range(60)],
        "day": pd.date_range("2024-02-27", periods=60, freq="2D"),
        "hour": pd.date_range("2024-02-27", periods=60, freq="7h"),
    }
)


def made_of(frame: pd.DataFrame, target: TargetSpec, column: str = "") -> tuple[Schema, torch.Tensor]:
    table = frame_table(frame, "table")
    kinds = {name: infer_kind(table, name) for name in table.columns}
    values = {name: parse(table, name, kind) for name, kind in kinds.items()}
    columns = fit_columns(values, kinds, np.arange(len(table))).columns
    spec = InputSpec(kind="table", shape=(len(columns),), columns=columns, column=column)
    return Schema(input=spec, target=target), torch.from_numpy(encode(table, columns, values))


def test_training_rows_come_back_as_they_were(tmp_path: Path) -> None:
    schema, rows = made_of(FRAME, TargetSpec(kind="none", names=("row",)))
    table = plain(rows, schema)
    found = table.to_pandas()
    assert list(found) == ["age", "children", "fare", "sex", "day", "hour"]
    assert table["children"].to_pylist() == FRAME["children"].tolist()
    assert table["sex"].to_pylist() == [None if pd.isna(each) else each for each in FRAME["sex"]]
    np.testing.assert_allclose(found["fare"], FRAME["fare"])
    assert table["day"].to_pylist()[:2] == [datetime.date(2024, 2, 27), datetime.date(2024, 2, 29)]
    assert (found["hour"].to_numpy() == FRAME["hour"].to_numpy()).all()
    assert found["age"].isna().tolist() == FRAME["age"].isna().tolist()
    MADE.write(tmp_path / "rows.csv", table, None, schema)
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert lines[0] == "age,children,fare,sex,day,hour"
    assert lines[2] == "38.0,1,71.28,female,2024-02-29,2024-02-27 07:00:00"
    assert lines[3].startswith(",2,8.05,female,")
    assert notes(schema) == ["left out: cabin, of which only whether there is a text was learned"]
    judged = to_judge(rows, schema)  # by one who may have learned from that
    assert judged.column_names == [*table.column_names, "cabin"]
    assert [each is None for each in judged["cabin"].to_pylist()] == FRAME["cabin"].isna().tolist()


def test_a_few_fractions_leave_the_others_whole() -> None:
    frame = pd.DataFrame({"age": [*range(1, 41), 0.42, 14.5]})
    schema, _ = made_of(frame, TargetSpec(kind="none", names=("row",)))
    column = schema.input.columns[0]
    assert plain(torch.tensor([[(30.4 - column.mean) / column.std]]), schema)["age"].to_pylist() == [30]


@pytest.mark.parametrize(("names", "expected"), [(("0", "1"), [1, 0]), (("no", "yes"), ["yes", "no"])])
def test_the_class_stands_in_a_column_of_its_name(names: tuple[str, ...], expected: list) -> None:
    schema, rows = made_of(pd.DataFrame({"fare": FRAME["fare"]}), TargetSpec(kind="class", names=names), "Survived")
    table = with_classes(plain(rows[:2], schema), [names[1], names[0]], schema)
    assert table.column_names == ["fare", "Survived"]
    assert table["Survived"].to_pylist() == expected


def test_booleans_and_times_of_a_frame_come_back_as_such() -> None:
    frame = pd.DataFrame(
        {
            "ok": [True, False, True] * 20,
            "word": ["true", "false", "true"] * 20,
            "day": pd.date_range("2024-02-27", periods=60, freq="2D"),
            "text": [f"2024-03-{1 + n % 30:02d}" for n in range(60)],
            "hour": [None, *pd.date_range("2024-02-27", periods=59, freq="7h")],
        }
    )
    schema, rows = made_of(frame, TargetSpec(kind="class", names=("false", "true")), column="won")
    table = own_types(with_classes(plain(rows, schema), ["true", "false"] * 30, schema), schema)
    found = table.to_pandas()
    assert found["ok"].tolist() == frame["ok"].tolist()
    assert found["won"].tolist() == [True, False] * 30
    assert found["word"].tolist() == frame["word"].tolist()
    assert table["text"].to_pylist()[0] == datetime.date(2024, 3, 1)
    together = pd.concat([frame, found[["ok", "day", "hour"]]])
    assert together["ok"].dtype == bool
    assert together["day"].dtype.kind == together["hour"].dtype.kind == "M"
    assert (together["day"].iloc[60:] == frame["day"]).all()
    assert found["hour"].isna().tolist() == [True] + [False] * 59
