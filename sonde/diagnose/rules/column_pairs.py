"""Made rows of a table whose columns go together otherwise than those of real rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sonde.core.findings import Finding
from sonde.core.units import counted, number

NAMED = 3  # pairs
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
    evidence = (
        f"of {counted(len(pairs), 'pair', 'pairs')} of columns {len(wrong)} go together otherwise in made rows than in {split} "
        f"rows (permutation test of all pairs together, p below {test['level']:g}): {'; '.join(map(_said, wrong[:NAMED]))}{more}"
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
    """One pair, by its strength in both or, where that is alike, by how far its tables are apart."""
    what = "correlation" if pair["kind"] == "numbers" else "Cramér's V"
    return (
        f"{pair['first']} and {pair['second']} ({what} {number(pair['made'], 2)}, in real rows {number(pair['real'], 2)}; "
        f"distance {number(pair['distance'], 2)}, between halves of the real rows {number(pair['floor'], 2)})"
    )
