"""What texts to continue a table holds: a column of text, chats, or prompts with completions, each row as one text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sonde.core.errors import DataError
from sonde.core.files import parsed_json
from sonde.modalities.table.read import Table
from sonde.modalities.text.columns import FEW_WORDS, is_text_column, looked_at, mean_words

CHATS = ("messages", "conversations", "conversation", "dialog")
TURNS = (("role", "content"), ("from", "value"))  # OpenAI's names, and ShareGPT's
JOINED = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("instruction", "input", "output"),
    ("instruction", "output"),
    ("instruction", "context", "response"),
    ("instruction", "response"),
    ("input", "output"),
)
PREFERENCES = {"chosen", "rejected"}  # of two answers, as DPO and reward models learn from them
NAMED = ("text", "content", "document")


@dataclass(frozen=True, kw_only=True)
class Continued:
    """texts: one of each row that has one;  why: how they are known;  warnings: what is learned that a person may not expect"""

    texts: Sequence[str]
    why: str
    warnings: Sequence[str] = ()


def texts_to_continue(table: Table, *, asked: bool) -> Continued | None:
    """The rows of a table as texts; None where they hold something else.

    asked: whether a language model is wanted, so that a column of text beside others may be meant
    Raises: DataError for pairs of a chosen and a rejected answer
    """
    lower = {name.strip().lower(): name for name in table.columns}
    if lower.keys() >= PREFERENCES and not asked:
        raise DataError(
            f"{table.name} holds pairs of a chosen and a rejected answer (preferences, DPO), which are not supported; "
            "to continue the chosen ones, write a file of prompt and completion (or messages, where chosen is a chat)"
        )
    chat = next((lower[name] for name in CHATS if name in lower), None)
    if chat is not None and (found := _chats(table, chat)) is not None:
        texts, silent = found
        warning = (
            f"chats in {chat!r} are written as lines “role: content”, and all turns are learned, not only the answers"
        )
        without = [f"{silent:,} turns in {chat!r} have no text (tool calls, images) and are left out"] if silent else []
        return _filled(table, texts, f"chats in column {chat!r}", [warning, *without])
    for names in JOINED:
        if all(name in lower and is_text_column(table, lower[name]) for name in names) and (
            asked or len(table.columns) == len(names)
        ):
            parts = [lower[name] for name in names]
            warning = f"{', '.join(parts)} are joined to one text, and all of it is learned, not only {parts[-1]!r}"
            return _filled(table, _joined(table, parts), f"columns {', '.join(parts)}", [warning])
    column = _single(table, lower, asked=asked)
    if column is None:
        return None
    return _filled(table, [str(cell or "") for cell in table.columns[column].to_pylist()], f"column {column!r}", [])


def _single(table: Table, lower: Mapping[str, str], *, asked: bool) -> str | None:
    texts = [name for name in table.columns if is_text_column(table, name)]
    if len(table.columns) == 1:
        return texts[0] if texts and (asked or mean_words(looked_at(table, texts[0])) >= FEW_WORDS) else None
    if not asked:
        return None
    named = next((lower[name] for name in NAMED if lower.get(name) in texts), None)
    prose = [name for name in texts if mean_words(looked_at(table, name)) >= FEW_WORDS]
    return named or (prose[0] if len(prose) == 1 else None)


def _chats(table: Table, column: str) -> tuple[list[str], int] | None:
    """(the chats as texts, turns without a text, which are left out); None for cells that are no chats."""
    rows: list[Any] = table.columns[column].to_pylist()
    written, silent = [], 0
    for turns in map(_decoded, rows):
        if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
            return None
        lines = []
        for turn in turns:
            who, what = next(((turn[a], _said(turn[b])) for a, b in TURNS if a in turn and b in turn), (None, ""))
            if who is None:
                return None
            if what:
                lines.append(f"{who}: {what}")
            silent += not what
        written.append("\n".join(lines))
    return written, silent


def _decoded(cell: Any) -> Any:
    """A cell, or what JSON in it means: tables of text hold chats so, and lists whose turns have content of several types."""
    if not (isinstance(cell, str) and cell.lstrip().startswith("[")):
        return cell
    try:
        return parsed_json(cell)
    except ValueError:
        return cell


def _said(content: Any) -> str:
    """What a turn says: a text, or the texts of its parts, of which others may be pictures; "" for nothing."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _joined(table: Table, names: Sequence[str]) -> list[str]:
    """The parts one behind the other, a line break between them unless the second begins with a blank of its own."""
    columns = [table.columns[name].to_pylist() for name in names]
    texts = []
    for cells in zip(*columns, strict=True):
        text = ""
        for cell in (str(cell) for cell in cells if cell):
            text += cell if not text or cell[:1].isspace() or text[-1:].isspace() else f"\n{cell}"
        texts.append(text)
    return texts


def _filled(table: Table, texts: Sequence[str], why: str, warnings: Sequence[str]) -> Continued:
    there = [text for text in texts if text.strip()]
    gone = len(texts) - len(there)
    if gone:
        first = next(row for row, text in enumerate(texts) if not text.strip())
        warnings = [
            *warnings,
            f"{gone:,} of {len(texts):,} rows have no text and are dropped, first {table.place(first)}",
        ]
    return Continued(texts=there, why=f"{why} of {table.name}", warnings=warnings)
