"""What it means that some rows are the same: what would be evaluated on rows that were trained on, and which labels disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sonde.core.dataset import Rows
from sonde.core.findings import Finding
from sonde.core.units import count, share

EXAMPLES = 3
CLASS_IS_A_COPY = 0.5  # share of a class's rows that another class has too


@dataclass(frozen=True)
class Kind:
    """How they are the same, and what they are."""

    how: str  # "exact" or "re-encoded"
    noun: str  # "images" or "rows"


@dataclass(frozen=True)
class Survey:
    """All rows of all splits, in one line: places 0, 1, … run through the splits in their order.

    labels: (rows,) int64, None where the target is no class
    """

    splits: tuple[tuple[str, Rows], ...]
    labels: np.ndarray | None
    class_names: tuple[str, ...]

    @cached_property
    def split_of(self) -> np.ndarray:
        """(rows,) the split of each place."""
        return np.concatenate([np.full(len(rows), split) for split, rows in self.splits])

    def describe(self, place: int) -> str:
        """Split and origin of a row: "test: test/cat/3.png"."""
        split, rows, index = self._find(place)
        return f"{split} {rows.describe(index)}"

    def read(self, place: int) -> np.ndarray:
        """(1, …) the input of one row."""
        _, rows, index = self._find(place)
        return rows.read(np.array([index]))["input"]

    def _find(self, place: int) -> tuple[str, Rows, int]:
        for split, rows in self.splits:
            if place < len(rows):
                return split, rows, place
            place -= len(rows)
        raise IndexError(place)


def copy_findings(groups: Sequence[np.ndarray], kind: Kind, survey: Survey) -> list[Finding]:
    """Findings for groups of places whose rows are the same: across splits, under two labels, and otherwise within."""
    classes, paired = _class_copies(groups, kind, survey)
    across = [group for group in groups if len(set(survey.split_of[group])) > 1]
    within = [group for group in groups if len(set(survey.split_of[group])) == 1]
    disputed = _disputed(groups, survey, paired)
    findings = [*_across(across, kind, survey), *classes]
    if disputed:
        several = f"{count(len(disputed))} group{'s' if len(disputed) != 1 else ''}"
        findings.append(
            Finding(
                check=f"{kind.how} copies under different labels",
                severity="warning",
                evidence=f"{several} of equal {kind.noun} have more than one label: "
                + _examples(disputed, survey, labels=True),
                action="keep the copy with the correct label and remove the others",
            )
        )
    if within:
        surplus = sum(len(group) - 1 for group in within)
        findings.append(
            Finding(
                check=f"{kind.how} copies within a split",
                severity="note",
                evidence=f"{count(surplus)} {kind.noun} repeat another of their split: {_examples(within, survey)}",
                action="remove the duplicates, unless they are intended as weights",
            )
        )
    return findings


def _across(groups: Sequence[np.ndarray], kind: Kind, survey: Survey) -> list[Finding]:
    """Rows for evaluation that were trained on too, counted per split."""
    if not groups:
        return []
    split_of = survey.split_of
    order = [split for split, _ in survey.splits]
    seen = dict.fromkeys(order[1:], 0)
    for group in groups:
        earliest = min(order.index(split) for split in split_of[group])
        for split in split_of[group]:
            if order.index(split) > earliest:
                seen[split] += 1
    sizes = {split: len(rows) for split, rows in survey.splits}
    parts = [f"{count(n)} of {count(sizes[s])} {s} {kind.noun}" for s, n in seen.items() if n]
    return [
        Finding(
            check=f"{kind.how} copies across splits",
            severity="warning",
            evidence=f"{' and '.join(parts)} are also in another split: {_examples(groups, survey)}",
            action="remove the copies from train; scores on them measure memorisation",
        )
    ]


def _class_copies(
    groups: Sequence[np.ndarray], kind: Kind, survey: Survey
) -> tuple[list[Finding], set[tuple[int, int]]]:
    """Classes most of whose rows another class has as well, and those pairs of classes."""
    labels = survey.labels
    if labels is None:
        return [], set()
    sizes = np.bincount(labels, minlength=len(survey.class_names))
    shared: dict[tuple[int, int], int] = {}
    for group in groups:
        present, counts = np.unique(labels[group], return_counts=True)
        held = dict(zip(present.tolist(), counts.tolist(), strict=True))
        for one in held:
            for other in held:
                if one != other:
                    shared[one, other] = shared.get((one, other), 0) + held[one]
    findings, paired = [], set()
    for (one, other), n in sorted(shared.items()):
        # of two classes that copy each other, the smaller is named, once
        mirrored = shared[other, one] / sizes[other], -other
        if n / sizes[one] < CLASS_IS_A_COPY or mirrored > (n / sizes[one], -one):
            continue
        paired |= {(one, other), (other, one)}
        names = survey.class_names
        findings.append(
            Finding(
                check="class copies another",
                severity="warning",
                evidence=f"{count(n)} of {count(int(sizes[one]))} {kind.noun} ({share(n / sizes[one], 0)}) of class "
                f"{names[one]!r} are {kind.how} copies of some in {names[other]!r}",
                action=f"remove {names[one]!r}, or merge the two classes",
            )
        )
    return findings, paired


def _disputed(groups: Sequence[np.ndarray], survey: Survey, explained: set[tuple[int, int]]) -> list[np.ndarray]:
    """Groups with several labels, without those that a class copying another explains."""
    labels = survey.labels
    if labels is None:
        return []
    several = [(group, sorted(set(labels[group].tolist()))) for group in groups]
    return [group for group, found in several if len(found) > 1 and (found[0], found[1]) not in explained]


def _examples(groups: Sequence[np.ndarray], survey: Survey, *, labels: bool = False) -> str:
    """ "test a.png = train b.png; …" for the first few groups."""

    def words(place: int) -> str:
        origin = survey.describe(place)
        if not labels or survey.labels is None:
            return origin
        return f"{origin} ({survey.class_names[survey.labels[place]]})"

    shown = [f"{words(int(group[0]))} = {words(int(group[-1]))}" for group in groups[:EXAMPLES]]
    return "; ".join(shown) + ("; …" if len(groups) > EXAMPLES else "")
