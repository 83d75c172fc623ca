"""Settings by their names of earlier versions: in config files, on the command line, in Python."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sonde.core.config import leaves
from sonde.core.config_file import SavedConfig, read_config
from sonde.core.errors import ConfigError
from sonde.models.build import config_class
from sonde.models.renamed import RENAMED, refuse_old_name, with_new_names
from sonde.models.table import MODELS
from sonde.run.resolve import settled
from sonde.tasks.table import specs

OF_FAMILY = {family: [name for name, entry in MODELS.own.items() if entry.family == family] for family in RENAMED}
OLD = """\
data: digits
settings:
  task: classification
  model: compact-cnn
  epochs: 3.0
  widths: [8, 16]
  depth: 3
origin: {task: typed, model: typed, depth: typed, widths: recipe}
reasons: {depth: three are enough}
"""


@pytest.mark.parametrize("family", RENAMED)
def test_new_names_are_settings_of_every_model_of_the_family_and_old_ones_of_none(family: str) -> None:
    assert OF_FAMILY[family]
    for model in OF_FAMILY[family]:
        known = {entry.name for entry in fields(config_class(model))}
        assert set(RENAMED[family].values()) <= known
        assert not set(RENAMED[family]) & known


def test_no_old_name_is_one_of_every_run_or_of_a_task() -> None:
    taken = {leaf for leaf, _ in leaves()} | {f.name for task in specs() for f in fields(task.config)}
    assert not taken & {name for names in RENAMED.values() for name in names}


def test_a_config_file_of_an_earlier_version_gives_the_same_network(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(OLD)
    saved = with_new_names(read_config(tmp_path))
    assert saved.settings["layers"] == 3
    assert saved.overrides() == {"task": "classification", "model": "compact-cnn", "epochs": 3.0, "layers": 3}
    assert saved.reasons == {"layers": "three are enough"}
    config: Any = settled(read_config(tmp_path)).model_config
    assert (config.layers, config.widths) == (3, (8, 16))


def test_models_that_are_not_of_the_table_keep_their_settings() -> None:
    for model in ("net.py:Net", "custom", "timm:resnet18", None):
        saved = SavedConfig(data=None, settings={"model": model, "depth": 3})
        assert with_new_names(saved).settings == saved.settings


@pytest.mark.parametrize(
    ("name", "model", "message"),
    [
        ("units", "lstm", "--units is called --width now"),
        ("embedding_dim", "tabular", "--embedding-dim is called --embedding now"),
        ("channels", None, "--channels is called --width or --widths now"),
    ],
)
def test_an_old_name_is_refused_by_todays(name: str, model: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        refuse_old_name(name, model)


def test_a_name_that_was_of_another_model_is_not_taken_for_an_old_one() -> None:
    refuse_old_name("units", "compact-cnn")
    refuse_old_name("depth", "net.py:Net")
    refuse_old_name("lr", None)


def test_a_name_that_means_something_else_by_now_is_left_beside_the_new_one() -> None:
    old = SavedConfig(data=None, settings={"model": "qa-reader", "known": 900})
    assert with_new_names(old).settings == {"model": "qa-reader", "frequent_tokens": 900}
    new = SavedConfig(data=None, settings={"model": "qa-reader", "known": [], "frequent_tokens": 900})
    assert with_new_names(new).settings == new.settings
