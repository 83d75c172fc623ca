"""Records are frozen numbers that anyone may read, without torch."""

import dataclasses
from typing import Any

import pytest
import torch

from sonde.core.findings import Finding
from sonde.core.records import EvaluationRecord, EventRecord, StepRecord

STEP = StepRecord(3, 0, 64, {"model/loss": torch.tensor(0.5)}, {"model": torch.tensor(2.0)}, 0.1)
OTHERS = [EvaluationRecord(3, 0, "validation", {"a": 1.0}, 0.2), EventRecord(3, "resumed")]


@pytest.mark.parametrize("record", [STEP, *OTHERS])
def test_nobody_changes_what_happened(record: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.step = 4
    with pytest.raises((AttributeError, TypeError)):
        record.note = "mine"  # no bag for observers to talk through


def test_a_device_scalar_becomes_a_number_when_it_is_read() -> None:
    assert STEP.number("model/loss") == 0.5
    assert isinstance(STEP.number("model/loss"), float)
    with pytest.raises(KeyError):
        STEP.number("loss")


def test_a_finding_as_it_stands_in_its_file() -> None:
    finding = Finding(check="dropout", severity="note", evidence="3 layers", action="expected", step=7)
    assert finding.as_dict() == {
        "check": "dropout",
        "severity": "note",
        "evidence": "3 layers",
        "action": "expected",
        "step": 7,
        "where": "",
        "certainty": "certain",
        "name": "",
    }
