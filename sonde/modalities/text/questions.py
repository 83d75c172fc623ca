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
    """One question.

    paragraph: its place among the paragraphs;  answers: the first is trained on; none where the paragraph does not answer it
    """

    name: str
    text: str
    paragraph: int
    answers: tuple[Answer, ...]


@dataclass(kw_only=True)
class Questions:
    """What one or several files hold.

    articles: of each paragraph the number of its article
    left_out, moved: why -> questions that are not there, and whose answer stands elsewhere than the file says
    unflagged: questions that are learnt as unanswerable since they have no answer, though nothing says that they are
    """

    paragraphs: list[str] = field(default_factory=list)
    articles: list[int] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    moved: dict[str, list[str]] = field(default_factory=dict)
    unflagged: list[str] = field(default_factory=list)

    def unanswerable(self) -> int:
        """How many questions their paragraphs do not answer."""
        return sum(not question.answers for question in self.questions)

    def warnings(self) -> list[str]:
        """What was left out or read otherwise, counted."""
        skipped = [
            f"{len(names):,} questions {why} were skipped, such as {', '.join(names[:NAMED])}"
            for why, names in self.left_out.items()
        ]
        moved = [
            f"{len(names):,} answers {why}, such as of {', '.join(names[:NAMED])}" for why, names in self.moved.items()
        ]
        empty = [
            f"{len(self.unflagged):,} questions have an empty list of answers and are learned as unanswerable (SQuAD "
            f"2.0), such as {', '.join(self.unflagged[:NAMED])}"
        ]
        return [*skipped, *moved, *(empty if self.unflagged else [])]


def looks_like_squad(path: Path) -> bool:
    """Whether a JSON file begins as SQuAD's do; only its beginning is read."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    return head.lstrip().startswith(b"{") and b'"data"' in head and (b'"paragraphs"' in head or b'"title"' in head)


def read_questions(path: Path, *, skip: bool, answered: bool = True, unanswerable: bool = True) -> Questions:
    """All questions of a file.

    skip:         leave out questions whose answer is not at answer_start, counting them
    answered:     questions need answers, or must be unanswerable; else what they have of them is not looked at
    unanswerable: those that their paragraph does not answer (SQuAD 2.0) are kept; else they are left out and counted
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
                _add(found, entry, context, place, skip=skip, answered=answered, unanswerable=unanswerable)
    if not any(question.answers or not answered for question in found.questions):
        raise DataError(f"{path} has no question with an answer; each needs answers with text and answer_start")
    return found


def _add(
    found: Questions, entry: Any, context: str, place: str, *, skip: bool, answered: bool, unanswerable: bool
) -> None:
    text = _text(entry, "question", place).strip()
    name = f"{place}, question {entry.get('id', len(found.questions))}"
    given = _given_answers(entry, name, answered=answered)
    if answered and (entry.get("is_impossible") or not given):
        add_unanswerable(found, text, name=name, kept=unanswerable, flagged=bool(entry.get("is_impossible")))
        return
    add_question(found, text, given, name=name, context=context, skip=skip, answered=answered)


def add_unanswerable(
    found: Questions, text: str, *, name: str, paragraph: int | None = None, kept: bool, flagged: bool
) -> None:
    """One more question that its paragraph, by default the last, does not answer.

    kept: else it is left out and counted, for models that always answer;  flagged: whether the file says so
    """
    if not kept:
        found.left_out.setdefault("without an answer in their context (SQuAD 2.0)", []).append(name)
        return
    place = len(found.paragraphs) - 1 if paragraph is None else paragraph
    found.questions.append(Question(name=name, text=text, paragraph=place, answers=()))
    if not flagged:
        found.unflagged.append(name)


def add_question(
    found: Questions,
    text: str,
    given: Sequence[tuple[str, int | None]],
    *,
    name: str,
    context: str,
    paragraph: int | None = None,
    skip: bool,
    answered: bool = True,
) -> None:
    """One more question about a paragraph, by default the last, unless its answers cannot be used and such are skipped.

    given: of each answer its text, and the character of `context` it begins at, None where that is not known
    Raises: DataError
    """
    answers, wrong = [], ""
    for words, begin in given:
        answer, moved = _located(words, begin, context)
        if answer is None:
            where = (
                "is not in its context" if begin is None or begin < 0 else f"is not at character {begin} of its context"
            )
            wrong = f"answer {words!r} {where}"
        elif answer.text.strip():
            answers.append(answer)
            if moved:
                found.moved.setdefault(moved, []).append(name)
    if wrong and not skip:
        raise DataError(f"{name}: {wrong}; fix answer_start, or skip such questions with --skip-unreadable")
    if wrong and not answers:
        found.left_out.setdefault("whose answer is not at answer_start", []).append(name)
        return
    if answered and not answers:
        raise DataError(f"{name} has no answer; add one with text and answer_start, or remove the question")
    place = len(found.paragraphs) - 1 if paragraph is None else paragraph
    question = Question(name=name, text=text, paragraph=place, answers=tuple(answers))
    found.questions.append(question)


def _located(text: str, begin: int | None, context: str) -> tuple[Answer | None, str]:
    """An answer at its place, and how that was found where the file does not say; None where it is not there.

    Places are characters; tools that are written in JavaScript or Java count UTF-16's units, two of an emoji.
    """
    if begin is None or begin < 0:
        first = context.find(text)
        if first < 0:
            return None, ""
        if context.count(text) > 1:
            return Answer(
                text, first
            ), "have no answer_start and occur in their context several times; the first was taken"
        return Answer(text, first), "have no answer_start and were found by their text" if begin is not None else ""
    if context[begin : begin + len(text)] == text:
        return Answer(text, begin), ""
    units = len(context.encode("utf-16-le")[: 2 * begin].decode("utf-16-le", errors="ignore"))
    if units != begin and context[units : units + len(text)] == text:
        return Answer(text, units), "have answer_start in UTF-16 units, which was converted"
    return None, ""


def _given_answers(entry: Mapping[str, Any], name: str, *, answered: bool) -> list[tuple[str, int | None]]:
    """Texts and places of a question's answers: a list of both, or of Hugging Face's a dict of two lists. Raises: DataError"""
    if isinstance(both := entry.get("answers"), Mapping):
        return answers_of(both, name)
    found = _list(entry, "answers", name) if answered or "answers" in entry else []
    return [pair for given in found for pair in answers_of(given, name)]


def answers_of(given: Any, name: str) -> list[tuple[str, int | None]]:
    """(text, place) of {"text": …, "answer_start": …}, whose two may be lists; places may be in quotes. Raises: DataError"""
    texts, begins = (given.get("text"), given.get("answer_start")) if isinstance(given, Mapping) else (None, None)
    pairs = (
        zip(texts, begins, strict=False) if isinstance(texts, list) and isinstance(begins, list) else [(texts, begins)]
    )
    found: list[tuple[str, int | None]] = []
    for text, begin in pairs:
        if isinstance(begin, str) and begin.strip().lstrip("-").isdecimal():
            begin = int(begin)
        if not isinstance(text, str) or not isinstance(begin, int) or isinstance(begin, bool):
            raise DataError(f"{name}: an answer needs text and answer_start, the character of the context it begins at")
        found.append((text, begin))
    return found


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
