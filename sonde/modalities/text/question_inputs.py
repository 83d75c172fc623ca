"""What `predict` takes with a question-answering model: a SQuAD file, or questions with their contexts in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.vocabulary import read_vocabulary
from sonde.modalities.table.noted import read_noted
from sonde.modalities.table.read import Table, table_suffix
from sonde.modalities.text.forms.squad import questions_as_rows
from sonde.modalities.text.question_table import CONTEXTS, QuestionColumns, questions_of
from sonde.modalities.text.questions import Question, Questions, looks_like_squad, read_questions

KNOWN = "give a file of SQuAD's JSON, a table with columns question and context, or pairs (question, context)"


def rows_for_questions(inputs: Any, schema: Schema) -> tuple[Rows, list[str]]:
    """Rows, and of each its question.

    inputs: the path of a JSON file or table, whose questions need no answers; a pair (question, context), a dict with both, or a
            list
    Raises: DataError for anything else
    """
    one = inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else inputs  # as the command line gives a path
    found = _from_file(Path(one)) if isinstance(one, str | Path) else _from_memory(inputs)
    rows = questions_as_rows(found, read_vocabulary(schema.input.tokenizer))
    return rows, [question.text for question in found.questions]


def _from_file(path: Path) -> Questions:
    path = path.expanduser()
    if table_suffix(path):
        return _from_table(read_noted(path))
    files = sorted(file for file in path.glob("*.json") if looks_like_squad(file)) if path.is_dir() else [path]
    if len(files) != 1 or not looks_like_squad(files[0]):
        raise DataError(f"{path} is not a file of questions; {KNOWN}")
    return read_questions(files[0], skip=True, answered=False)


def _from_table(table: Table) -> Questions:
    lower = {name.strip().lower(): name for name in table.columns}
    context = next((lower[name] for name in CONTEXTS if name in lower), None)
    if context is None or "question" not in lower:
        raise DataError(f"{table.name} has no columns question and context; {KNOWN}")
    columns = QuestionColumns(context=context, question=lower["question"], answer="")
    return questions_of(table, columns, skip=True, answered=False)


def _from_memory(inputs: Any) -> Questions:
    if _is_pair(inputs) and str(inputs[0]).lower().endswith(".json"):
        raise DataError(f"{inputs[0]}: only one file of questions at a time can be answered; {KNOWN}")
    items = [inputs] if isinstance(inputs, Mapping) or _is_pair(inputs) else inputs
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        raise DataError(f"the model answers questions, and the input is of type {type(inputs).__name__}; {KNOWN}")
    found, places = Questions(), dict[str, int]()
    for number, item in enumerate(items):
        text, context = _question(item, number)
        if context not in places:
            places[context] = len(places)
            found.paragraphs.append(context)
            found.articles.append(0)
        found.questions.append(Question(name=f"question {number}", text=text, paragraph=places[context], answers=()))
    return found


def _question(item: Any, number: int) -> tuple[str, str]:
    """(question, context). Raises: DataError"""
    pair = (item.get("question"), item.get("context")) if isinstance(item, Mapping) else item
    if _is_pair(pair) and (text := str(pair[0])).strip() and (context := str(pair[1])).strip():
        return text, context
    raise DataError(f"input {number} is not a question with a context; {KNOWN}")


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple | list) and len(item) == 2 and all(isinstance(part, str) for part in item)
