"""Which columns tell several series of one table apart."""

from pathlib import Path

import pytest
from sample_settings import data_config

from sonde.core.errors import DataError
from sonde.modalities.open import open_data


def write(root: Path, twice: str = "") -> Path:
    """Sales a day of two items in each of two shops."""
    days = [f"2020-01-{day:02d}" for day in range(1, 31)]
    rows = [f"{day},s{shop},i{item},{n + item}" for shop in "ab" for item in (1, 2) for n, day in enumerate(days)]
    (root / "sales.csv").write_text("\n".join(["date,store,item,sales", *rows]) + "\n" + twice)
    return root / "sales.csv"


@pytest.mark.parametrize("group", ["store", "item"])
def test_half_of_what_tells_series_apart_is_to_be_left_out(tmp_path: Path, group: str) -> None:
    file = write(tmp_path)
    said = f"several rows of one '{group}' have the same 'date'; leave --group out, and 'store' and 'item' together identify"
    with pytest.raises(DataError, match=said):
        open_data(str(file), data_config(group=group), task="forecasting")
    named = open_data(str(file), data_config(target=("sales",)), task="forecasting")
    assert any("'store', 'item'" in fact.what or "'store', 'item'" in fact.why for fact in named.facts), named.facts


def test_a_row_that_stands_twice_is_named_with_its_series(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    rows = [f"2020-01-{day:02d},{shop},{day}" for shop in "ab" for day in range(1, 31)]
    file.write_text("\n".join(["date,shop,sales", *rows, "2020-01-30,b,7"]) + "\n")
    with pytest.raises(
        DataError, match=r"row 62: 'shop' is 'b' and 'date' the same as in row 61; keep one row per series"
    ):
        open_data(str(file), data_config(group="shop"), task="forecasting")
