"""Run folders that an earlier version wrote are still read: they predict, are judged, reported and trained further as before.

tests/old_runs/README.md says how they came to be. What they must answer stands beside each in expected.json.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sonde

OLD = Path(__file__).parent / "old_runs"
# what is 1e-6 off is another answer; numbers that are larger than 1 have fp32's digits only
HELD_OUT = ("digits", "language", "forecasting")  # of their own data earlier versions judged all rows
CLOSE = {"rel": 1e-5, "abs": 1e-6}
# some further steps on another processor drift apart a little, and much further where optimiser or random streams were lost
TRAINED = {"rel": 1e-3, "abs": 1e-4}


def digits() -> Any:
    from sklearn.datasets import load_digits

    return np.asarray(load_digits(return_X_y=True)[0])[:5].reshape(5, 8, 8)


# run -> what it is asked, what it was trained on, and the splits that this brings, whose scores result.json holds
ASKED: dict[str, tuple[Callable[[], Any], str, tuple[str, ...]]] = {
    "digits": (digits, "digits", ()),
    "table": (lambda: "orders/test.csv", "orders", ("validation", "test")),
    "texts": (lambda: ["a lovely hill", "dreadful bread and tea", "the boat"], "notes", ("validation", "test")),
    "language": (lambda: ["a boat we", "apples throu"], "verse.txt", ()),
    "forecasting": (lambda: "load.csv", "load.csv", ()),
    "segmentation": (lambda: "discs/images/12.png", "discs", ("validation",)),
}
FURTHER = 5  # steps


@pytest.fixture(params=list(ASKED))
def name(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a run whose folder, data beside it, was copied to where the test stands: it holds no absolute path."""
    shutil.copytree(OLD / request.param, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    return request.param


def plain(value: Any) -> Any:
    """An answer in JSON's types; a mask as a line of digits for each row of pixels."""
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return ["".join(map(str, row)) for row in value.tolist()]
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


RENAMED = {"coverage": "coverage_80"}  # since its name says which interval it is of


def near(value: Any, *, rel: float, abs: float) -> Any:
    """Something equal to `value` but for the last digits of its numbers, however deep they lie."""
    if isinstance(value, dict):
        return {key: near(part, rel=rel, abs=abs) for key, part in value.items()}
    if isinstance(value, list):
        return [near(part, rel=rel, abs=abs) for part in value]
    return pytest.approx(value, rel=rel, abs=abs) if isinstance(value, float) else value


def of_before(found: Any, before: Any) -> Any:
    """What stands in `before` as well: metrics that came later are looked past, and those that are called otherwise now stand by
    the name that they had."""
    if isinstance(found, dict) and isinstance(before, dict):
        named = {key: found[now] for key, now in RENAMED.items() if key in before and now in found} | found
        return {key: of_before(named[key], before[key]) for key in named if key in before}
    return found


def answers(name: str) -> dict[str, Any]:
    """What the run in ./run says now, in the layout of expected.json."""
    ask, data, _ = ASKED[name]
    run = sonde.load("run")
    found: dict[str, Any] = {"predictions": plain(run.predict(ask())), "scores": run.evaluate(data)}
    if name == "language":
        found["text"] = run.generate("a boat", tokens=24, seed=3)
    return found


def further(name: str) -> dict[str, Any]:
    """What comes of the run in ./run with some more steps."""
    run = sonde.resume("run", steps=sonde.load("run").result["steps"] + FURTHER, quiet=True)
    return {"steps": run.result["steps"], "metrics": run.result["metrics"]}


def expected() -> dict[str, Any]:
    return json.loads(Path("expected.json").read_text(encoding="utf-8"))


def test_it_predicts_and_is_judged_as_before(name: str) -> None:
    before = expected()
    del before["further"]
    run, (_, data, splits) = sonde.load("run"), ASKED[name]
    if name in HELD_OUT:
        before["scores"] = run.metrics
    assert of_before(answers(name), before) == near(before, **CLOSE)
    for split in splits:
        known = run.result["metrics"][split]
        assert of_before(run.evaluate(data, split=split), known) == near(known, **CLOSE)


def test_its_report_is_written(name: str) -> None:
    page = sonde.load("run").report().read_text(encoding="utf-8")
    result = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
    assert result["model"] in page
    assert "<svg" in page


def test_it_is_trained_further_as_before(name: str) -> None:
    before = expected()["further"]
    assert of_before(further(name), before) == near(before, **TRAINED)
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "step"][-1] == before["steps"]
    assert Path("run/report.html").exists()
