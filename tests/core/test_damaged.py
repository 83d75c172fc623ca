import json
from pathlib import Path

import pytest

from sonde.core.damaged import conform, read_object
from sonde.core.dataset import Column, TargetSpec
from sonde.core.errors import RunFolderError
from sonde.engine.plan import ExecutionPlan


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[1]", "a list where an object"),
        (b"{", "Expecting property name"),
        (b"\xaf{}", "can't decode byte 0xaf"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a": ' * 100_000, "nested too deep"),
        (b"9" * 5000, "4300"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(RunFolderError) as error:
        read_object(tmp_path / "plan.json", run=tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'plan.json'} is damaged (")
    assert said in str(error.value)
    assert f"sonde train --config {tmp_path} --out {tmp_path} --fresh" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"plan.json is missing; remove the rest"):
        read_object(tmp_path / "plan.json", run=tmp_path, remedy="remove the rest")


def test_values_come_back_as_their_fields_are_annotated() -> None:
    plan = ExecutionPlan(
        device="cpu", precision="fp32", threads=1, steps=None, steps_why="", lines=("a", "b"), ends={"steps": 3}
    )
    saved = json.loads(json.dumps(plan.as_dict()))
    assert ExecutionPlan(**conform(ExecutionPlan, saved, where="the plan")) == plan


@pytest.mark.parametrize(
    ("kind", "entry", "said"),
    [
        (TargetSpec, {"mean": [{"a": 1}]}, "t.mean is an object where a number was written"),
        (TargetSpec, {"mean": [float("nan")]}, "t.mean is nan where a number was written"),
        (TargetSpec, {"symbols": "\0"}, "t.symbols is text where a whole number was written"),
        (TargetSpec, {"scales": 2**63}, "t.scales is a huge number where a list was written"),
        (TargetSpec, {"masked": None}, "t.masked is null where yes or no was written"),
        (Column, {"kind": "colour"}, "t.kind is text where one of number, category, text was written"),
        (Column, [], "t is a list where an object was written"),
        (ExecutionPlan, {"ends": {"steps": "x"}}, "t.ends.steps is text where a whole number was written"),
    ],
)
def test_values_of_another_type_are_named(kind: type, entry: object, said: str) -> None:
    with pytest.raises(ValueError, match="where") as error:
        conform(kind, entry, where="t")
    assert str(error.value) == said
