"""What a page says of a run that acts: how its returns stand beside policies that know nothing and beside the environment's own
mark, and how training went."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from sonde.core.damaged import DAMAGE
from sonde.core.playing import UNTRAINED
from sonde.core.units import count, duration, metric, metric_name, number, rate
from sonde.report.beside_log import beside_log
from sonde.report.captions import course, place
from sonde.report.folder import Reading
from sonde.report.learning import axis_of, metric_of
from sonde.report.plain_policies import FEWEST, missing, pairs, policies, scores_of


def games_of(run: Reading, split: str) -> int | None:
    """How many games were played, of a run that plays: fewer than asked for where no more would differ."""
    return len(found) if (found := scores_of(run.evaluated.get(split) or {}, "score")) else None


def against_each(run: Reading, split: str) -> str:
    """What a run that plays games scored against each opponent, of which the score is the mean; "" of other runs."""
    try:
        held = ((run.evaluated.get(split) or {}).get("matches") or {}).items()
        found = {str(name)[:40]: float(each["score"]["value"]) for name, each in held}
        drawn = any(each.get("draws") for _, each in held)  # some games, such as Hex, have no draws
    except DAMAGE:
        return ""
    if not found:
        return ""
    told = ", ".join(f"{name} {metric('score', value)}" for name, value in found.items())
    perfect = " (perfect play: of a game that is drawn then, 0.5 is the most)" if drawn and "minimax" in found else ""
    return f"Against each: {told}{perfect}. A win counts 1, a draw 0.5."


def goal_of(run: Reading, name: str) -> float | None:
    """The value of a metric from which whoever made the environment calls it solved."""
    held = run.result.get("goals") or run.data.get("goals") or {}
    value = held.get(name) if isinstance(held, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


LATELY = 100  # episodes of training, at most, that a mean return is of
FOLLOWED = 5  # a fifth of the evaluations, and two of them, are to follow the best one before it is said to stay that


Tone = Literal["yes", "partly", "no", "open"]


class Scored(Protocol):
    """What is needed of `judged.Score`."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def split(self) -> str: ...
    @property
    def against(self) -> str: ...


def of_returns(run: Reading, score: Scored, trouble: str) -> tuple[Tone, str, str] | None:
    """(tone, answer, why): the returns beside policies that know nothing, beside the environment's own mark and beside those of
    the log that was learned from; None where neither of the first two is known."""
    found = _of_returns(run, score, trouble)
    beside, below = beside_log(run, score.name, score.value, score.split, score.rows)
    if found is None or not beside:
        return found
    tone, answer, why = found
    why = f"{why[:-1]}; {beside}."
    return ("partly", "Partly", why) if below and tone == "yes" else (tone, answer, why)


def _of_returns(run: Reading, score: Scored, trouble: str) -> tuple[Tone, str, str] | None:
    name, value, episodes, against = score.name, score.value, score.rows, score.against
    details = run.evaluated.get(score.split, {})
    goal, known = goal_of(run, name), policies(details)
    if goal is None and not known:
        return None
    many = "its" if episodes is None else count(episodes)
    does = "scores" if name == "score" else "returns"
    told, why = f"It {does} {metric(name, value)} on average over {many} {score.split} {run.row[1]}", missing(details)
    together = pairs(details) if name == "return" else None
    few = episodes if together is None else len(together.ours)
    if known:
        best = max(known, key=lambda each: each.mean)
        told += f", {best.what} {metric(name, best.mean)}" if together is None else together.in_words()
        told += f" ({why})" if why else ""
    else:
        told += f"; there is no baseline{': ' * bool(why)}{why}"
    but = f"; {trouble}" if trouble else ""
    if known and few is not None and few < FEWEST and (together is not None or against in ("better", "little")):
        return "open", "Not known", f"{told}: too few {run.row[1]} to tell a difference from chance{but}."
    if against == "worse":
        return "no", "No", f"{told}, which is more{but}."
    if against == "unsure":
        return "no", "No" if trouble else "Not clearly", f"{told}: not a difference beyond chance{but}."
    if UNTRAINED in why:  # it is no better than a search without it, for all that is known
        return (
            "open",
            "Not known",
            f"{told}: what of that was learned, and what a search sees by itself, is not known{but}.",
        )
    if goal is None:
        return ("partly", "Partly", f"{told}; but {trouble}.") if trouble else ("yes", "Yes", f"{told}.")
    mark = f"{goal:g}, from which the environment counts as solved"
    if value < goal:
        return "partly", "Partly", f"{told}; it has not reached {mark}{but}."
    if trouble:
        return "partly", "Partly", f"{told}, and has reached {mark}; but {trouble}."
    return "yes", "Yes", f"{told}, and has reached {mark}."


def further_sentences(run: Reading, name: str, split: str) -> list[str]:
    """Of the other policies that know nothing, and of the mark."""
    known = sorted(policies(run.evaluated.get(split, {})), key=lambda each: -each.mean)
    told = [f"{each.what}: {metric(name, each.mean)}" for each in known[1:]]
    goal = goal_of(run, name)
    return told if goal is None else [*told, f"solved from {goal:g}"]


def experience_lines(run: Reading) -> list[tuple[str, str]]:
    """(question, answer) of how training went: what its own episodes returned, how many steps it took, and what ended it."""
    found = run.result.get("experience")
    if not isinstance(found, Mapping):
        return []
    steps, per_s, returned = (_number(found.get(each)) for each in ("environment_steps", "per_s", "train_return"))
    told = [] if steps is None else [f"{count(steps)} steps of the environment"]
    if told and per_s:
        told[0] += f", {rate(per_s)} a second"
    if told and steps and (updates := _number(run.result.get("steps"))):
        told[0] += f", {number(updates / steps, 2)} updates for each"
    if returned is not None:
        told.append(
            f"{_lately(_number(found.get('episodes')))} returned {metric('return', returned)} on average, exploring"
        )
    lines = [("While training", f"{'; '.join(told)}.")] if told else []
    reached = run.result.get("reached")
    if isinstance(reached, Mapping):
        name, value, after = str(reached.get("metric")), _number(reached.get("value")), _number(reached.get("seconds"))
        at = f"validation {metric_name(name)} {metric(name, value)} reached the value of --stop-at"
        lines.append(("Stopped", f"{at[:1].upper()}{at[1:]}{'' if after is None else f' after {duration(after)}'}."))
    missed = run.result.get("not_reached")
    if isinstance(missed, Mapping):
        name, best = str(missed.get("metric")), _number(missed.get("best"))
        wanted = number(_number(missed.get("wanted")) or 0.0)
        found = "" if best is None else f"; the best evaluation gave {metric(name, best)}"
        lines.append(("Not reached", f"A validation {metric_name(name)} of {wanted} (--stop-at){found}."))
    return lines


def _lately(episodes: float | None) -> str:
    """Which episodes of training a mean return is of. episodes: that ended, where that is known

    >>> _lately(9), _lately(1), _lately(4000), _lately(None)
    ('its 9 episodes that ended', 'its only episode that ended', 'its last 100 episodes', 'its last 100 episodes')
    """
    if episodes is None or episodes >= LATELY:
        return f"its last {LATELY} episodes"
    return "its only episode that ended" if episodes == 1 else f"its {count(episodes)} episodes that ended"


def long_enough(run: Reading, ended: str, *, learned: bool = True) -> tuple[str, str]:
    """(the answer, why): whether it was trained for long enough, by its validation returns.

    ended: what ended it, in words;  learned: whether it is better than a policy that knows nothing
    """
    name, found = run.metric, course(metric_of(run, run.metric), higher=True)
    goal, scores = goal_of(run, name), run.result.get("metrics") or {}
    best = (scores.get(run.split) or {}).get(name)  # of the kept weights
    if run.result.get("status") == "reached":
        return "Yes", "it stopped where it was as good as it was to be"
    if goal is not None and isinstance(best, int | float) and best >= goal:
        return "Yes", f"it reached {goal:g}, from which the environment counts as solved"
    if goal is not None and isinstance(best, int | float):
        return "Perhaps not", f"it had not reached {goal:g}, from which the environment counts as solved, when {ended}"
    if best is None and found is None:
        return "Not known", f"no evaluation had come to a figure when {ended}"
    if not learned:
        return "Perhaps not", f"it had not been found better than a policy that knows nothing when {ended}"
    if found is None or found.count < FEWEST:
        return (
            "Not known",
            f"it was evaluated only {'once' if found is None or found.count < 2 else 'twice'} before {ended}",
        )
    if found.at >= found.last_at:
        return "Perhaps not", f"the validation {metric_name(name)} was highest at the last evaluation, when {ended}"
    highest = f"the validation {metric_name(name)} was highest at {axis_of(run)} {place(found.at)}"
    if found.followed < max(2, -(-found.count // FOLLOWED)):
        since = "only one evaluation" if found.followed == 1 else f"only {found.followed} evaluations"
        return "Perhaps not", f"{highest}, which {since} followed before {ended}"
    return "Yes", f"{highest} and not higher at the {found.followed} evaluations since"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
