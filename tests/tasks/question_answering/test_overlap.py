import pytest

from sonde.tasks.question_answering.overlap import answer_by_overlap

CONTEXT = (
    "The museum opened in 1921. The old bridge of Lisbon, built by Anna Weber in 1907, leads over the river. "
    "Nobody knows who paid for it."
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who built the old bridge of Lisbon?", "Anna Weber"),
        ("When was the bridge in Lisbon built?", "1907"),
        ("In what year was the museum opened?", "1921"),
    ],
)
def test_the_likely_phrase_of_the_sentence_with_most_in_common(question: str, answer: str) -> None:
    begin, end = answer_by_overlap(question, CONTEXT)
    assert answer in CONTEXT[begin:end]
    assert len(CONTEXT[begin:end]) < 40


@pytest.mark.parametrize("context", ["?", "one", "the of a.", "…", "No. 7"])
def test_any_text_has_an_answer(context: str) -> None:
    begin, end = answer_by_overlap("who", context)
    assert 0 <= begin < end <= len(context)
