"""What was guessed, cut or left out of data that a trained model is given: Python's warnings, which the command line prints."""

import warnings
from collections.abc import Iterable


class DataWarning(UserWarning):
    """Data were read otherwise than they stand: said where no findings are written, in `evaluate` and `predict`."""


def warn(notes: Iterable[str]) -> None:
    """Say each note once."""
    for note in dict.fromkeys(notes):
        warnings.warn(note, DataWarning, stacklevel=2)
