"""Tables with a series in each row: the way to a row for each time works."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample_settings import data_config

from sonde.core.errors import DataError
from sonde.modalities.open import open_data


@pytest.mark.parametrize("task", [None, "forecasting"])
def test_times_in_a_header_are_named_and_the_remedy_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str | None
) -> None:
    days = [str(day) for day in np.datetime64("2015-07-01") + np.arange(80)]
    rows = [
        f"page {n}," + ",".join("" if n == 1 and t < 5 else str(n * 100 + t % 7) for t in range(80)) for n in range(3)
    ]
    (tmp_path / "wide.csv").write_text("Page," + ",".join(days) + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"^wide\.csv has times in its header \(2015-07-01 to 2015-09-18\)") as told:
        open_data("wide.csv", data_config(), task=task)
    command = re.search(r"pandas\.(.*)$", str(told.value))
    assert command is not None
    eval(command[0].removeprefix("pandas: "), {"pandas": pd})  # noqa: S307
    long = pd.read_csv("long.csv")
    assert list(long.columns) == ["unique_id", "ds", "y"]
    assert len(long) == 3 * 80 - 5
    found = open_data("long.csv", data_config(), task=task)
    assert found.suggestion == "forecasting" or found.schema.target.kind == "series"


def test_ordinary_tables_ask_for_a_target(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,2019,2020\n" + "".join(f"a{n},{n},{n % 7}\n" for n in range(30)))
    with pytest.raises(DataError, match="which column is the target"):
        open_data(tmp_path / "a.csv", data_config())
