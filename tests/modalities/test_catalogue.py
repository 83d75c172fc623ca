"""All kinds of data: their records are light, what they name is there, and one more is a folder and a line."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sonde.core.catalogue import _entry_points, load
from sonde.core.config import DataConfig
from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError, DataError
from sonde.modalities.catalogue import MODALITIES, check_kind, embedded, forms, modalities, modality, names
from sonde.modalities.feeding import activations_per_value, augmentation
from sonde.modalities.open import open_data
from sonde.modalities.settings import data_config, groups, leaves

FUNCTIONS = ("rows_to_predict", "augmentation", "show", "inspect", "sample", "activations_per_value")


def test_listing_kinds_loads_nothing_heavy() -> None:
    program = (
        "import sys; from sonde.modalities.settings import groups; groups(); "
        "print(sorted({'torch', 'PIL', 'pyarrow', 'rdkit', 'yaml'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("kind", MODALITIES)
def test_a_record_names_what_is_there(kind: str) -> None:
    one = modality(kind)
    assert one.kind == kind
    for field in FUNCTIONS:
        if where := getattr(one, field):
            assert where.startswith("sonde.modalities.")
            load(where)
    recipe = load(f"{one.recipe}:__dict__")
    assert {"model", "settings"} <= recipe.keys()
    for form in one.forms:
        module = load(f"{form.module}:__dict__")
        assert {"recognise", "read", *(["read_frames"] if form.frames else [])} <= module.keys()


def test_forms_are_asked_from_the_surest_down_and_none_is_as_sure_as_another() -> None:
    sure = [form.sure for form in forms()]
    assert sure == sorted(set(sure), reverse=True)
    assert all(1 <= one <= 100 for one in sure)


def test_no_name_of_a_kind_stands_for_two() -> None:
    assert len({one.noun for one in modalities()}) == len(names())
    assert embedded() == {
        "digits": "sonde.modalities.image.forms.digits:read",
        "moving-digits": "sonde.modalities.video.forms.moving_digits:read",
        "moving-digit": "sonde.modalities.video.forms.moving_digits:read_single",
    }


def test_an_unknown_kind_suggests() -> None:
    with pytest.raises(ConfigError, match="unknown kind of data 'images'; did you mean 'image'"):
        modality("images")


def test_data_of_another_kind_than_a_models_are_refused() -> None:
    like = Schema(input=InputSpec(kind="audio", shape=(9,), rate=8), target=TargetSpec(kind="class", names=("a", "b")))
    check_kind("audio", "here", like)
    check_kind("image", "here", None)
    with pytest.raises(DataError, match=r"^here holds images; the model was trained on recordings$"):
        check_kind("image", "here", like)


@pytest.mark.parametrize(
    ("kind", "shape", "target", "kept"),
    [
        ("image", (3, 8, 8), TargetSpec(kind="mask", names=("a", "b")), 32),
        ("image", (3, 8, 8), TargetSpec(kind="class", names=("a", "b")), 1),
        ("audio", (99,), TargetSpec(kind="tokens", names=(), symbols=7), 32),
        ("protein", (40,), TargetSpec(kind="distances", names=("a",)), 256 * 40),
        ("molecule", (12, 9), TargetSpec(kind="value", names=("a",)), 256 + 12),
        ("tokens", (12,), TargetSpec(kind="next", names=(), symbols=65), 65),
        ("table", (12,), TargetSpec(kind="value", names=("a",)), 1),
    ],
)
def test_what_a_network_keeps(kind: str, shape: tuple[int, ...], target: TargetSpec, kept: int) -> None:
    assert activations_per_value(Schema(input=InputSpec(kind=kind, shape=shape), target=target)) == kept


def test_what_is_changed_while_training() -> None:
    def schema(kind: str, target: str) -> Schema:
        shape = (3, 8, 8) if kind == "image" else (8,)
        return Schema(input=InputSpec(kind=kind, shape=shape), target=TargetSpec(kind=target, names=("a", "b")))

    assert augmentation(schema("table", "class"), "flip") is None
    assert augmentation(schema("image", "class"), "none") is None
    assert type(augmentation(schema("image", "class"), "flip")).__name__ == "Policy"
    assert type(augmentation(schema("image", "boxes"), "flip")).__name__ == "BoxPolicy"
    assert augmentation(schema("tokens", "next"), "auto") is not None
    assert augmentation(schema("tokens", "class"), "auto") is None
    assert augmentation(schema("audio", "class"), "auto") is None


OTHER = '''
"""Trees that are written down in files of their own."""

from dataclasses import dataclass

import numpy as np

from sonde.core.dataset import Fact, InputSpec, Schema, TargetSpec
from sonde.data.assemble import About
from sonde.data.rows import ArrayInputs, InputRows
from sonde.modalities.modality import Form, Modality


@dataclass(frozen=True, kw_only=True)
class TreeConfig:
    """How trees are read."""

    tree_depth: int = 3
    """Levels that are kept."""


def recognise(listing, wanted):
    return f"{len(listing.ending('.tree'))} trees" if listing.ending(".tree") else None


def read(listing, config, *, task=None, tick=None, like=None):
    rows = np.ones((30, config.of(TreeConfig).tree_depth), np.float32)
    target = TargetSpec(kind="value", names=("height",), mean=(0.0,), std=(1.0,))
    schema = Schema(input=InputSpec(kind="tree", shape=rows.shape[1:]), target=target)
    about = About.at(listing, form="trees", why="files", files=listing.ending(".tree"), facts=[Fact("trees", "files")])
    return about.dataset(schema, {"train": InputRows(ArrayInputs(rows, "tree"), {"target": rows[:, :1]})})


TREE = Modality(
    kind="tree",
    noun="trees",
    input_word="TREE",
    absent="holds no trees",
    rows_to_predict="forestry:rows_to_predict",
    config=TreeConfig,
    forms=(Form(name="tree files", sure=99, module="forestry", endings=(".tree",)),),
)
'''


@pytest.fixture
def forestry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package that brings a kind of data."""
    about = tmp_path / "forestry-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: forestry\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[sonde.modalities]\ntree = forestry:TREE\n")
    (tmp_path / "forestry.py").write_text(OTHER)
    monkeypatch.syspath_prepend(str(tmp_path))
    _entry_points.cache_clear()
    yield tmp_path
    _entry_points.cache_clear()
    sys.modules.pop("forestry", None)


def test_a_kind_of_data_of_another_package_joins(forestry: Path) -> None:
    (forestry / "wood").mkdir()
    (forestry / "wood" / "oak.tree").write_text("oak")
    assert names()[-1] == "tree"
    assert leaves()["tree_depth"] == "trees"
    dataset = open_data(forestry / "wood", data_config({"tree_depth": 5, "validation": 0}))
    assert (dataset.name, dataset.schema.input.kind, dataset.schema.input.shape) == ("wood", "tree", (5,))
    rows = (np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3)
    with pytest.raises(DataError, match="holds no trees; leave --tree-depth out"):
        open_data(rows, data_config({"tree_depth": 5}))
    with pytest.raises(DataError, match="wood has no columns|--time out"):
        open_data(forestry / "wood", data_config({"time": "when"}))
    assert DataConfig().given == ()


def test_a_setting_that_there_is_already_is_refused_with_both_owners(forestry: Path) -> None:
    (forestry / "forestry.py").write_text(OTHER.replace("tree_depth", "batch_size"))
    sys.modules.pop("forestry", None)
    modality.cache_clear()
    with pytest.raises(ConfigError, match="trees have a setting 'batch_size', which feed has already; rename it there"):
        groups()
    modality.cache_clear()
