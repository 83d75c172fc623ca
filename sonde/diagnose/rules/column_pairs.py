"""Made rows of a table whose columns go together otherwise than those of real rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sonde.core.findings import Finding
from sonde.core.units import counted, number

NAMED = 3  # pairs
MOST_NAME = 30  # characters of a column's name
REMEDY = (
    "train longer (--steps, --epochs) while the validation loss falls, then a wider network; until then take no sample for a row "
    "of the table: what one column says of another is not learned, though each alone may look right"
)


def pairs_unlike(samples: Mapping[str, Any], split: str) -> list[Finding]:
    """That pairs of columns differ beyond chance, by a test for all pairs together, and which do most; nothing where none does.

    samples: what samples.json holds, `together` among it where rows are those of a table;  split: of the real rows
    """
    pairs: Sequence[Mapping[str, Any]] = (samples.get("together") or {}).get("pairs") or ()
    wrong = [pair for pair in pairs if pair["wrong"]]
    if not wrong:
        return []
    more = "" if len(wrong) <= NAMED else f"; and {counted(len(wrong) - NAMED, 'more', 'more')}"
    test = samples["together"]["test"]
    of_all = f"{len(wrong)} of {counted(len(pairs), 'pair', 'pairs')} of columns"
    evidence = (
        f"{of_all} {'goes' if len(wrong) == 1 else 'go'} together otherwise in made rows than in {split} rows (permutation test "
        f"of all pairs, p below {test['level']:g}): {'; '.join(map(_said, wrong[:NAMED]))}{more}"
    )
    return [
        Finding(
            check="",
            name="column-pairs-unlike-real-rows",
            severity="warning",
            evidence=evidence,
            action=REMEDY,
            certainty="likely",
        )
    ]


def _said(pair: Mapping[str, Any]) -> str:
    """One pair, by how strongly its columns go together in both."""
    what = "correlation" if pair["kind"] == "numbers" else "Cramér's V"
    strengths = f"{what} {number(pair['made'], 2)}, in real rows {number(pair['real'], 2)}"
    return f"{_short(pair['first'])} and {_short(pair['second'])} ({strengths})"


def _short(name: str) -> str:
    return name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}…"
