"""What speaks against rows drawn at random: times, and people or things that several rows belong to."""

import re
from collections.abc import Mapping

import numpy as np

from sonde.modalities.table.kinds import Categories, Kind, Values, is_missing

FEWEST_GROUPS = 5
FEWEST_TIMES = 10
ROWS_OF_A_GROUP = 2  # at least, on average
_GROUP = re.compile(
    r"(^|[_\W])(patient|subject|person|participant|user|customer|client|speaker|individual|animal|mouse|donor|group|household|"
    r"session)s?([_\W]?(id|no|nr|number|code|name))?$",
    re.IGNORECASE,
)
_NO_ORDER = re.compile(r"birth|born|dob", re.IGNORECASE)  # dates that say nothing of when a row was seen


def names_a_group(name: str) -> bool:
    """Whether a column's name says that several rows may belong to one person or thing.

    >>> names_a_group("patient_id"), names_a_group("PatientId"), names_a_group("age group"), names_a_group("id")
    (True, True, True, False)
    """
    return _GROUP.search(re.sub(r"([a-z])([A-Z])", r"\1_\2", name)) is not None


def against_chance(kinds: Mapping[str, Kind], values: Mapping[str, Values], index: np.ndarray, table: str) -> list[str]:
    """Warnings for a table whose rows are shared out at random, each with the flag that shares them out otherwise.

    index: (n,) the rows with a target
    """
    said = []
    for name, kind in kinds.items():
        found = values[name]
        counts = kind.kind == "number" and name.lower().endswith("s")  # households, users: how many there are
        if names_a_group(name) and not counts and (groups := _groups(found, index)):
            said.append(
                f"{table}: rows of one {name!r} ({groups:,} in {len(index):,} rows) may be in train and in test: "
                f"--group {name!r} keeps them together, and does not learn from it"
            )
        if kind.kind == "date" and not isinstance(found, Categories) and are_times(name, found[index]):
            said.append(
                f"{table}: rows were drawn at random, though {name!r} holds times: --time {name!r} holds back the latest, "
                "as when the future is to be predicted"
            )
    return said


def _groups(values: Values, index: np.ndarray) -> int:
    """How many groups a column tells apart; 0 where it tells none."""
    if is_missing(values)[index].any():
        return 0
    cells = values.codes[index] if isinstance(values, Categories) else values[index]
    groups = len(np.unique(cells))
    return groups if FEWEST_GROUPS <= groups <= len(index) / ROWS_OF_A_GROUP else 0


def are_times(name: str, stamps: np.ndarray) -> bool:
    """Whether rows can be split by a column of dates, which are none of birth."""
    if _NO_ORDER.search(name) or np.isnat(stamps).any():
        return False
    _, counts = np.unique(stamps, return_counts=True)
    return len(counts) >= FEWEST_TIMES and counts.max() * 10 <= len(stamps)
