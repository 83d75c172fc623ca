from typing import Any

import pytest

from sonde.tasks.question_answering.figures import AROUND, MOST_PASSAGES, marked, passages


def entry(**more: Any) -> dict[str, Any]:
    return {
        "question": "Who?",
        "context": "It was built by Anna Weber in 1907.",
        "truth": [16, 26],
        "found": [21, 26],
        "prediction": "Weber",
        "target": "Anna Weber",
        "f1": 0.6667,
        "row": "facts.json: A, question 1",
        **more,
    }


@pytest.mark.parametrize(
    ("truth", "found"), [((3, 6), (8, 12)), ((3, 6), (4, 5)), ((3, 6), (3, 6)), ((3, 6), (5, 9)), ((0, 0), (2, 20))]
)
def test_marks_lie_where_the_answers_are(truth: tuple[int, int], found: tuple[int, int]) -> None:
    text = "abcdefghijklmnopqrst"
    parts = marked(text, truth, found)
    assert "".join(part for part, _ in parts) == text
    for name, span in (("truth", truth), ("found", found)):
        assert "".join(part for part, mark in parts if mark in (name, "both")) == text[slice(*span)]


def test_worst_and_best_are_told() -> None:
    found = passages({"worst": [entry()], "best": [entry(question="When?", f1=1.0)]})
    assert [passage.question for passage in found] == ["Who?", "When?"]
    assert found[0].caption == "prediction: Weber; truth: Anna Weber; F1 67 %"
    assert found[0].parts == [("It was built by ", ""), ("Anna ", "truth"), ("Weber", "both"), (" in 1907.", "")]


def test_long_texts_are_shortened_and_many_left_out() -> None:
    long = "x" * 2000
    given = entry(context=long + "Anna Weber" + long, truth=[2000, 2010], found=[2005, 2010])
    found = passages({"worst": [given] * 20})
    assert len(found) == MOST_PASSAGES
    assert sum(len(part) for part, _ in found[0].parts) == 2 * (AROUND + 2) + 10


@pytest.mark.parametrize("broken", [None, [1], ["a", "b"], [90, 95], [-3, 0]])
def test_a_copied_folder_may_hold_anything(broken: Any) -> None:
    parts = passages({"worst": [entry(truth=broken)]})[0].parts
    assert not any(mark in ("truth", "both") for _, mark in parts)


def test_other_tasks_have_none() -> None:
    assert passages({"worst": [{"index": 1, "target": "a"}], "confusion": {}}) == []
