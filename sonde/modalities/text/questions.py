"""Questions about paragraphs in SQuAD's JSON: read, checked, and counted where their answers cannot be used."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sonde.core.errors import DataError
from sonde.core.files import parsed_json

NAMED = 3  # questions in a warning


@dataclass(frozen=True)
class Answer:
    """A true answer: its text, and the character of the paragraph it begins at."""

    text: str
    begin: int

    @property
    def end(self) -> int:
        """The character behind its last."""
        return self.begin + len(self.text)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question. paragraph: its place among the paragraphs;  answers: at least one, the first is trained on"""

    name: str
    text: str
    paragraph: int
    answers: tuple[Answer, ...]


@dataclass(kw_only=True)
class Questions:
    """What one or several files hold. articles: of each paragraph the number of its article;  left_out: why -> questions"""

    paragraphs: list[str] = field(default_factory=list)
    articles: list[int] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """What was left out, counted."""
        return [
            f"{len(names):,} questions {why} were skipped, such as {', '.join(names[:NAMED])}"
            for why, names in self.left_out.items()
        ]


def looks_like_squad(path: Path) -> bool:
    """Whether a JSON file begins as SQuAD's do; only its beginning is read."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    return head.lstrip().startswith(b"{") and b'"data"' in head and (b'"paragraphs"' in head or b'"title"' in head)


def read_questions(path: Path, *, skip: bool, answered: bool = True) -> Questions:
    """All questions of a file.

    skip:     leave out questions whose answer is not at answer_start, counting them
    answered: questions need answers; those of SQuAD 2.0 that have none are left out and counted
    Raises: DataError naming the file, the article and the question
    """
    content = _load(path)
    found = Questions()
    for number, article in enumerate(_list(content, "data", path.name)):
        title = str(article.get("title") or f"article {number}") if isinstance(article, Mapping) else ""
        for paragraph in _list(article, "paragraphs", f"{path.name}: {title or f'article {number}'}"):
            place = f"{path.name}: {title or f'article {number}'}"
            context = _text(paragraph, "context", place)
            found.paragraphs.append(context)
            found.articles.append(number)
            for entry in _list(paragraph, "qas", place):
                _add(found, entry, context, place, skip=skip, answered=answered)
    if not found.questions:
        raise DataError(f"{path} has no question with an answer; each needs answers with text and answer_start")
    return found


def _add(found: Questions, entry: Any, context: str, place: str, *, skip: bool, answered: bool) -> None:
    text = _text(entry, "question", place).strip()
    name = f"{place}, question {entry.get('id', len(found.questions))}"
    if entry.get("is_impossible"):
        found.left_out.setdefault("without an answer in their context (SQuAD 2.0)", []).append(name)
        return
    answers, wrong = [], ""
    for given in _list(entry, "answers", name) if answered or "answers" in entry else []:
        answer = _answer(given, name)
        if context[answer.begin : answer.end] != answer.text:
            wrong = f"answer {answer.text!r} is not at character {answer.begin} of its context"
        elif answer.text.strip():
            answers.append(answer)
    if wrong and not skip:
        raise DataError(f"{name}: {wrong}; fix answer_start, or skip such questions with --skip-unreadable")
    if wrong and not answers:
        found.left_out.setdefault("whose answer is not at answer_start", []).append(name)
        return
    if answered and not answers:
        raise DataError(f"{name} has no answer; add one with text and answer_start, or remove the question")
    question = Question(name=name, text=text, paragraph=len(found.paragraphs) - 1, answers=tuple(answers))
    found.questions.append(question)


def _answer(given: Any, name: str) -> Answer:
    begin = given.get("answer_start") if isinstance(given, Mapping) else None
    if not isinstance(begin, int) or isinstance(begin, bool) or begin < 0 or not isinstance(given.get("text"), str):
        raise DataError(f"{name}: an answer needs text and answer_start, the character of the context it begins at")
    return Answer(given["text"], begin)


def _load(path: Path) -> Any:
    try:
        return parsed_json(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not valid JSON: line {error.lineno}, {error.msg}; download it again") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start:,}; save it as UTF-8") from None


def _list(given: Any, name: str, place: str) -> Sequence[Any]:
    found = given.get(name) if isinstance(given, Mapping) else None
    if not isinstance(found, list):
        raise DataError(f'{place} has no list "{name}"; SQuAD\'s files hold data > paragraphs > qas > answers')
    return found


def _text(given: Any, name: str, place: str) -> str:
    found = given.get(name) if isinstance(given, Mapping) else None
    if not isinstance(found, str) or not found.strip():
        raise DataError(f'{place} has a paragraph or question without "{name}"; SQuAD\'s files give each one')
    return found
