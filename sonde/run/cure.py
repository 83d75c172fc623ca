"""Trying the remedy of a finding: the run with the setting that is advised beside an untouched twin, step for step; an A/B."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sonde.core.batch import Batch
from sonde.core.bounds import flag
from sonde.core.config import TrainConfig
from sonde.core.errors import ConfigError, NonFinite
from sonde.core.findings import CAUSES, Finding, name_of
from sonde.diagnose.probes import better
from sonde.diagnose.suspicion import OF_JUDGING
from sonde.diagnose.trials import Paired, drawn, finite, losses_of, paired, pieces
from sonde.engine import random_state
from sonde.engine.evaluate import evaluation_mode
from sonde.engine.loop import steps
from sonde.engine.step import Stepper
from sonde.models.table import MODELS
from sonde.optim.usual import Kind, usual_rate
from sonde.run.build import Assembly
from sonde.run.examining import peak_of
from sonde.run.reopened import At, Reopened, has_setting, with_settings
from sonde.run.resolve import kind_of
from sonde.screen.screen import Screen

STEPS, SECONDS = 100, 30.0  # of each twin, and of all together
LAST = 0.1  # of the steps: the end of a curve
HELD = 16  # batches on which the twins are compared
FEWEST = 10  # steps by which a remedy is judged
FAR = 1000.0  # times another twin's losses: a training loss so high has diverged (`diagnose/divergence`)
LEAST, CHANCE = 1e-3, 0.005  # share of a loss that a remedy must take off, and how seldom that may be luck
USUAL = 1e-3  # rate of Adam and its kin, and of others that have none of their own (`optim/usual`)
OVER_A_RUN = frozenset(
    [
        "few-steps",
        "no-better-than-baseline",
        "overfitting",
        "plateau",
        "still-improving",
        "underfitting",
        "validation-harder-than-training",
        "worse-than-baseline",
        "worse-than-guessing",
    ]
)
OF_TIME = frozenset({"slow-evaluation", "slow-input"})
Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One of the twins: what was set, how far it came, and its losses of the same rows that it was not trained on."""

    said: str
    steps: int
    end: float  # mean training loss of the last steps
    held: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Cure:
    """What the remedies of a finding did beside an untouched twin.

    finding: its name;  at: where the twins began, in words;  why: nothing was tried, in words, or empty
    """

    finding: str
    at: str = ""
    untouched: Arm | None = None
    tried: Sequence[Arm] = ()
    why: str = ""

    def compared(self, arm: Arm) -> Paired:
        """The twin's losses of held rows and a remedy's."""
        assert self.untouched is not None
        return paired(self.untouched.held, arm.held)

    def _is_better(self, arm: Arm) -> bool:
        """Beyond the standard error of the mean; or, where a few rows have losses that drown the others, on nearly all pieces.

        Where one twin has diverged beside the other, its training loss says so: rows that happen to lie far on the right side
        of what it has become have a loss of 0.
        """
        assert self.untouched is not None
        if diverged_beside(self.untouched, arm) or diverged_beside(arm, self.untouched):
            return diverged_beside(self.untouched, arm)
        found, pairs = self.compared(arm), list(zip(self.untouched.held, arm.held, strict=True))
        clearly = found.second < (1 - LEAST) * found.first
        return better(found) or (clearly and by_chance(sum(b < a for a, b in pairs), len(pairs)) < CHANCE)

    @property
    def best(self) -> Arm | None:
        """The remedy that does most, where one helps beyond the noise."""
        helping = [arm for arm in self.tried if self._is_better(arm)]
        helping = [arm for arm in helping if not any(diverged_beside(arm, other) for other in helping)]
        return min(helping, key=lambda arm: statistics.fmean(arm.held), default=None)

    def respelled(self, spelling: Callable[[str], str]) -> "Cure":
        """With the settings in another spelling than the command line's."""
        arms = tuple(replace(arm, said=spelling(arm.said)) for arm in self.tried)
        return replace(self, at=spelling(self.at), why=spelling(self.why), tried=arms)

    @property
    def line(self) -> str:
        """What it comes to, in a sentence."""
        if self.why:
            return f"no remedy was tried: {self.why}"
        if (best := self.best) is not None:
            return f"train again with {best.said}; this run was not changed"
        assert self.untouched is not None
        if not any(math.isfinite(arm.end) for arm in (self.untouched, *self.tried)):
            return (
                "the loss becomes non-finite with each of them: the cause is not a setting but the network or the rows"
            )
        return "none of them is better by more than the noise of so few steps"

    def rows(self) -> list[tuple[str, ...]]:
        """A row for each twin: what was set, steps, training loss at the end, loss of held rows, difference, what that means."""
        if self.untouched is None:
            return []
        first = self.untouched
        rows = [("as it is", f"{first.steps}", finite(first.end), finite(statistics.fmean(first.held)), "", "")]
        for arm in self.tried:
            found = self.compared(arm)
            apart = found.apart if math.isfinite(found.difference) else ""
            held = finite(statistics.fmean(arm.held))
            rows.append((arm.said, f"{arm.steps}", finite(arm.end), held, apart, self._which_is(arm)))
        return rows

    def _which_is(self, arm: Arm) -> str:
        assert self.untouched is not None
        if diverged_beside(self.untouched, arm):
            return "better (by the training loss)"
        if diverged_beside(arm, self.untouched):
            return "worse (by the training loss)"
        found = self.compared(arm)
        if self._is_better(arm):
            return "better"
        if math.isinf(found.first) and math.isinf(found.second):
            return "no better"
        return "worse" if found.beyond else "within the noise"


def diverged_beside(arm: Arm, other: Arm) -> bool:
    """Whether a twin's training loss is so far above all losses of another that it has diverged beside it; what is learnt by
    heart is not enough, so the other's losses of held rows count too.

    >>> wild, tame = Arm(said="", steps=9, end=1e8, held=(0.0,)), Arm(said="", steps=9, end=1e-6, held=(0.5,))
    >>> diverged_beside(wild, tame), diverged_beside(Arm(said="", steps=9, end=0.1, held=(0.5,)), tame)
    (True, False)
    """
    if not (math.isfinite(arm.end) and math.isfinite(other.end) and math.isfinite(statistics.fmean(other.held))):
        return False  # then the losses of held rows, which are not finite either, say it
    return arm.end > FAR * max(abs(other.end), abs(statistics.fmean(other.held)))


def by_chance(lower: int, of: int) -> float:
    """How likely so many of so many pairs, or more, are lower where neither side is: the sign test (Dixon and Mood 1946).

    >>> by_chance(3, 3), by_chance(2, 3)
    (0.125, 0.5)
    """
    return sum(math.comb(of, each) for each in range(lower, of + 1)) / 2**of


def remedies(name: str, config: TrainConfig, rate: float) -> list[Values]:
    """Settings that are tried for a finding of that name, the mildest first; none where no setting is to blame.

    rate: the run's, where --lr does not name it
    """
    found = settings_for(config, rate).get(name, [])
    return [values for values in found if all(has_setting(config, setting) for setting in values)]


def settings_for(config: TrainConfig, rate: float) -> dict[str, list[Values]]:
    """What is tried, by the name of a finding; beside shares of the rate also the optimiser's usual one, where far lower."""
    decay, usual = config.optim.weight_decay, usual_rate(str(config.optim.optimizer), _kind(config)) or USUAL

    def lower(*shares: float) -> list[Values]:
        rates = [rate / share for share in shares]
        return [{"lr": each} for each in (*rates, *([usual] if usual < 0.5 * rates[-1] else []))]

    return {
        "learning-rate-too-high": lower(10, 100, 1000),
        "diverged": [*lower(10, 100), {"clip": 1.0}],
        "exploding-gradient": [{"clip": 1.0}, {"lr": rate / 10}],
        "not-finite": [*lower(10), {"clip": 1.0}],
        "dead-units": lower(10, 100),
        "not-learning": [{"lr": rate * 10}, {"lr": rate / 10}],
        "learning-rate-too-low": [{"lr": rate * 10}, {"lr": rate * 100}, {"lr": rate * 1000}],
        "clip-too-tight": [{"clip": 1.0}, {"clip": 0.0}],
        "schedule-keeps-rate-low": [{"schedule": "constant", "warmup": 0.0}],
        "weight-decay-too-strong": [{"weight_decay": decay / 100}, {"weight_decay": 0.0}],
        "dropout-too-strong": [{"dropout": 0.2}, {"dropout": 0.0}],
        "batch-norm-of-few-rows": [{"batch_size": 32}],
    }


def _kind(config: TrainConfig) -> Kind:
    return kind_of(MODELS[config.model]) if config.model in MODELS else "unknown"


def untried(finding: Finding) -> str:
    """Why no twin can tell whether a finding's remedy helps, in a line that says what to do instead."""
    name, todo = name_of(finding.as_dict()), f"; to do: {finding.action}" if finding.action else ""
    if name in OVER_A_RUN:
        return f"{finding.check} shows only over a whole run, and a trial takes {STEPS} steps{todo}"
    if name in OF_TIME:
        return f"{finding.check} costs time, and trials are compared by their loss{todo}"
    if name == "not-finite" and (finding.step or 0) == 1:
        return f"it was not finite at the first step, before any setting had moved a weight{todo}"
    return f"{finding.check} is not caused by a setting, so there is nothing that --cure can try{todo}"


def cause_of(findings: Sequence[Finding]) -> Finding | None:
    """The finding whose remedy is tried: the first that says what is wrong with how the network trains."""
    for each in findings:
        if each.severity == "error" or (each.severity == "warning" and each.name in CAUSES - OF_JUDGING):
            return each
    return None


def cured(again: Reopened, findings: Sequence[Finding], screen: Screen) -> Cure:
    """Try the first finding's remedies, beside a twin without; nothing is written and the run stays as it is.

    All begin with the weights with which the run began, where these can be drawn again: what a wrong setting has made of
    the weights in a whole run is not undone in a hundred steps. Else, and for what begins late, with its last checkpoint.
    """
    first = cause_of(findings)
    if first is None:
        return Cure(finding="", why="nothing was found that a setting could cure")
    optimizers = again.parts("start" if again.from_start else "last")[1]
    name = name_of(first.as_dict())
    wanted = remedies(name, again.config, peak_of(optimizers))
    if not wanted or (name == "not-finite" and first.step == 1):
        return Cure(finding=name, why=untried(first))
    late = _late(first) and again.saved is not None
    at: At = "start" if again.from_start and not late else "last"
    assembly, stepper = again.parts(at, total=_total(again, at))
    held = _held_back(assembly, stepper)
    if len(held) < 4:
        return Cure(finding=name, why="the data cannot be read again, or are too few to compare")
    where = "fresh weights, as at its start" if at == "start" else f"its last checkpoint, step {again.saved.step:,}"  # type: ignore[union-attr]
    screen.say(f"trying {len(wanted)} remedies beside an unchanged copy, from {where}")
    count = _count(again, at, first)
    untouched = _trained(again, at, assembly, stepper, "as it is", held, count, SECONDS / (len(wanted) + 1))
    if math.isfinite(untouched.end):  # one that fails says when, and not for how long there is time
        count = untouched.steps
    arms = [_arm(again, at, values, held, count) for values in wanted]
    tried = [arm for arm in arms if arm is not None]
    return Cure(finding=name, at=where, untouched=untouched, tried=tried)


def _late(finding: Finding) -> bool:
    """Whether a finding is of something that began after the steps that are tried."""
    late = finding.name in ("exploding-gradient", "loss-spikes", "dead-units") or finding.severity == "error"
    return late and (finding.step or 0) > STEPS


def _count(again: Reopened, at: At, finding: Finding) -> int:
    """Steps of each twin: as many as come to where an error ended the run, and a few more."""
    begun = again.saved.step if at == "last" and again.saved is not None else 0
    return max(STEPS, (finding.step or 0) - begun + FEWEST) if finding.severity == "error" else STEPS


def _total(again: Reopened, at: At) -> int | None:
    """Steps over which a schedule goes: from a last checkpoint many are added, or the rate of a finished run were 0."""
    if at == "start" or again.saved is None:
        return None
    return again.saved.step + 10 * STEPS


def _held_back(assembly: Assembly, stepper: Stepper) -> list[Batch]:
    """Rows that no twin is trained on: validation rows, else batches that come much later than those that are."""
    device = stepper.settings.device
    if "validation" in assembly.evaluation_sources:
        return _at_least_four(drawn(assembly.evaluation_sources["validation"], HELD, device))
    return _at_least_four(drawn(assembly.train, STEPS + HELD, device)[-HELD:])


def _at_least_four(batches: Sequence[Batch]) -> list[Batch]:
    found = pieces(batches)
    return found if len(found) >= 8 else pieces(batches, max(4, sum(map(len, batches)) // 8))


def _arm(again: Reopened, at: At, values: Values, held: Sequence[Batch], count: int) -> Arm | None:
    """A twin with other settings; None where these data or this network do not take them."""
    said = " ".join(
        f"{flag(name)} {value:.3g}" if isinstance(value, float) else f"{flag(name)} {value}"
        for name, value in values.items()
    )
    try:
        assembly, stepper = again.parts(at, with_settings(again.config, values), total=_total(again, at))
    except ConfigError:
        return None
    return _trained(again, at, assembly, stepper, said, held, count, math.inf)


def _trained(
    again: Reopened,
    at: At,
    assembly: Assembly,
    stepper: Stepper,
    said: str,
    held: Sequence[Batch],
    count: int,
    seconds: float,
) -> Arm:
    """Train on for `count` steps, or as many as there are seconds for. A loss that is not finite ends it, and is its end."""
    start = again.saved.step if at == "last" and again.saved is not None else 0
    losses, begun, broken = list[float](), time.perf_counter(), False
    with random_state.apart(stepper.settings.device):
        random_state.seed_everything(again.config.machine.seed, stream="dropout")
        try:
            for record in steps(stepper, assembly.train, start=start, stop=start + count):
                losses.append(float(record.losses[record.main]))
                if time.perf_counter() - begun > seconds and len(losses) >= FEWEST:
                    break
        except NonFinite:
            broken = True
        ends = [math.inf] * len(held) if broken else _losses(stepper, held)
    last = losses[-max(1, round(LAST * len(losses))) :]
    return Arm(
        said=said,
        steps=len(losses),
        end=math.inf if broken else statistics.fmean(last) if last else math.nan,
        held=tuple(each if math.isfinite(each) else math.inf for each in ends),
    )


def _losses(stepper: Stepper, held: Sequence[Batch]) -> list[float]:
    """In evaluation mode, so that dropout and the statistics of a batch enter as they do when the network is used."""
    with evaluation_mode(stepper.task.modules):
        return losses_of(stepper, held)
