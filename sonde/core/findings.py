"""A finding of an automatic check: its evidence and what to do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from sonde.core.errors import unknown

CAUSES = frozenset(
    [
        "actions-alike",
        "actions-at-bounds",
        "answers-alike",
        "batch-norm-of-few-rows",
        "below-its-log",
        "choices-too-many",
        "class-imbalance",
        "class-never-predicted",
        "class-without-content",
        "class-without-test-rows",
        "class-without-training-rows",
        "class-without-validation-rows",
        "clip-too-tight",
        "column-pairs-unlike-real-rows",
        "dead-units",
        "discount-too-low",
        "discriminator-has-won",
        "diverged",
        "dropout-too-strong",
        "entropy-collapsed",
        "environment-slower-than-learner",
        "episodes-never-end",
        "episodes-of-one-step",
        "evaluation-below-training",
        "exploding-gradient",
        "exploration-not-ended",
        "few-anomalies-found",
        "few-steps",
        "frozen-part-in-training-mode",
        "frozen-random-weights",
        "future-visible",
        "initialisation-too-large",
        "initialisation-too-small",
        "inputs-constant",
        "inputs-not-scaled",
        "intervals-too-narrow",
        "labels-disagree",
        "labels-noisy",
        "labels-unrelated-to-inputs",
        "learner-slower-than-environment",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-and-metric-disagree",
        "loss-negated",
        "loss-that-sums",
        "mode-collapse",
        "more-false-alarms",
        "network-cannot-learn",
        "no-nonlinearity",
        "not-finite-inputs",
        "not-finite-rewards",
        "no-better-than-baseline",
        "not-learning",
        "other-score-finds-more",
        "outputs-that-are-no-log-probabilities",
        "outside-its-space",
        "overfitting",
        "padding-drowns-text",
        "parameters-without-a-gradient",
        "parameters-without-an-optimiser",
        "phase-that-never-runs",
        "picture-read-as-numbers",
        "pictures-nearly-black",
        "plateau",
        "posterior-collapse",
        "probabilities-instead-of-logits",
        "replay-never-full",
        "returns-alike",
        "reward-never-seen",
        "rows-mixed",
        "rows-not-shuffled",
        "samples-unlike-real-rows",
        "saturated-units",
        "schedule-keeps-rate-low",
        "slow-evaluation",
        "slow-input",
        "stand-in-values",
        "still-improving",
        "target-leak",
        "targets-mostly-ignored",
        "targets-not-scaled",
        "test-rows-in-training",
        "training-below-evaluation",
        "underfitting",
        "units-alike",
        "validation-harder-than-training",
        "validation-rows-in-training",
        "values-diverge",
        "values-overestimated",
        "vanishing-gradient",
        "warmup-too-long",
        "weight-decay-too-strong",
        "worse-than-baseline",
        "worse-than-guessing",
        "zero-gradient",
    ]
)
"""What warnings about how a network trains, and about its rows, are called."""

NOTICES = frozenset(
    [
        "best-before-a-stage",
        "code-changed",
        "constant-columns",
        "cut-off-earlier",
        "data-read-otherwise",
        "evaluated-otherwise",
        "field-that-nothing-takes",
        "gradient-accumulation-changes-the-loss",
        "line-search-on-batches",
        "log-mlflow",
        "log-wandb",
        "metric-never-finite",
        "metric-not-always-finite",
        "metric-that-counts",
        "mode-against-the-metric",
        "not-compiled",
        "nothing-evaluated",
        "observers-missing",
        "partial-evaluation",
        "range-test",
        "resume-is-not-exact",
        "seeds-do-not-reproduce",
        "time-limit",
        "unsuited-optimizer",
    ]
)
"""What warnings about how a run is carried out are called: they hold beside any cause, and no rule is asked about them."""

NAMES = CAUSES | NOTICES
"""What warnings are called that can be silenced, of all checks and rules."""

Severity = Literal["note", "warning", "error"]
Certainty = Literal["certain", "likely", "suspected"]
WORST_FIRST: tuple[Severity, ...] = ("error", "warning", "note")
AT_A_TIME = 3  # warnings that are shown; of more, a person reads none


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of `findings.jsonl`. One that has a name is titled by it, so that what is read is what is silenced."""

    check: str  # title, such as "batch norm under accumulation"; of one with a name its words, whatever was given
    severity: Severity
    evidence: str  # the numbers that were seen
    action: str  # what to change, as a flag where possible
    step: int | None = None
    where: str = ""  # layer, class, column or rows
    certainty: Certainty = "certain"  # a fact; two signals that agree, or a trial; one signal
    name: str = ""  # by which `silence` leaves it out of the warnings; empty for what cannot be silenced

    def __post_init__(self) -> None:
        if self.name:
            object.__setattr__(self, "check", self.name.replace("-", " "))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read_back(lines: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Findings of lines of `findings.jsonl`, without what is none.

    >>> read_back([{"check": "a", "severity": "note", "evidence": "b", "action": ""}, {"check": "a"}])[0].evidence
    'b'
    """
    known = {each.name for each in fields(Finding)}
    kept = [{name: value for name, value in line.items() if name in known} for line in lines]
    return [Finding(**line) for line in kept if {"check", "severity", "evidence", "action"} <= set(line)]


def silenced(names: Iterable[str]) -> frozenset[str]:
    """The names in a setting, of which each may hold several with commas. Raises: ConfigError for one that nothing is called

    >>> sorted(silenced(["rows-mixed, overfitting"]))
    ['overfitting', 'rows-mixed']
    """
    found = frozenset(filter(None, (name.strip() for text in names for name in text.split(","))))
    for name in sorted(found - NAMES):
        raise unknown("finding", name, NAMES)
    return found


def of_split(name: str, split: str) -> str:
    """The name of a finding about validation rows where it is about those of another part.

    >>> of_split("validation-rows-in-training", "test"), of_split("validation-rows-in-training", "mismatched")
    ('test-rows-in-training', 'validation-rows-in-training')
    """
    own = name.replace("validation-rows", f"{split}-rows")
    return own if own in NAMES else name


def hushed(found: Iterable[Finding], silence: frozenset[str]) -> list[Finding]:
    """Findings, of which warnings that were silenced are notes that say so."""
    return [
        replace(each, severity="note", action="; ".join(filter(None, ("silenced", each.action))))
        if each.name in silence and each.severity == "warning"
        else each
        for each in found
    ]


def name_of(finding: Mapping[str, Any]) -> str:
    """By what a finding's line is called in a diagnosis; of one without a name its check.

    >>> name_of({"name": "", "check": "loss that sums"}), name_of({"check": "plateau", "name": "plateau"})
    ('loss-that-sums', 'plateau')
    """
    return str(finding.get("name") or str(finding.get("check")).replace(" ", "-"))


def certainty_of(finding: Mapping[str, Any]) -> str:
    """How sure a finding is; empty for those of checks that only tell facts, and of folders that are older."""
    return str(finding.get("certainty") or "") if finding.get("name") in CAUSES else ""


def silencing(finding: Mapping[str, Any]) -> str:
    """The flag that leaves a finding out of the warnings; empty for one that is none, or that cannot be left out.

    >>> silencing({"name": "plateau", "severity": "warning"}), silencing({"name": "plateau", "severity": "note"})
    ('--silence plateau', '')
    """
    return f"--silence {finding['name']}" if finding.get("name") and finding.get("severity") == "warning" else ""


def grouped(
    found: Iterable[Mapping[str, Any]], diagnosis: Sequence[str] = ()
) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """(severity, check, its findings) of findings as they were written, the most severe first, of these causes first.

    Findings of a check at several steps, in one place, are one group; without a step only those with the same text are.
    diagnosis: names (`name_of`), the likeliest cause first
    """
    groups: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = {}
    for finding in found:
        text = "" if finding.get("step") is not None else str(finding.get("evidence"))
        place = str(finding.get("where") or "")
        groups.setdefault((str(finding.get("severity")), str(finding.get("check")), place, text), []).append(finding)
    rank = {severity: place for place, severity in enumerate(WORST_FIRST)}
    cause = {name: place for place, name in enumerate(diagnosis)}

    def order(group: tuple[tuple[str, str, str, str], list[Mapping[str, Any]]]) -> tuple[int, int]:
        (severity, *_), (first, *_) = group
        return rank.get(severity, len(rank)), cause.get(name_of(first), len(cause))

    return [(severity, check, same) for (severity, check, _, _), same in sorted(groups.items(), key=order)]
