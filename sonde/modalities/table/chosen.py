"""Label Studio's JSON of texts, each with what annotators chose of it, as rows: its data, and a column for each question."""

from collections.abc import Mapping, Sequence
from typing import Any


def choices_of(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row of each task: the fields of its data, and under the name of each question what was chosen, "a|b" where several were.

    Of several annotations the first that was not cancelled counts. [] for rows of something else.
    """
    if not rows or not all(
        isinstance(row.get("data"), Mapping) and isinstance(row.get("annotations"), list) for row in rows
    ):
        return []
    chosen = [_chosen(row["annotations"]) for row in rows]
    if not any(chosen):
        return []
    return [{**_plain(row["data"]), **answers} for row, answers in zip(rows, chosen, strict=True)]


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if not isinstance(value, Mapping | list)}


def _chosen(annotations: Sequence[Any]) -> dict[str, str]:
    """Name of a question -> the choices of the first annotation that has some and was not cancelled."""
    for annotation in annotations:
        if not isinstance(annotation, Mapping) or annotation.get("was_cancelled"):
            continue
        found = {}
        for one in annotation.get("result") or []:
            choices = one.get("value", {}).get("choices") if isinstance(one, Mapping) else None
            if isinstance(choices, list) and all(isinstance(choice, str) for choice in choices):
                found[str(one.get("from_name", "choice"))] = "|".join(choices)
        if found:
            return found
    return {}
