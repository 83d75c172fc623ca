"""Texts beside a report's cases."""

from sonde.modalities.modality import Case
from sonde.modalities.text.rows import shortened, text_of

LONGEST = 300  # characters


def show(case: Case) -> dict[str, str]:
    """The beginning of the row's text, where it has one."""
    text = text_of(case.rows, case.index)
    return {"text": shortened(text, LONGEST)} if text else {}
