"""Tables of questions, each with its context and its answer: which columns are what, and their rows as questions."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sonde.core.errors import DataError
from sonde.core.files import parsed_json
from sonde.modalities.table.read import Table
from sonde.modalities.text.columns import is_text_column, looked_at
from sonde.modalities.text.questions import Questions, add_question, add_unanswerable, answers_of

CONTEXTS = ("context", "passage", "paragraph")
ANSWERS = ("answers", "answer", "answer_text")
STARTS = ("answer_start", "start", "answer_start_index")
FLAGS = ("is_impossible", "is_unanswerable")  # of SQuAD 2.0
YES = ("true", "1", "1.0", "yes")
TITLES = ("title", "article", "document", "doc_id")
INSIDE = 0.5  # share of answers that stand in their context, from which on they are spans of it
LOOKED_AT = 200  # rows


@dataclass(frozen=True, kw_only=True)
class QuestionColumns:
    """What a table's columns hold. start, title, flag (whether a question has no answer): "" where there is none"""

    context: str
    question: str
    answer: str
    start: str = ""
    title: str = ""
    flag: str = ""


def find_questions(table: Table) -> QuestionColumns | None:
    """The columns by their names; None where one is absent, or answers are no spans of their contexts."""
    context, question = _named(table, CONTEXTS), _named(table, ("question",))
    answer = _named(table, ANSWERS)
    if not (context and question and answer and is_text_column(table, context) and is_text_column(table, question)):
        return None
    start, title, flag = (_named(table, names) for names in (STARTS, TITLES, FLAGS))
    found = QuestionColumns(context=context, question=question, answer=answer, start=start, title=title, flag=flag)
    return found if _are_spans(table, found) else None


def questions_of(
    table: Table, columns: QuestionColumns, *, skip: bool, answered: bool = True, unanswerable: bool = True
) -> Questions:
    """Rows as questions; rows of one context share it, and those of one title, or context where there is none, are an article.

    skip:         leave out questions whose answer is not in their context, counting them
    answered:     questions need answers, or must be unanswerable: an empty list of answers or a flag says so; those with an
                  empty cell are left out and counted
    unanswerable: those that their context does not answer (SQuAD 2.0) are kept; else they are left out and counted
    Raises: DataError naming the row
    """
    found, articles, places = Questions(), dict[str, int](), dict[str, int]()
    names = [name for name in vars(columns).values() if name]
    for row, cells in enumerate(_rows(table, names)):
        place = table.place(row)
        context, text = str(cells.get(columns.context) or ""), str(cells.get(columns.question) or "").strip()
        if not context.strip() or not text:
            raise DataError(
                f"{place} has no {columns.question if context.strip() else columns.context}; fill it in or remove the row"
            )
        given = (
            _answers(cells.get(columns.answer), cells.get(columns.start), place)
            if columns.answer in table.columns
            else []
        )
        flagged = str(cells.get(columns.flag) or "").strip().lower() in YES
        if answered and not given and not flagged and _is_blank(cells.get(columns.answer)):
            why = "without an answer" if columns.flag else "without an answer and without a column is_impossible"
            found.left_out.setdefault(why, []).append(place)
            continue
        article = articles.setdefault(str(cells.get(columns.title) or context), len(articles))
        if context not in places:
            places[context] = len(found.paragraphs)
            found.paragraphs.append(context)
            found.articles.append(article)
        if answered and (flagged or not given):
            add_unanswerable(found, text, name=place, paragraph=places[context], kept=unanswerable, flagged=flagged)
            continue
        add_question(
            found, text, given, name=place, context=context, paragraph=places[context], skip=skip, answered=answered
        )
    if not any(question.answers or not answered for question in found.questions):
        raise DataError(f"{table.name} has no question whose answer occurs in its context; check the columns")
    return found


def _named(table: Table, names: tuple[str, ...]) -> str:
    lower = {column.strip().lower(): column for column in table.columns}
    return next((lower[name] for name in names if name in lower), "")


def _are_spans(table: Table, columns: QuestionColumns) -> bool:
    if not looked_at(table, columns.context):
        return False
    there = inside = 0
    for cells in _rows(table, [columns.context, columns.answer], LOOKED_AT):
        try:
            given = _answers(cells[columns.answer], None, "")
        except DataError:
            return False
        there += bool(given)
        inside += any(text.strip() and text in str(cells[columns.context]) for text, _ in given)
    return inside > 0 and inside >= INSIDE * there


def _rows(table: Table, names: list[str], most: int | None = None) -> list[dict[str, Any]]:
    held = {
        name: table.columns[name].slice(0, most).to_pylist() for name in dict.fromkeys(names) if name in table.columns
    }
    return [dict(zip(held, cells, strict=True)) for cells in zip(*held.values(), strict=True)]


def _is_blank(cell: Any) -> bool:
    """Whether nothing stands in a cell of answers; an empty list of them is something."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _answers(cell: Any, start: Any, place: str) -> list[tuple[str, int | None]]:
    """Texts and places of a cell: a text, a list of texts, or what Hugging Face's sets have, which CSV files hold as text."""
    if isinstance(cell, str) and cell.strip().startswith(("{", "[")) and cell.strip().endswith(("}", "]")):
        cell = _decoded(cell.strip())
    if isinstance(cell, Mapping):
        return answers_of(cell, place)
    if isinstance(cell, list):
        if all(isinstance(one, Mapping) for one in cell):
            return [pair for one in cell for pair in answers_of(one, place)]
        return [(str(one), None) for one in cell if str(one).strip()]
    if cell is None or not str(cell).strip():
        return []
    begin = str(start).strip().removesuffix(".0") if start is not None else ""
    return [(str(cell), int(begin) if begin.lstrip("-").isdecimal() else None)]


def _decoded(text: str) -> Any:
    """What JSON, or the text that Python prints of a dict, means; the text itself where it is neither."""
    try:
        return parsed_json(text)
    except ValueError:
        pass_on = text.replace("array(", "(").replace(", dtype=object)", ")").replace(", dtype=int32)", ")")
    try:
        return ast.literal_eval(pass_on)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
