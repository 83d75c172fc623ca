import json
from pathlib import Path
from typing import Any

import pytest
from sample_questions import content, with_answers, write

from sonde.core.errors import DataError
from sonde.modalities.text.questions import looks_like_squad, read_questions


def test_every_question_has_its_paragraph_and_its_answers(tmp_path: Path) -> None:
    given = content(3)
    found = read_questions(write(tmp_path / "q.json", given), skip=False)
    assert len(found.paragraphs) == 9
    assert found.articles == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    entries = [(p["context"], qa) for article in given["data"] for p in article["paragraphs"] for qa in p["qas"]]
    for question, (context, entry) in zip(found.questions, entries, strict=True):
        assert question.text == entry["question"]
        assert found.paragraphs[question.paragraph] == context
        answer = question.answers[0]
        assert context[answer.begin : answer.end] == answer.text == entry["answers"][0]["text"]
        assert question.name.endswith(f"question {entry['id']}")
    assert found.warnings() == []


def test_a_file_of_squad_is_told_by_its_beginning(tmp_path: Path) -> None:
    assert looks_like_squad(write(tmp_path / "q.json", content(1)))
    assert not looks_like_squad(write(tmp_path / "coco.json", {"images": [], "annotations": []}))
    assert not looks_like_squad(tmp_path / "none.json")
    (tmp_path / "q.txt").write_text('{"data": [{"paragraphs": []}]}', encoding="utf-8")
    assert not looks_like_squad(tmp_path / "q.txt")


def test_an_answer_that_is_not_where_it_should_be_is_named_or_counted(tmp_path: Path) -> None:
    given = with_answers(content(2), [{"text": "nowhere", "answer_start": 5}])
    path = write(tmp_path / "q.json", given)
    with pytest.raises(
        DataError,
        match=r"^q.json: Article_0, question Article_0-0-0: answer 'nowhere' is not at character 5 of its context; "
        "fix answer_start, or skip such questions with --skip-unreadable",
    ):
        read_questions(path, skip=False)
    found = read_questions(path, skip=True)
    assert len(found.questions) == 17
    assert found.warnings() == [
        "1 questions whose answer is not at answer_start were skipped, such as q.json: Article_0, question "
        "Article_0-0-0"
    ]


def test_a_right_answer_among_wrong_ones_is_enough_to_go_on(tmp_path: Path) -> None:
    given = content(2)
    right = given["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]
    path = write(tmp_path / "q.json", with_answers(given, [{"text": "nowhere", "answer_start": 5}, right]))
    found = read_questions(path, skip=True)
    assert [answer.text for answer in found.questions[0].answers] == [right["text"]]


def test_questions_without_an_answer_are_kept_unless_the_model_always_answers(tmp_path: Path) -> None:
    given = content(2)
    qas = given["data"][0]["paragraphs"][0]["qas"]
    qas[0] |= {"is_impossible": True, "answers": []}
    file = write(tmp_path / "q.json", given)
    found = read_questions(file, skip=False)
    assert [question.answers == () for question in found.questions] == [True] + 17 * [False]
    assert found.warnings() == []
    without = read_questions(file, skip=False, unanswerable=False)
    assert len(without.questions) == 17
    assert without.warnings()[0].startswith("1 questions without an answer in their context (SQuAD 2.0) were skipped")
    assert len(read_questions(file, skip=False, answered=False).questions) == 18  # predict answers each of them


def test_an_empty_list_of_answers_that_nothing_explains_is_said(tmp_path: Path) -> None:
    given = content(2)
    given["data"][0]["paragraphs"][0]["qas"][1]["answers"] = []
    found = read_questions(write(tmp_path / "q.json", given), skip=False)
    assert found.unanswerable() == 1
    assert found.warnings()[0].startswith("1 questions have an empty list of answers and are learned as unanswerable")


BROKEN: list[tuple[Any, str]] = [
    (
        {"data": [{"title": "A", "paragraphs": [{"context": "x"}]}]},
        r'q.json: A has no list "qas"; SQuAD\'s files hold data',
    ),
    (
        {"data": [{"title": "A", "paragraphs": [{"qas": []}]}]},
        'q.json: A has a paragraph or question without "context"',
    ),
    ({"data": [{"title": "A"}]}, 'q.json: A has no list "paragraphs"'),
    ({"data": {"title": "A"}}, 'q.json has no list "data"'),
    (
        {"data": [{"paragraphs": [{"context": "x", "qas": [{"id": 1, "question": "x?"}]}]}]},
        'question 1 has no list "answers"',
    ),
    (
        {"data": [{"paragraphs": [{"context": "x", "qas": [{"id": 1, "question": "x?", "answers": []}]}]}]},
        "q.json has no question with an answer",
    ),
    (
        {"data": [{"paragraphs": [{"context": "x", "qas": [{"question": "x?", "answers": [{"text": "x"}]}]}]}]},
        "q.json: article 0, question 0: an answer needs text and answer_start",
    ),
    ({"data": []}, "q.json has no question with an answer"),
]


@pytest.mark.parametrize(("given", "message"), BROKEN)
def test_what_is_missing_is_named(given: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_questions(write(tmp_path / "q.json", given), skip=False)


def test_what_is_no_json_or_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    path.write_text('{"data": [\n{"title": }', encoding="utf-8")
    with pytest.raises(DataError, match=r"q.json is not valid JSON: line 2, Expecting value; download it again"):
        read_questions(path, skip=False)
    path.write_bytes(json.dumps({"data": []}).encode() + b"\xff")
    with pytest.raises(DataError, match="q.json is not UTF-8 at byte 12; save it as UTF-8"):
        read_questions(path, skip=False)


@pytest.mark.parametrize(
    ("given", "begin", "warning"),
    [
        ({"text": "Paris", "answer_start": "11"}, 11, ""),
        ({"text": "Paris", "answer_start": -1}, 11, "1 answers have no answer_start and were found by their text"),
        (
            {"text": "i", "answer_start": -1},
            1,
            "1 answers have no answer_start and occur in their context several times",
        ),
        ({"text": "Paris", "answer_start": 12}, 11, "1 answers have answer_start in UTF-16 units, which was converted"),
    ],
)
def test_answers_are_found_where_tools_count_otherwise(
    tmp_path: Path, given: dict[str, Any], begin: int, warning: str
) -> None:
    context = "Wit \U0001f5fc says Paris, again." if given["answer_start"] == 12 else "A bit says Paris, again."
    begin = context.index(given["text"]) if given["text"] == "i" else begin
    qas = [{"id": "a", "question": "Which?", "answers": [given]}, {"id": "b", "question": "None?", "answers": []}]
    content = {"data": [{"title": "T", "paragraphs": [{"context": context, "qas": qas}]}]}
    (tmp_path / "q.json").write_text(json.dumps(content), encoding="utf-8")
    found = read_questions(tmp_path / "q.json", skip=False)
    assert [(answer.text, answer.begin) for answer in found.questions[0].answers] == [(given["text"], begin)]
    assert found.unanswerable() == 1
    assert warning in " ".join(found.warnings())
    both = {"text": [given["text"]], "answer_start": [given["answer_start"]]}  # as Hugging Face's sets have them
    qas[0]["answers"] = both
    (tmp_path / "q.json").write_text(json.dumps(content), encoding="utf-8")
    assert read_questions(tmp_path / "q.json", skip=False).questions == found.questions


def test_an_answer_without_a_place_that_is_not_there_is_an_error_or_skipped(tmp_path: Path) -> None:
    qas = [
        {"id": n, "question": "Which?", "answers": [{"text": text, "answer_start": -1}]} for n, text in enumerate("ax")
    ]
    content = {"data": [{"title": "T", "paragraphs": [{"context": "a b", "qas": qas}]}]}
    (tmp_path / "q.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match="question 1: answer 'x' is not in its context; fix answer_start, or skip such"):
        read_questions(tmp_path / "q.json", skip=False)
    assert len(read_questions(tmp_path / "q.json", skip=True).questions) == 1
