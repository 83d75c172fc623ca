"""Examining a run while it trains: samples are taken, rules asked, and what they agree on is said once."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.findings import Finding
from sonde.core.records import STAGE_BEGINS, EvaluationRecord, EventRecord, Record, StepRecord
from sonde.core.seams import Task
from sonde.diagnose.rules.table import RULES
from sonde.diagnose.seen import Context, Evaluated, Moment, Seen
from sonde.diagnose.signals.answers import EvaluationWatch
from sonde.diagnose.signals.sample import Sample, Trace
from sonde.diagnose.signals.sampler import Sampler, may_have_compiled
from sonde.diagnose.suspicion import Suspicion, fact, ranked, shown
from sonde.engine.step import Stepper

AT_ONCE = 3  # steps after which facts are said
NOT_BEFORE = 50  # steps: what is only likely waits for more
UNREAD = 200  # losses that may wait on the device


class Doctor:
    """Takes the steps that are looked at (`step`), reads a run's records as an observer, and reports findings, each name once.

    A fact is said as soon as it is seen. What is only likely must be seen at two examinations in a row, and after `NOT_BEFORE`
    steps; at an evaluation and at the end all is said that is left.
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
        known: Collection[str] = (),
        rules: Sequence[Callable[[Seen], Suspicion | None]] = RULES,
    ) -> None:
        """report, sampled: called with what is found and with each sample;  first: step of this sitting's first
        known: names of what was said in earlier sittings"""
        self.seen = Seen(context=context, trace=Trace(first=first))
        self.sampler = Sampler(task, stepper, first=first)
        self._report, self._sampled, self._rules = report, sampled, rules
        self._silenced, self._said = frozenset(silenced), set(known)
        self._facts: list[Suspicion] = []
        self._warnings = 0
        self._before: set[str] = set()  # suspected at the last examination
        self._answers: EvaluationWatch | None = None  # of the latest evaluation
        self._unread: list[Tensor] = []
        self._unread_norms: list[Tensor] = []
        self.diagnosis: list[str] = []  # names of what was said as a warning, the likeliest cause first

    @property
    def next(self) -> int:
        """The next step that is to be taken by `step`, and looked at."""
        return self.sampler.next

    def step(self, batch: Batch, *, step: int, epoch: int) -> StepRecord:
        """Take a step in the stepper's place, and measure it. Raises: what the stepper does"""
        self.examine("training")
        return self.sampler(batch, step=step, epoch=epoch)

    def __call__(self, record: Record) -> None:
        """As an observer of the run: losses are kept, and evaluations are an occasion to examine it."""
        if type(record) is StepRecord:
            self._keep(record)
        elif isinstance(record, EvaluationRecord):
            answers, self._answers = self._answers, None
            self.seen.evaluations.append(
                Evaluated(
                    step=record.step,
                    epoch=record.epoch,
                    metrics=dict(record.metrics),
                    seconds=record.seconds,
                    answers=None if answers is None else answers.answers(),
                )
            )
            self.examine("evaluation")
        elif isinstance(record, EventRecord) and record.event == STAGE_BEGINS:
            self._begin_stage(record.step)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Around an evaluation on validation rows: what its losses are called with is looked on."""
        if may_have_compiled():
            yield
            return
        watch = EvaluationWatch()
        with watch:
            yield
        self._answers = watch

    def told(self, findings: Iterable[Finding]) -> None:
        """Take note of what other checks have said: warnings about the program or the data, before what is only likely."""
        sure = [fact(each) for each in findings if each.severity != "note" and each.certainty == "certain"]
        self._facts += [each for each in sure if each.name not in self._said]
        self._said |= {each.name for each in sure}

    def _begin_stage(self, step: int) -> None:
        """Forget what came before a stage, whose losses are others. step: its first, which is done"""
        self._read()
        trace = self.seen.trace
        if step <= trace.first:
            return
        skip = step - trace.first
        later = [each for each in trace.samples if each.step >= step]
        self.seen.trace = Trace(losses=trace.losses[skip:], norms=trace.norms[skip:], first=step, samples=later)
        self.seen.evaluations = []

    def _keep(self, record: StepRecord) -> None:
        loss = record.losses.get(record.main)
        if loss is None:
            return
        self._unread.append(loss)
        norm = record.norms.get(record.main.partition("/")[0])
        if norm is not None:
            self._unread_norms.append(norm)
        if len(self._unread) >= UNREAD:
            self._read()

    def examine(self, moment: Moment) -> list[Suspicion]:
        """Ask every rule and report what is new and sure enough; the suspicions, the likeliest cause first."""
        self._read()
        self.seen.moment = moment
        asked = [suspicion for rule in self._rules if (suspicion := rule(self.seen)) is not None]
        found = ranked([*self._facts, *asked])
        ripe = [each for each in found if each.name not in self._said and self._ripe(each, moment)]
        self._before = {each.name for each in found}
        self._said |= {each.name for each in ripe}
        self.diagnosis = [each.name for each in found if each.name in self._said and each.certainty != "suspected"]
        told = shown(ripe, self._warnings)
        findings = [self._finding(each) for each in told]
        self._warnings += sum(each.severity == "warning" for each in findings)
        if findings:
            self._report(findings)
        return found

    def finish(self, spent: Mapping[str, float] | None = None, *, failed: bool = False) -> list[Suspicion]:
        """The last examination. spent: seconds of the run's parts;  failed: whether an error ended the training"""
        self.seen.spent = dict(spent or {})
        return self.examine("failure" if failed else "end")

    def _ripe(self, suspicion: Suspicion, moment: Moment) -> bool:
        if moment in ("end", "failure"):
            return True
        if suspicion.certainty == "suspected":
            return False
        if suspicion.certainty == "certain":
            return True
        return self.seen.step >= NOT_BEFORE and (moment == "evaluation" or suspicion.name in self._before)

    def _finding(self, suspicion: Suspicion) -> Finding:
        finding = suspicion.finding()
        if suspicion.name not in self._silenced:
            return finding
        return Finding(**{**finding.as_dict(), "severity": "note", "action": f"silenced; {finding.action}"})

    def _read(self) -> None:
        """Read the losses and the sample that wait on the device."""
        if self._unread:
            self.seen.trace.losses += torch.stack([each.float() for each in self._unread]).tolist()
            self.seen.trace.norms += torch.stack([each.float() for each in self._unread_norms]).tolist()
            self._unread, self._unread_norms = [], []
        for sample in self.sampler.settle():
            self.seen.trace.samples.append(sample)
            self._sampled(sample)
