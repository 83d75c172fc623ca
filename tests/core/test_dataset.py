"""The schema outlives the data: it comes back from its file as it was."""

from pathlib import Path

import pytest

from sonde.core.dataset import Column, InputSpec, Schema, TargetSpec
from sonde.core.files import read_json, write_json

COLUMNS = (
    Column(name="age", kind="number", source="age", mean=31.5, std=0.1, quantiles=(-1.0, 0.0, 1.5)),
    Column(name="age missing", kind="number", source="age", part="missing"),
    Column(name="sex", kind="category", source="sex", categories=("female", "male")),
    Column(name="born year", kind="number", source="born", part="year", date_order="dmy"),
)
SCHEMAS = {
    "table": Schema(
        input=InputSpec(kind="table", shape=(4,), columns=COLUMNS),
        target=TargetSpec(kind="value", names=("a", "b"), mean=(0.1, 2.0), std=(1 / 3, 1.0), masked=True),
    ),
    "image": Schema(
        input=InputSpec(kind="image", shape=(3, 8, 6), mean=(0.1, 0.2, 0.3), std=(0.3, 0.2, 0.1)),
        target=TargetSpec(kind="class", names=("no", "yes")),
    ),
    "array": Schema(input=InputSpec(kind="array", shape=(5,)), target=TargetSpec(kind="labels", names=("x",))),
}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_survives_its_file_to_the_last_bit(kind: str, tmp_path: Path) -> None:
    write_json(tmp_path / "schema.json", SCHEMAS[kind].as_dict())
    back = Schema.from_dict(read_json(tmp_path / "schema.json"))
    assert back == SCHEMAS[kind]
    hash(back)  # lists in place of tuples would not have one


@pytest.mark.parametrize(
    ("target", "outputs"),
    [
        (TargetSpec(kind="class", names=("no", "yes")), 1),
        (TargetSpec(kind="class", names=("a", "b", "c")), 3),
        (TargetSpec(kind="labels", names=("a", "b")), 2),
        (TargetSpec(kind="labels", names=("a",)), 1),
        (TargetSpec(kind="value", names=("y", "z")), 2),
    ],
)
def test_two_classes_need_one_logit_and_everything_else_one_a_name(target: TargetSpec, outputs: int) -> None:
    assert target.out_dim == outputs
