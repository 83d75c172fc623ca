"""What a metric's number means: its unit, and which way better lies."""

from collections.abc import Container

from sonde.metrics.directions import higher_is_better
from sonde.report.folder import Reading

UNITS = {
    "wer": "word edits per true word",
    "cer": "character edits per true character",
    "perplexity": "exp(nats per token)",
    "bits_per_character": "bits a character",
    "log_loss": "nats a row",
    "auroc": "0.5 is guessing, 1 is perfect",
    "ece": "mean gap between confidence and accuracy",
    "r2": "share of the variance that is explained",
    "mase": "MAE divided by that of repeating the last season; below 1 is better than it",
    "smape": "percent",
    "bleu": "of 100",
    "lddt": "of 1",
    "rmsd": "ångström",
    "distance_error": "ångström",
    "recovery": "share of the residues",
    "exact_match": "share of the questions",
    "raw_mae": "in the data's own units",
    "raw_rmse": "in the data's own units",
    "raw_crps": "in the data's own units",
    "expected_return": "what the value said of it at the first step, discounted",
    **dict.fromkeys(
        ("bootstrapped_return", "discounted_return"),  # the second of earlier versions
        "what became of that: rewards discounted, and of an episode that was cut off the value of its last observation",
    ),
    "bootstrapped_part": "what of that is the value of the last observation of an episode that was cut off",
    "return_std": "spread of the episodes",
    "return_worst": "the lowest of them",
}
"""Of metrics that mean one thing wherever they stand."""

OURS: dict[str, bool | None] = {
    "near": True, "recovery": True, "return": True, "return_worst": True,
    # an episode that is long may be good or bad
    "return_std": None, "length": None, "expected_return": None, "bootstrapped_return": None,
    "discounted_return": None, "bootstrapped_part": None,
    # of a critic, which is neither good nor bad, and of real rows alone
    "accuracy_made": None, "accuracy_real": None, "accuracy_train": None, "recall_real": None,
}  # fmt: skip
"""Whether more is better, of our own metrics whose names do not say it."""

OF_TASKS = {"score": True}
"""The same of metrics whose names say nothing elsewhere, where the run's task tells what they are (`Reading.units`)."""
OF_MATCHES = "score_"  # before the opponent that a score is against

COVERAGE = "coverage_"  # before the percent of an interval, which is neither good nor bad but near or far from them
MOST_NAME = 40


def direction(run: Reading, name: str) -> bool | None:
    """Whether more of a metric is better; None where neither the run nor its name says so."""
    objective = run.result.get("objective") or {}
    if objective.get("metric") == name and objective.get("mode") in ("min", "max"):
        return objective["mode"] == "max"
    if name.startswith(COVERAGE):
        return None
    return known_direction(name, run.units)


def known_direction(name: str, units: Container[str]) -> bool | None:
    """The same by the name alone. units: names of metrics that the run's task knows"""
    known = "score" if name.startswith(OF_MATCHES) else name
    if known in OF_TASKS and known in units:
        return OF_TASKS[known]
    return OURS.get(name, higher_is_better(name))


def direction_in_words(run: Reading, name: str) -> str:
    """Which way better lies, for a sentence; nothing where that is not known."""
    known = direction(run, name)
    return "" if known is None else f"{'higher' if known else 'lower'} is better"


def unit(run: Reading, name: str) -> str:
    """What a metric is measured in; "" where its number speaks for itself.

    A language model of single characters has a loss in nats a character.
    """
    base, _, target = name.partition("/")
    found = run.units.get(base) or UNITS.get(base, "")
    if base.startswith(COVERAGE):
        return f"share of truths in that interval, of which it promises {base.removeprefix(COVERAGE)} %"
    if "{target}" in found:
        found = found.replace("{target}", target or _only_target(run) or "the targets")
    return found.replace("token", "character") if _of_characters(run) else found


def about(run: Reading, name: str) -> str:
    """The unit and the direction of a metric, for a table's second column."""
    return "; ".join(text for text in (unit(run, name), direction_in_words(run, name)) if text)


def _only_target(run: Reading) -> str:
    names = (run.schema.get("target") or {}).get("names") or []
    return str(names[0])[:MOST_NAME] if len(names) == 1 else ""


def _of_characters(run: Reading) -> bool:
    """Whether a text's tokens are its characters: as many bits a character as a token has."""
    for files in run.evaluated.values():
        scores = files.get("metrics") or {}
        bits, nats = scores.get("bits_per_character"), scores.get("loss")
        if isinstance(bits, int | float) and isinstance(nats, int | float):
            return abs(bits * 0.6931471805599453 - nats) < 1e-3 * abs(nats)
    return False
