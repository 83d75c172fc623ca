"""Texts as numbers in a batch: the code point of each character, 0 behind the end; several texts with a 1 between them."""

from collections.abc import Iterable, Sequence

import numpy as np

BETWEEN = 1  # stands between texts that share a row, where no text has it: it is a control character


def code_points(text: str) -> np.ndarray:
    """(characters,) int32.

    >>> code_points("aé").tolist()
    [97, 233]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.int32)


def of_several(texts: Sequence[str]) -> np.ndarray:
    """(characters,) int32 of all, `BETWEEN` between them."""
    return code_points(chr(BETWEEN).join(text.replace(chr(BETWEEN), " ") for text in texts))


def text_of(row: Iterable[int]) -> str:
    """The text of a row, what stands behind its end aside.

    >>> text_of([97, 233, 0, 0])
    'aé'
    """
    return "".join(map(chr, row)).rstrip("\0")


def texts_of(row: Iterable[int]) -> list[str]:
    """Those of `of_several`."""
    return text_of(row).split(chr(BETWEEN))
