"""What a rule suspects, and which of several suspicions is the cause of the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sonde.core.findings import Certainty, Finding, Severity

Place = Literal["data", "model", "loss", "gradient", "optimiser", "outcome", "system"]
UPSTREAM: tuple[Place, ...] = ("data", "model", "loss", "gradient", "optimiser", "outcome", "system")
FACTS_ABOUT = ("data", "model", "loss")  # of which a fact explains all that is only likely further down
SURENESS: tuple[Certainty, ...] = ("certain", "likely", "suspected")
MOST_SHOWN = 3  # warnings at a time
FOLLOWS = {
    "class-without-training-rows": frozenset({"labels-unrelated-to-inputs"}),
    "parameters-without-an-optimiser": frozenset({"rows-mixed"}),
}
"""What follows from a fact: rows of classes that are never trained on are answered wrong, whatever is learned; layers that no
container holds stay in training mode, where batch norm mixes rows."""

NO_CAUSE = {
    "overfitting": frozenset({"frozen-random-weights", "parameters-without-a-gradient", "phase-that-never-runs"})
}
"""What does not follow from a fact: weights that are not trained learn nothing by heart."""

FIRST, ELSE = (
    "fix ",
    " first, which may be the cause; if this stays: ",
)  # before the remedy of what follows from another finding

OUTCOMES = frozenset({"actions-alike", "below-its-log", "no-better-than-baseline", "worse-than-baseline"})
"""Facts about how a run has ended, which explain nothing."""

OF_JUDGING = frozenset(
    {
        "class-without-test-rows",
        "class-without-validation-rows",
        "test-rows-in-training",
        "validation-rows-in-training",
    }
)
"""Facts about the rows that are judged, which explain nothing of how a network learns."""


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A fault that a run may have.

    name:      what it is called, by which it can be silenced; also the finding's `check`, with spaces
    certainty: "certain" of a fact, "likely" of two signals that agree or of a trial, "suspected" of a single signal, which is
               kept as a note and never shown as a warning
    place:     where in the chain from data to outcome it is; of equally certain suspicions the most upstream is the cause
    step:      at which it was seen
    explains:  names of what follows from it
    severity:  "warning" of what does harm, "error" of what ends a run
    after:     name of the finding that may be why, which is to be seen to first: the two remedies may contradict each other
    """

    name: str
    evidence: str
    action: str
    place: Place
    certainty: Certainty
    step: int | None = None
    where: str = ""
    explains: frozenset[str] = frozenset()
    severity: Severity = "warning"
    after: str = ""

    def finding(self) -> Finding:
        """Its line of findings.jsonl."""
        return Finding(
            check=self.name.replace("-", " "),
            severity="note" if self.certainty == "suspected" else self.severity,
            evidence=self.evidence,
            action=f"{FIRST}{self.after.replace('-', ' ')}{ELSE}{self.action}"
            if self.after and self.action
            else self.action,
            step=self.step,
            where=self.where,
            certainty=self.certainty,
            name=self.name,
        )


def fact(finding: Finding) -> Suspicion:
    """What a check of the program or the data has found, as the certain cause of what is only likely."""
    name = finding.name or finding.check.replace(" ", "-")
    return Suspicion(
        name=name,
        explains=FOLLOWS.get(name, frozenset()),
        evidence=finding.evidence,
        action=finding.action,
        place=place_of(name),
        certainty="certain",
        step=finding.step,
        where=finding.where,
    )


def place_of(name: str) -> Place:
    """Where a fact is."""
    return "outcome" if name in OF_JUDGING | OUTCOMES else "model"


def ranked(suspicions: Iterable[Suspicion]) -> list[Suspicion]:
    """Suspicions, the likeliest cause of all others first; what another explains comes last, as a suspicion only.

    >>> dead = Suspicion(name="dead-units", evidence="", action="", place="model", certainty="likely")
    >>> rate = Suspicion(name="rate", evidence="", action="", place="optimiser", certainty="likely",
    ...                  explains=frozenset({"dead-units"}))
    >>> [(each.name, each.certainty) for each in ranked([dead, rate])]
    [('rate', 'likely'), ('dead-units', 'suspected')]
    """
    held = list(suspicions)
    why: dict[str, str] = {}  # what follows -> the first of what it follows from
    for cause in sorted(held, key=_order):
        is_fact = cause.certainty == "certain" and cause.place in FACTS_ABOUT and cause.severity != "note"
        for each in held:
            follows = is_fact and each.certainty != "certain" and each.place not in ("data", "system")
            follows = follows and cause.name not in NO_CAUSE.get(each.name, ())
            if each.name != cause.name and (
                follows or (each.name in cause.explains and cause.certainty != "suspected")
            ):
                why.setdefault(each.name, cause.name)
    causes = sorted((each for each in held if each.name not in why), key=_order)
    follow = sorted((each for each in held if each.name in why), key=_order)
    return causes + [replace(each, certainty="suspected", after=why[each.name]) for each in follow]


def _order(suspicion: Suspicion) -> tuple[int, int, int]:
    # how it ended follows what is likely to be why
    sure = "likely" if suspicion.name in OUTCOMES else suspicion.certainty
    return SURENESS.index(sure), UPSTREAM.index(suspicion.place), suspicion.step or 0


def shown(suspicions: Sequence[Suspicion], before: int = 0) -> list[Suspicion]:
    """As they are written down: the first few that are sure as warnings, the rest as suspicions. before: shown already"""
    left = MOST_SHOWN - before
    found = []
    for each in suspicions:
        if each.certainty != "suspected" and each.severity != "error":
            left -= 1
            each = replace(each, certainty=each.certainty, severity="note") if left < 0 else each
        found.append(each)
    return found
