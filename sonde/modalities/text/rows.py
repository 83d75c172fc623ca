"""Rows of texts: tokens in memory, and beside them the texts as they stand in their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.dataset import Rows
from sonde.core.vocabulary import UNKNOWN, Vocabulary
from sonde.data.ragged import Ragged, RaggedRows, end_to_end
from sonde.data.splits import SubsetRows

ENCODED_AT_ONCE = 10_000  # texts
SHOWN = 60  # characters of a text that stand for it in a listing


@dataclass(frozen=True)
class TextRows:
    """Rows of tokens (`sonde.data.rows.Sequences`) that know the text of each.

    unanswered: rows to predict on that lack a text, whose answers stay empty (`sonde.data.rows.unanswered`)
    """

    tokens: RaggedRows
    texts: Sequence[str]
    unanswered: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.tokens)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of some rows, in the given order, as wide as the longest of them."""
        return self.tokens.read(indices)

    def describe(self, index: int) -> str:
        """Where the row came from."""
        return self.tokens.describe(index)

    def nbytes(self) -> int:
        """Bytes of the tokens and targets."""
        return self.tokens.nbytes()

    def lengths(self) -> np.ndarray:
        """(n,) int64 tokens of each row."""
        return self.tokens.lengths()

    def targets(self) -> np.ndarray:
        """The `target` field of all rows."""
        return self.tokens.targets()

    @property
    def bucket_keys(self) -> np.ndarray | None:
        """By what rows come into one batch, where that is not their length (`sonde.data.rows.Alike`)."""
        return self.tokens.bucket_keys

    def text(self, index: int) -> str:
        """What a person reads in row `index`."""
        return self.texts[index]


def encoded(texts: Sequence[str], vocabulary: Vocabulary, *, most: int = 0) -> tuple[Ragged, int]:
    """The tokens of texts, and of how many rows only the first `most` were kept (0 keeps all).

    A text without any token is one UNKNOWN, so that no row is empty.
    """
    parts, cut = [], 0
    for start in range(0, len(texts), ENCODED_AT_ONCE):
        rows = vocabulary.encode_all(texts[start : start + ENCODED_AT_ONCE])
        cut += sum(len(row) > most for row in rows) if most else 0
        parts.append(end_to_end([(row[:most] if most else row) or [UNKNOWN] for row in rows]))
    if len(parts) == 1:
        return parts[0], cut
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    starts[1:] = np.cumsum(np.concatenate([part.lengths() for part in parts])) if parts else 0
    return Ragged(np.concatenate([part.values for part in parts] or [np.zeros(0, np.int32)]), starts), cut


def text_rows(tokens: Ragged, texts: Sequence[str], names: Sequence[str], fields: Mapping[str, np.ndarray]) -> TextRows:
    """Rows with `input` and the fixed `fields` (n, …)."""
    return TextRows(RaggedRows(ragged={"input": tokens}, fixed=fields, names=names), texts)


def shortened(text: str, most: int = SHOWN) -> str:
    """A text in one line of at most `most` characters.

    >>> shortened("a film of rare charm", 12)
    'a film of r…'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def text_of(rows: Rows, index: int) -> str:
    """The text of a row, through selections; "" for rows that have none."""
    if isinstance(rows, SubsetRows):
        return text_of(rows.rows, int(rows.indices[index]))
    return rows.text(index) if isinstance(rows, TextRows) else ""


def texts_of(rows: Rows) -> Sequence[str] | None:
    """The texts of all rows, through selections; None for rows that have none."""
    if isinstance(rows, SubsetRows):
        below = texts_of(rows.rows)
        return None if below is None else [below[int(index)] for index in rows.indices]
    return rows.texts if isinstance(rows, TextRows) else None
