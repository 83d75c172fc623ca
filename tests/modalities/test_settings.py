"""Settings of all kinds of data together: one flag a name, and refused where the data are of another kind."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sonde.core.config import DataConfig, flat
from sonde.core.errors import ConfigError, DataError
from sonde.core.value_types import annotations
from sonde.modalities.catalogue import modalities
from sonde.modalities.image.config import ImageConfig
from sonde.modalities.open import open_data
from sonde.modalities.settings import built, data_config, groups, leaves
from sonde.modalities.table.config import TableConfig
from sonde.modalities.text.config import TextConfig


def test_every_setting_has_one_place_and_explains_itself() -> None:
    names = [name for kind in groups().values() for name in annotations(kind)]
    assert len(names) == len(set(names)) == len(leaves())
    for one in modalities():
        if one.config is not None:
            source = inspect.getsource(one.config)
            for entry in dataclasses.fields(one.config):
                line = source.index(f"    {entry.name}: ")
                assert source[source.index("\n", line) + 1 :].startswith('    """'), entry.name


def test_what_a_kind_reads_beside_its_own_settings_is_a_setting() -> None:
    assert {name for one in modalities() for name in one.reads} <= leaves().keys()


def test_general_settings_know_none_of_a_kind_of_data() -> None:
    assert list(annotations(DataConfig)) == [
        "validation", "test", "skip_unreadable", "label_fraction", "overfit_batches", "folds", "fold",
    ]  # fmt: skip


def test_settings_of_a_kind_are_those_given_or_the_defaults() -> None:
    config = data_config({"image_size": 32, "target": ["a"], "validation": 0.2})
    assert (config.validation, config.of(ImageConfig).image_size, config.of(TableConfig).target) == (0.2, 32, ("a",))
    assert DataConfig().of(ImageConfig) == ImageConfig()
    again = config.having(TableConfig(target=("b",)))
    assert (again.of(TableConfig).target, again.of(ImageConfig).image_size) == (("b",), 32)


def test_all_settings_are_written_down_and_read_back() -> None:
    config = data_config({"max_tokens": 7})
    values = flat(config)
    assert values.keys() == {
        name for kind in (DataConfig, *(o.config for o in modalities() if o.config)) for name in annotations(kind)
    }
    assert built(values)["data"] == config


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image_size", 0, "--image-size must be at least 1, got 0"),
        ("horizon", 0, "--horizon must be at least 1, got 0"),
        ("max_tokens", -1, "--max-tokens must be at least 0, got -1"),
        ("split_at", ("5",), "--split-at takes two places or three, got 1"),
    ],
)
def test_a_value_out_of_range_names_its_flag(name: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        data_config({name: value})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 32}, "holds no images; leave --image-size out"),
        ({"max_tokens": 8}, "holds no text to tokenize; leave --max-tokens out"),
        ({"source_language": "en"}, "holds no text to tokenize; leave --source-language out"),
        ({"horizon": 3}, "was not read as a time series; use --task forecasting, or leave --horizon out"),
        ({"labels": "{label}"}, "was not read as recordings; leave --labels out"),
    ],
)
def test_a_setting_of_another_kind_of_data_is_refused(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("width,kind\n" + "".join(f"{n * 1.5},{'ab'[n % 2]}\n" for n in range(40)))
    with pytest.raises(DataError) as caught:
        open_data(table, data_config({"target": ("kind",), **settings}))
    assert str(caught.value) == f"{table} {message}"


def test_columns_are_read_by_whatever_stands_in_them() -> None:
    rows = (np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3)
    with pytest.raises(DataError, match="was not read as a table; leave --time out"):
        open_data(rows, data_config({"time": "when"}))
    assert TextConfig().max_tokens == 0
