"""How a time limit is divided during a run, and what is said of what it cut short."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sonde.core.catalogue import load
from sonde.core.durations import parse
from sonde.core.findings import Finding
from sonde.core.pace import making
from sonde.core.seams import abilities_of
from sonde.core.units import duration
from sonde.engine.clock import OF_TRAINING
from sonde.engine.deadline import Deadline
from sonde.engine.evaluate import EvaluationBudget
from sonde.engine.plan import ExecutionPlan, cores
from sonde.engine.training import Training
from sonde.modalities.catalogue import modality
from sonde.run.build import Assembly
from sonde.run.lengths import counted
from sonde.run.resolve import CUSTOM_MODULE
from sonde.run.saved import Saved
from sonde.run.wave_time import BASELINE, LEAST, Share, share_of

TUNING_STEPS, TUNING_SHARE = (
    4,
    0.02,
)  # choosing threads anew costs about so many steps with each; of a limit, at most that
BUSY = 0.75  # of the cores in use, in the mean over the last minute, before this run began
ALLOWED_S, ALLOWED_SHARE = 2.0, 0.05  # more time than the limit that is not worth a word
OVERRUN = "time-limit"  # name of the finding that the limit was not kept
SPARE = 0.015  # of a limit, for a machine that slows down
LENIENT = 1.25  # times as long as expected, which an evaluation may take
AGAIN = 1.5  # times as long as an evaluation that ended nothing must another have to be made
LONGER = 1.25  # times as long as the last, for which those to come of games and episodes are kept time: training changes them
FLOOR_S = 0.5  # of an evaluation: less is not worth leaving rows out
AFTER_S = 0.5  # seconds for the report and the end of the process; of short limits a twentieth


class TimeLimit:
    """Who may take what of a run's time: training until its deadline, its last evaluation after that, and then what is evaluated
    once it is over."""

    _fruitless: tuple[int, float] | None = None  # (step, seconds) of a validation of which not one row was over
    _left_out = False  # whether it was said that validation is left out

    def __init__(
        self,
        assembly: Assembly,
        plan: ExecutionPlan,
        limit_s: float,
        saved: Saved | None = None,
        *,
        looks: bool = False,
    ) -> None:
        """looks: whether validation may come once unasked, to learn how long it takes"""
        self._assembly, self._plan, self.limit_s = assembly, plan, limit_s
        splits = evaluated_last(assembly, saved)
        self._last = splits
        self._quick_s = plan.evaluation_s.get("quick", plan.last_evaluation_s)
        final_s = sum(plan.evaluation_s.get(name, 0.0) for name in [*splits, BASELINE])
        if not plan.evaluation_s:  # planned by an earlier version
            final_s = plan.final_s
        self.deadline = Deadline(
            limit_s * (1 - SPARE) - self._after_s,
            wanted_s=self._quick_s + final_s,
            since_s=assembly.clock.elapsed() if saved is None else saved.elapsed,
            floor_s=FLOOR_S * (len(splits) + ("quick" in plan.evaluation_s)),
            look_s=self._quick_s if looks and self._quick_s else None,
        )
        # of another limit the plan measured anew
        if saved is not None and not saved.new_limit and (ratio := saved.state["progress"].get("evaluation_ratio")):
            self.deadline.measured(ratio)

    @property
    def _after_s(self) -> float:
        return after_seconds(self.limit_s, self._assembly.clock.slowed())

    @property
    def _left_s(self) -> float:
        """Seconds until the report."""
        return self.limit_s - self._after_s - self._assembly.clock.elapsed()

    def _expected(self, name: str) -> float:
        """Seconds that a split's evaluation is expected to take, by what the last one took."""
        return self._plan.evaluation_s.get(name, 0.0) * self.deadline.ratio

    @property
    def _least_s(self) -> float:
        """The same of the smallest part of one that tells anything; 0 where any part does."""
        return self._expected(LEAST)

    def measured(self, budget: EvaluationBudget, *, step: int | None = None) -> None:
        """Learn from an evaluation while training went on what those to come will take. step: at which"""
        if budget.nothing and step is not None:
            self._fruitless = step, budget.took_s
            if self._hopeless(min(self.deadline.kept_s, self._left_s)):
                self.deadline.give_up()
        elif budget.evaluated:
            self._fruitless = None
        expected, rows = self._plan.evaluation_s.get("quick"), budget.rows
        if not expected or not rows or not budget.took_s:
            return
        if budget.evaluated and (budget.whole or not budget.played):
            longer = LONGER if budget.played else 1.0
            self.deadline.measured(longer * budget.took_s / budget.evaluated * rows / expected)
        else:  # of games that were cut short it is not known how long the rest would have taken
            self.deadline.measured(budget.took_s / expected, at_least=True)

    def while_training(self) -> EvaluationBudget:
        """For one evaluation of the validation rows; over at once where it would come to nothing, or leave nothing for others."""
        training_s = self.deadline.training_s - self._assembly.clock.elapsed()
        last = self._last_share
        share = Share(training_s + last.aim, training_s + last.most)
        budget = self._budget("validation", share, expected=self._expected("quick"))
        budget.stopped = budget.told = self._hopeless(budget.left_s)
        if not budget.stopped and budget.left_s < self._least_s:
            self._leave_out(budget)
        return budget

    def _leave_out(self, budget: EvaluationBudget) -> None:
        """Not even a wave of it is played."""
        budget.stopped, budget.told, self._left_out = True, self._left_out, True
        budget.why = f"a pair of games against each opponent may take {duration(self._least_s)}, and others come first"

    def _hopeless(self, seconds: float) -> bool:
        """Whether an evaluation in so many seconds is expected to give no figure, as the last one has given none."""
        return self._fruitless is not None and seconds <= AGAIN * self._fruitless[1]

    @property
    def _last_share(self) -> Share:
        """For the training's last evaluation: all it may take where that leaves half to those that follow. Episodes are played
        side by side, so that most of the time it takes may come to not one that is over; games in waves, each of which gets time.
        """
        if least_s := self._least_s:
            last = [name for name in self._last if name != "validation"]
            expected = {name: self._expected(name) for name in [*last, BASELINE]}
            expected["validation"] = self._expected("quick")
            return share_of(["validation", *last], self.deadline.kept_s, expected, least_s) or Share(0.0, 0.0)
        wanted_s = LENIENT * self.deadline.ratio * self._quick_s
        planned_s = self.deadline.share * self.deadline.ratio * self._quick_s
        last_s = min(wanted_s, max(planned_s, self.deadline.kept_s / 2))
        return Share(last_s, last_s)

    def at_the_end(self, splits: Sequence[str]) -> EvaluationBudget:
        """For the first of these splits; the others are still to come, and get what they are expected to take.

        It is over at once where validation ended nothing in about as much time
        """
        expected = {name: self._expected(name) for name in [*splits, BASELINE]}
        share = share_of(splits, self._left_s, expected, self._least_s)
        budget = self._budget(splits[0], share or Share(0.0, 0.0), expected=expected[splits[0]])
        tried = len(splits) == 1 and not self.deadline.given_up  # since nothing else is to be done in that time
        budget.stopped = self._hopeless(budget.left_s) and not tried
        budget.told = budget.stopped and splits[0] == "validation"
        if share is None and not budget.stopped:
            self._leave_out(budget)
        return budget

    def for_samples(self, coming: Sequence[str]) -> float:
        """Seconds for the samples of a report: what the splits to come leave, and a little in any case."""
        expected = sum(map(self._expected, coming))
        return max(ALLOWED_S / 2, ALLOWED_SHARE / 2 * self.limit_s, self._left_s - expected)

    def _budget(self, split: str, share: Share, *, expected: float | None) -> EvaluationBudget:
        rows = rows_of(self._assembly, split)
        row_s = expected / rows if expected and rows else None
        aim_s = max(FLOOR_S, share.aim)
        return EvaluationBudget(max(FLOOR_S, share.most), rows=rows, row_s=row_s, aim_s=aim_s)

    def parts(self, budgets: Mapping[str, EvaluationBudget]) -> dict[str, dict[str, Any]]:
        """For result.json, of splits that were not evaluated on all their rows: on how many, of how many, and what they are."""
        partly = {split: budget for split, budget in budgets.items() if not budget.whole}
        return {
            split: {"rows": budget.evaluated, "of": budget.rows, "called": self._rows}
            for split, budget in partly.items()
        }

    def cut_short(
        self, budgets: Mapping[str, EvaluationBudget], *, step: int | None = None, before: bool = False
    ) -> list[Finding]:
        """That evaluations were of a part of their rows, or of none.

        step: at which, where that is not the end;  before: whether validation was evaluated while training went on
        """
        limit, rows = parse(self.limit_s, bare="seconds"), self._rows
        at = "" if step is None else f" at step {step:,}"
        untold = {split: each for split, each in budgets.items() if not each.told}
        partly = {split: each for split, each in untold.items() if not (each.whole or each.nothing)}
        found = _left_out({split: each for split, each in untold.items() if each.why}, at)
        found += self._nothing(
            {split: each for split, each in untold.items() if each.nothing and not each.why}, step, before
        )
        if not partly:
            return found
        told = [f"{split}{at} on {in_words(budget, rows)}" for split, budget in partly.items()]
        which = {budget.which for budget in partly.values()}
        if len(which) > 1:
            told = [words + budget.which for words, budget in zip(told, partly.values(), strict=True)]
        behind = which.pop() if len(which) == 1 else ""
        partial = Finding(
            check="partial evaluation",
            name="partial-evaluation",
            severity="warning",
            evidence=f"evaluated {' and '.join(told)}{behind}: the time limit left no time for more",
            action=f"give a longer --time-limit than {limit} to evaluate all {rows}",
            step=step,
        )
        return [partial, *found]

    def _nothing(self, budgets: Mapping[str, EvaluationBudget], step: int | None, before: bool) -> list[Finding]:
        """That not one row of some evaluations was over, in one finding."""
        if not budgets:
            return []
        at = "" if step is None else f" at step {step:,}"
        told = [
            f"{split}{at}: not one of {budget.rows or 'the'} {self._rows} was over when the time limit cut the evaluation "
            f"short, after {duration(budget.took_s)}{_of_last(split, before)}"
            if budget.took_s or self._fruitless is None
            else f"{split} was left out: validation had come to nothing in {duration(self._fruitless[1])}"
            for split, budget in budgets.items()
        ]
        less = "" if step is None else f"; evaluations to come that have less than {AGAIN:g} times as long are left out"
        found = Finding(
            check="no evaluation",
            name="nothing-evaluated",
            severity="warning",
            evidence=f"{'; '.join(told)}; so there is no figure{less}",
            action=self._longer(),
            step=step,
        )
        return [found]

    def _longer(self) -> str:
        """What gives an evaluation a figure: no longer time where episodes have no end."""
        if getattr(self._assembly.train, "figures", {}).get("episodes") == 0:
            return "no episode of training has ended either: --max-episode-steps 1000 cuts them off"
        return f"give a longer --time-limit than {parse(self.limit_s, bare='seconds')}, or {self._shorter}"

    @property
    def _shorter(self) -> str:
        """What makes an evaluation that is played take less."""
        if abilities_of(self._assembly.task).playing is not None:  # where games cut off are draws
            return "fewer games (--episodes, --test-episodes), fewer --opponents or fewer --simulations"
        return f"let {self._rows} be shorter (--max-episode-steps)"

    @property
    def _rows(self) -> str:
        """What rows are called."""
        return rows_called(self._assembly)

    def findings(self, training: Training, budgets: Mapping[str, EvaluationBudget], samples: str = "") -> list[Finding]:
        """What the limit cut short, and whether it was kept. samples: how many were made where that is fewer than usual"""
        found = self.cut_short(budgets, before=bool(training.progress.metrics))
        if samples:
            found.append(
                Finding(
                    check="fewer samples",
                    severity="note",
                    evidence=f"the report shows {samples}: the time limit left no time for more",
                    action="sonde sample makes as many as are wanted, by all steps"
                    if self._assembly.config.model != CUSTOM_MODULE
                    else f"give a longer --time-limit than {parse(self.limit_s, bare='seconds')}",
                )
            )
        return [*found, *self.overrun(training)]

    def overrun(self, training: Training) -> list[Finding]:
        """That the run has taken longer by now than its limit, where that is worth a word; what took so long."""
        limit = parse(self.limit_s, bare="seconds")
        taken, steps, spent = training.clock.elapsed(), max(1, training.progress.step), training.clock.spent
        before_s = sum(spent[part] for part in ("startup", "data", "plan"))
        played = making(training.source) is not None
        too_short = before_s > self.limit_s  # for whatever is done in it
        if too_short or taken > self.limit_s + max(ALLOWED_S, ALLOWED_SHARE * self.limit_s):
            step_s = sum(spent[part] for part in OF_TRAINING) / steps
            before = f"{duration(before_s)} until the first step"
            whole = (
                "an update, a step of an environment or a move in a game"
                if played
                else "a step, or a batch of an evaluation,"
            )
            action = f"{whole} that has begun is not interrupted; give more time, or smaller batches"
            if too_short:
                names = {"loading": "startup", "data": "data", "planning": "plan"}
                each = ", ".join(f"{name} {duration(spent[part])}" for name, part in names.items())
                before = f"start-up alone took {duration(before_s)} ({each})"
                action = f"give a longer --time-limit: {duration(before_s)} of it go before the first step"
            return [
                Finding(
                    check="time limit",
                    name=OVERRUN,
                    severity="warning",
                    evidence=f"the run took {duration(taken)} of {limit}: {before}, {counted(steps, 'step')} of "
                    f"{duration(step_s)}, evaluation {duration(spent['evaluation'])}",
                    action=action,
                )
            ]
        return []


def _left_out(budgets: Mapping[str, EvaluationBudget], at: str) -> list[Finding]:
    """That there is no figure of some splits, so that there is one of others."""
    return [
        Finding(
            check="left out",
            severity="note",
            evidence=f"{split} was left out{at}: {budget.why}",
            action="give a longer --time-limit to see how it goes while it trains",
        )
        for split, budget in budgets.items()
    ]


def _of_last(split: str, before: bool) -> str:
    """Which weights there is no figure of, where there is one of others."""
    return (
        ", by the last weights: earlier ones were evaluated, as the curves show"
        if before and split == "validation"
        else ""
    )


def in_words(budget: EvaluationBudget, rows: str) -> str:
    """How many rows were evaluated. rows: what they are called"""
    return f"{budget.evaluated:,} of {'at least ' if budget.rows is None else ''}{budget.rows or budget.seen:,} {rows}"


def after_seconds(limit_s: float, slowed: float = 1.0) -> float:
    """Seconds of a limit that are reserved for the report and the end of the process. slowed: see `Clock.slowed`

    >>> after_seconds(60.0), after_seconds(60.0, 4.0), after_seconds(10.0, 8.0)
    (1.1, 2.6, 1.1)
    """
    return min(slowed * min(AFTER_S, 0.05 * limit_s), 0.1 * limit_s) + 0.01 * limit_s


def evaluated_last(assembly: Assembly, saved: Saved | None) -> list[str]:
    """The splits that are evaluated once the training is over: the validation split is left out
    where its best evaluation was a whole one since this process began, or is kept.
    """
    again = (saved is not None and not saved.judged) or abilities_of(assembly.task).quick_evaluate is not None
    return [name for name in assembly.evaluation_sources if again or name != "validation"]


def rows_called(assembly: Assembly) -> str:
    """What several rows that are evaluated are called: "rows", "episodes"."""
    if assembly.dataset is None:
        return "rows"
    about = modality(assembly.dataset.schema.input.kind)
    return (load(about.row_of)(asdict(assembly.dataset.schema)) if about.row_of else about.row)[1]


def rows_of(assembly: Assembly, split: str) -> int | None:
    """Rows of a split that is evaluated, where they can be counted."""
    if assembly.dataset is None or assembly.config.data.overfit_batches or split not in assembly.dataset.splits:
        order = getattr(assembly.evaluation_sources[split], "order", None)
        return None if order is None else int(order.rows)
    return len(assembly.dataset.splits[split])


def tuner_affordable(plan: ExecutionPlan, limit_s: float | None) -> bool:
    """Whether asking again how many threads are best, which takes steps with each number, is a small part of a time limit."""
    if limit_s is None:
        return True
    once_s = sum(plan.threads_timed.values()) / 1e3
    return 0 < TUNING_STEPS * once_s < TUNING_SHARE * limit_s


def busy_neighbours() -> str:
    """Why threads are not timed under a time limit: others keep the processor busy, and then one step with all threads may take
    seconds, however small it is. Empty where that is not so, or not known.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return f"the processor is busy, load {load:.1f} on {cores()} cores" if load > BUSY * cores() else ""
