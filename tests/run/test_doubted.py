import json
from pathlib import Path
from typing import Any

from sonde.run.doubted import doubt

FOUND = {"name": "worse-than-baseline", "check": "worse than the baseline", "evidence": "loss is 9", "action": ""}


def folder(place: Path, *, agreed: float = 0.9, step: int = 30, **finding: Any) -> Path:
    (place / "evaluation").mkdir(parents=True)
    files = {
        "result.json": {"best": {"step": 30}, "metrics": {}},
        "schema.json": {"target": {"kind": "class", "names": list("0123456789")}, "input": {"kind": "image"}},
        "config.yaml": {"task": "flow-matching", "data": "digits"},
        "evaluation/sample_quality.json": {
            "step": step,
            "measures": [
                {"name": "class_agreement", "value": agreed, "real": 0.99, "interval": [agreed - 0.03, agreed + 0.03]}
            ],
        },
    }
    for name, content in files.items():
        (place / name).write_text(json.dumps(content))
    (place / "findings.jsonl").write_text("".join(json.dumps({**FOUND, **each}) + "\n" for each in [finding] if each))
    return place


def test_samples_that_a_judge_or_the_checks_found_worthless_are_doubted(tmp_path: Path) -> None:
    assert doubt(folder(tmp_path / "well")) == ""
    chance = folder(tmp_path / "chance", agreed=0.1)
    assert doubt(chance) == f"{chance}: the class of its samples is no better than chance, as its judge measured"
    assert doubt(folder(tmp_path / "earlier", agreed=0.1, step=10)) == ""  # of another checkpoint
    worse = folder(tmp_path / "worse", severity="warning")
    assert doubt(worse) == f"{worse} is worse than its baseline: loss is 9"
    assert doubt(folder(tmp_path / "silenced", severity="note")) == ""
