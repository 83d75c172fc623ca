from typing import Any

from sonde.tasks.translation.figures import translations

CASE: dict[str, Any] = {
    "index": 3, "row": "test.en, test.de line 4", "text": "A dog.", "target": "Ein Hund.", "prediction": "Eine Katze.",
    "bleu": 12.345, "loss": 2.0,
}  # fmt: skip
MAP = {"index": 0, "source": ["▁A", "<eos>"], "said": ["Ein", "<eos>"], "weights": [[0.8, 0.2], [0.1, 0.9]]}


def test_cases_hold_all_sides_and_maps_are_drawn() -> None:
    found = translations({"worst": [CASE], "best": [{**CASE, "bleu": 100.0}], "attention": [MAP] * 6})
    assert found is not None
    worst = found.worst[0]
    assert (worst.source, worst.truth, worst.prediction, worst.score) == ("A dog.", "Ein Hund.", "Eine Katze.", "12.3")
    assert found.best[0].score == "100"
    assert len(found.maps) == 4
    assert "Ein attends to A: 80 %" in found.maps[0].svg


def test_other_tasks_have_none() -> None:
    assert translations({"worst": [{"index": 1, "target": "cat", "prediction": "dog", "loss": 3.0}]}) is None
    assert translations({}) is None
    assert translations({"worst": []}) is None
