"""Examining a run while it trains: samples are taken, rules asked, and what they agree on is said once."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import torch
from torch import Tensor

from sonde.core.findings import CAUSES, Finding, hushed
from sonde.core.records import STAGE_BEGINS, EvaluationRecord, EventRecord, Record, StepRecord
from sonde.core.seams import Task
from sonde.diagnose.acted import Logged
from sonde.diagnose.differential import Probing, told_apart
from sonde.diagnose.recorded import suspicion_of
from sonde.diagnose.rules.experience import outlived
from sonde.diagnose.rules.table import rules_for
from sonde.diagnose.seen import Context, Evaluated, Moment, Seen
from sonde.diagnose.signals.answers import Answers, EvaluationWatch
from sonde.diagnose.signals.readings import in_words
from sonde.diagnose.signals.sample import Sample, Trace
from sonde.diagnose.signals.sampler import Sampler
from sonde.diagnose.suspicion import Suspicion, fact, ranked, shown
from sonde.engine.step import Stepper

SHORT = 20  # steps: of a run of fewer, a trial, only facts are said, and
OF_SHORT = frozenset({"still-improving"})
OF_EVALUATIONS = 0.003  # of the time since the last evaluation that was looked on: what the next look may take besides
NOT_BEFORE = 50  # steps: what is only likely waits for more
UNREAD = 200  # losses that may wait on the device


class Doctor:
    """Looks at steps (`looking`), reads a run's records as an observer, and reports findings, each name once.

    A fact is said as soon as it is seen. What is only likely must be seen at two examinations in a row, and after `NOT_BEFORE`
    steps; at an evaluation and at the end all is said that is left. A rule that raises is left out from then on, and a note says
    so: no run ends by what looks on.
    """

    name = "doctor"

    def __init__(
        self,
        task: Task,
        stepper: Stepper,
        context: Context,
        *,
        report: Callable[[list[Finding]], None],
        sampled: Callable[[Sample], None],
        silenced: Collection[str] = (),
        first: int = 1,
        logged: Logged | None = None,
    ) -> None:
        """report, sampled: called with what is found and with each sample;  first: step of this sitting's first

        logged: what is logged of a task that acts
        """
        self.seen = Seen(context=context, trace=Trace(first=first))
        self.sampler = Sampler(task, stepper, first=first)
        self._report, self._sampled, self._rules = report, sampled, list(rules_for(context))
        # makes the probes for the end, which tell competing causes apart
        self.probing: Callable[[], Probing] | None = None
        # called with names of what was told at a step and holds no more
        self.withdraw: Callable[[Collection[str]], None] | None = None
        self._logged = logged
        self._silenced, self._said = frozenset(silenced), set[str]()
        self._facts: list[Suspicion] = []
        self._recalled: list[Suspicion] = []  # what earlier sittings took for likely
        self._warnings = 0
        self._before: set[str] = set()  # suspected at the last examination
        self._answers: EvaluationWatch | None = None  # of the latest evaluation
        self._unread: list[Tensor] = []
        self._unread_norms: list[Tensor] = []
        self._main = self._phase = ""  # of the latest step
        self._evaluated = 0.0, 0.0  # seconds that looking on took at the latest evaluation, and when that was
        self._broken = False  # whether a number that is not finite has ended it
        self._blind = False  # whether it was said that nothing is measured any more
        self.diagnosis: list[str] = []  # names of what was said as a warning, the likeliest cause first

    @property
    def next(self) -> int:
        """The next step that is looked at, taken inside `looking`."""
        return self.sampler.next

    def looking(self) -> AbstractContextManager[None]:
        """Around that step, which is called as ever: what lies on a user's stack is the same."""
        self.examine("training")
        return self.sampler.looking()

    def __call__(self, record: Record) -> None:
        """As an observer of the run: losses are kept, and evaluations are an occasion to examine it."""
        if type(record) is StepRecord:
            if self.sampler.looked:
                self.sampler.saw(record)
            self._keep(record)
            if self._logged is not None and record.step % self._logged.every == 0:
                parts = {name: float(part) for name, part in record.losses.items() if not name.endswith("/loss")}
                self.seen.course.add(record.step, {**parts, **self._logged.figures()})
        elif isinstance(record, EvaluationRecord):
            answers, self._answers = self._answers, None
            self.seen.evaluations.append(
                Evaluated(
                    step=record.step,
                    epoch=record.epoch,
                    metrics=dict(record.metrics),
                    seconds=record.seconds,
                    answers=None if answers is None else self._counted(answers),
                )
            )
            if self.sampler.allowance.wait_s() <= 0:
                self.examine("evaluation")
        elif isinstance(record, EventRecord) and record.event == STAGE_BEGINS:
            self._begin_stage(record.step)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Around an evaluation on validation rows: what its losses are called with is looked on; of the first one in any case,
        so that it is known what guessing has there, and of others where the last time took little: in a short run, whose
        allowance its first steps have spent, they are all that is seen later on."""
        allowance = self.sampler.allowance
        seconds, at = self._evaluated
        costly = seconds > OF_EVALUATIONS * (allowance.elapsed() - at)
        if self._blind or self.sampler.compiled or (costly and allowance.wait_s() > 0):
            yield
            return
        watch = EvaluationWatch()
        with watch:
            yield
        allowance.spent += watch.seconds
        self._evaluated = watch.seconds, allowance.elapsed()
        self._answers = watch

    def told(self, findings: Iterable[Finding]) -> None:
        """Take note of what other checks have said: warnings about the program or the data, before what is only likely."""
        sure = [fact(each) for each in findings if each.severity != "note" and each.certainty == "certain"]
        self._facts += [each for each in sure if each.name not in self._said]
        self._said |= {each.name for each in sure}

    def take_up(self, before: Iterable[Finding]) -> None:
        """Know what earlier sittings said: none of it is said again, warnings count among those shown and stay a diagnosis."""
        known = [each for each in before if each.name in CAUSES]
        likely = [each for each in known if each.severity == "warning" and each.certainty != "certain"]
        self._recalled = [suspicion_of(each.as_dict()) for each in likely]
        self._warnings += sum(each.severity == "warning" for each in known)
        self.told(known)
        self._said |= {each.name for each in known}

    def _begin_stage(self, step: int) -> None:
        """Forget what came before a stage, whose losses are others. step: its first, which is done"""
        self._read()
        trace = self.seen.trace
        if step <= trace.first:
            return
        skip, self._recalled = step - trace.first, []
        later = [each for each in trace.samples if each.step >= step]
        self.seen.trace = Trace(losses=trace.losses[skip:], norms=trace.norms[skip:], first=step, samples=later)
        self.seen.evaluations, self.seen.earlier = [], ()

    def _keep(self, record: StepRecord) -> None:
        main = record.main
        loss = record.losses.get(main)
        if loss is None:
            return
        if main is not self._main:
            self._main, self._phase = main, main.partition("/")[0]
        norm = record.norms.get(self._phase)
        if loss.is_cpu:  # nothing to wait for: read while it is at hand
            self.seen.trace.losses.append(loss.item())
            if norm is not None:
                self.seen.trace.norms.append(norm.item())
            return
        self._unread.append(loss)
        if norm is not None:
            self._unread_norms.append(norm)
        if len(self._unread) >= UNREAD:
            self._read()

    def examine(self, moment: Moment) -> list[Suspicion]:
        """Ask every rule and report what is new and sure enough; the suspicions, the likeliest cause first."""
        with self.sampler.allowance.spending():
            return self._examine(moment)

    def _examine(self, moment: Moment) -> list[Suspicion]:
        self._read()
        self.seen.moment = moment
        self._take_back()
        asked, notes = self._asked()
        each_once: dict[str, Suspicion] = {}
        for each in (*self._facts, *asked, *self._recalled):
            each_once.setdefault(each.name, each)
        found = ranked(each_once.values())
        if moment == "end" and self.probing is not None:
            found = ranked(told_apart(self.seen, found, self.probing()))
        ripe = [each for each in found if each.name not in self._said and self._ripe(each, moment)]
        self._before = {each.name for each in found}
        self._said |= {each.name for each in ripe}
        sure = [each.name for each in found if each.name in self._said and each.certainty != "suspected"]
        self.diagnosis = [name for name in sure if name not in self._silenced]
        told = shown(ripe, self._warnings)
        findings = [*notes, *(self._finding(each) for each in told)]
        self._warnings += sum(each.severity == "warning" for each in findings)
        if findings:
            self._report(findings)
        return found

    def _take_back(self) -> None:
        """Withdraw facts about experience that have not lasted; those of an environment before any step stay."""
        kept = {each.name for each in self._facts if each.step is None}
        gone = {name for name in self._said - kept if outlived(self.seen, name)}
        if gone:
            self._facts = [each for each in self._facts if each.name not in gone]
            self._said -= gone
            if self.withdraw is not None:
                self.withdraw(gone)

    def finish(
        self, spent: Mapping[str, float] | None = None, *, failed: bool = False, broken: bool = False
    ) -> list[Suspicion]:
        """The last examination. spent: seconds of the run's parts

        failed: whether an error ended the training;  broken: whether that was a number that is not finite, of which the cause
        lies in what was seen before, however few the steps
        """
        self.seen.spent = dict(spent or {})
        self._broken = broken
        return self.examine("failure" if failed else "end")

    def _ripe(self, suspicion: Suspicion, moment: Moment) -> bool:
        if (
            self.seen.step < SHORT
            and not self._broken
            and suspicion.certainty != "certain"
            and suspicion.name not in OF_SHORT
        ):
            return False
        if moment in ("end", "failure"):
            return True
        if suspicion.certainty == "suspected":
            return False
        if suspicion.certainty == "certain":
            return True
        return self.seen.step >= NOT_BEFORE and (moment == "evaluation" or suspicion.name in self._before)

    def _finding(self, suspicion: Suspicion) -> Finding:
        return hushed([suspicion.finding()], self._silenced)[0]

    def _asked(self) -> tuple[list[Suspicion], list[Finding]]:
        """What the rules suspect, and notes on those that could not judge this run."""
        found, notes = list[Suspicion](), list[Finding]()
        for rule in list(self._rules):
            try:
                suspicion = rule(self.seen)
            except Exception as trouble:  # a rule of ours that fails is no reason to end a run of somebody's
                self._rules.remove(rule)
                notes.append(self._failed(f"the rule {rule_name(rule)} failed ({in_words(trouble)}) and is left out"))
                continue
            if suspicion is not None:
                found.append(suspicion)
        trouble = self.sampler.trouble
        if trouble and not self._blind:
            self._blind = True
            notes.append(self._failed(f"measuring inside the network failed ({trouble}) and was stopped"))
        return found, notes

    def _failed(self, evidence: str) -> Finding:
        return Finding(
            check="doctor",
            severity="note",
            evidence=f"{evidence}; training is not affected",
            action="nothing; --no-doctor turns the doctor off",
            step=self.seen.step,
        )

    def _counted(self, watch: EvaluationWatch) -> Answers | None:
        try:
            return watch.answers()
        except Exception as trouble:
            self.sampler.trouble = self.sampler.trouble or in_words(trouble)
            return None

    def _read(self) -> None:
        """Read the losses and the sample that wait on the device."""
        if self._unread:
            self.seen.trace.losses.extend(torch.stack(self._unread).tolist())
            if self._unread_norms:
                self.seen.trace.norms.extend(torch.stack(self._unread_norms).tolist())
            self._unread, self._unread_norms = [], []
        for sample in self.sampler.settle():
            self.seen.trace.add(sample)
            self._sampled(sample)


def rule_name(rule: Callable[..., object]) -> str:
    """Its module and name, as `units.dead`."""
    inner = rule.func if isinstance(rule, partial) else rule
    name = getattr(inner, "__name__", type(inner).__name__)
    return f"{getattr(inner, '__module__', '').rpartition('.')[2]}.{name}".lstrip(".")
