"""The whole examination of a run, finished or not: what it wrote down, what rules and probes make of it."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sonde.core.config_file import read_config
from sonde.core.damaged import DAMAGE
from sonde.core.errors import SondeError
from sonde.core.files import read_json
from sonde.core.findings import NOTICES, WORST_FIRST, Finding, grouped, hushed, read_back, silenced
from sonde.core.run_folder import RunFolder
from sonde.core.run_state import folds_of
from sonde.diagnose.differential import Probing, judged
from sonde.diagnose.recorded import judged_since, looked_at, seen_of, suspicion_of, whole_samples, with_calls
from sonde.diagnose.rules.experience import outlived
from sonde.diagnose.rules.table import rules_for
from sonde.diagnose.seen import Context, Seen
from sonde.diagnose.suspicion import Suspicion, ranked, shown
from sonde.diagnose.trials import Trial
from sonde.engine.json_lines import read_lines
from sonde.report.pooling import together
from sonde.run.cure import Cure, cured
from sonde.run.examining import context_from, evaluations_of, has_targets, peak_of
from sonde.run.reopened import Given, Reopened, reopened
from sonde.run.resolve import CUSTOM_MODULE
from sonde.screen.diagnosis import answered
from sonde.screen.screen import Screen
from sonde.tasks.table import TASKS, spec

SECONDS = 60.0  # for all probes together
LOOKS = 16  # batches whose losses are looked at


@dataclass(frozen=True, kw_only=True, repr=False)
class Examination:
    """What is wrong with a run, and how that was found out.

    findings: the likeliest cause first
    trials:   what was tried on its network, one after the other
    left:     why nothing could be tried, in words; empty where something was
    cure:     what the remedy of the first finding did, where that was asked for
    """

    findings: Sequence[Finding]
    trials: Sequence[Trial] = ()
    left: str = ""
    cure: Cure | None = None
    seen: Seen | None = None

    def respelled(self, spelling: Callable[[str], str]) -> "Examination":
        """With all that a person reads in another spelling than the command line's."""
        return replace(
            self,
            findings=[replace(f, evidence=spelling(f.evidence), action=spelling(f.action)) for f in self.findings],
            trials=[
                replace(trial, question=spelling(trial.question), said=spelling(trial.said)) for trial in self.trials
            ],
            left=spelling(self.left),
            cure=None if self.cure is None else self.cure.respelled(spelling),
        )

    def __repr__(self) -> str:
        """What was found by name, and how many trials were made, in one line: `show` has told the rest."""
        named = [(each.severity, each.name or each.check) for each in self.findings]
        loud = [name for severity, name in named if severity != "note"]
        notes = [name for severity, name in named if severity == "note"]
        parts = [", ".join(loud) or "nothing found", f"notes: {', '.join(notes)}" if notes else ""]
        tried = f"{len(self.trials)} trials" if self.trials else "nothing was tried"
        return f"Examination({'; '.join(filter(None, [*parts, tried]))})"


def examine(
    folder: RunFolder,
    given: Given,
    screen: Screen,
    *,
    silence: Collection[str] = (),
    cure: bool = False,
    seconds: float = SECONDS,
) -> Examination:
    """Examine a run; nothing is written into its folder.

    silence: names of findings that are to be notes;  cure: whether the first finding's remedy is tried;  seconds: for probes
    Raises: SondeError subclasses for data or a network that are not the run's
    """
    silence = _meant(silence)
    if folds := folds_of(folder.path):
        left = f"a cross-validation has no network of its own; try one of its folds, such as sonde doctor {folds[0]}"
        untried = Cure(finding="", why=f"see sonde doctor {folds[0]} --cure") if cure else None
        return replace(read_only(folder, silence=silence), left=left, cure=untried)
    again = reopened(folder, given, screen)
    if isinstance(again, str):
        untried = Cure(finding="", why="for the same reason; each finding says what to change") if cure else None
        return replace(read_only(folder, silence=silence), left=again, cure=untried)
    with again.apart():
        seen, suspicions, trials, left = _tried(folder, again, screen, seconds)
        findings = _findings(folder, suspicions, silence)
        made = _cure(again, findings, screen) if cure else None
    return Examination(findings=findings, trials=trials, left=left, cure=made, seen=seen)


def _cure(again: Reopened, findings: Sequence[Finding], screen: Screen) -> Cure:
    if _acts({"task": again.config.task}):
        return Cure(finding="", why=f"remedies are compared by a loss, and {RETURNS}")
    if again.lost:
        return Cure(finding="", why=f"remedies are compared in the run's own steps, and {_own(again)}")
    return cured(again, findings, screen)


def _own(again: Reopened) -> str:
    """Of what others stand in for."""
    names = [each.partition(" ")[0] for each in again.lost]
    call = ", ".join(f"{name}=…" for name in names)
    return (
        f"its {' and its '.join(again.lost)} cannot be rebuilt from the run folder; sonde.doctor(folder, {call}) takes "
        f"the {' and '.join(names)} that the run was given"
    )


def read_only(folder: RunFolder, *, silence: Collection[str] = ()) -> Examination:
    """Examine what a run wrote down; nothing is tried. Raises: ConfigError for a name to silence that no finding has"""
    silence = _meant(silence)
    if folds := folds_of(folder.path):
        return Examination(findings=_of_folds(folds, silence))
    seen = _seen(folder, _context_alone(folder))
    return Examination(findings=_findings(folder, _asked(folder, seen), silence), seen=seen)


def show(found: Examination, screen: Screen) -> None:
    """Print an examination: the findings, what was tried, and what a remedy did."""
    screen.diagnosis([finding.as_dict() for finding in found.findings])
    if found.trials:
        rows = [(trial.question, answered(trial.answer), trial.said) for trial in found.trials]
        screen.table("what was tried", ["question", "answer", "what was measured"], rows)
    titles, signs = found.seen.course.signs() if found.seen is not None else ([], [])
    if signs:
        screen.table("how the policy did while it trained", titles, signs)
    if found.left:
        screen.say(f"nothing could be tried: {found.left}")
    if found.cure is None:
        return
    if not found.cure.why:
        columns = ["setting", "steps", "training loss at the end", "loss on other rows", "difference", "which is"]
        screen.table(f"remedies for {found.cure.finding}, from {found.cure.at}", columns, found.cure.rows())
    screen.say(found.cure.line)


def _of_folds(folds: Sequence[Path], silence: frozenset[str]) -> list[Finding]:
    """What was found in the folds of a cross-validation, each once, in which of them, the most severe first."""
    each = [
        (int(fold.name.removeprefix("fold-")), read_only(RunFolder(fold), silence=silence).findings)
        for fold in folds
        if RunFolder(fold).config.exists()  # one that has just begun may have none yet
    ]
    lines = together([(number, [finding.as_dict() for finding in found]) for number, found in each])
    once = {(line["severity"], line["check"]): line for line in reversed(lines)}  # of each the first fold's
    ordered = sorted(reversed(once.values()), key=lambda line: WORST_FIRST.index(line["severity"]))
    return read_back(ordered)


def _meant(silence: Collection[str]) -> frozenset[str]:
    """The names to silence, each by itself. Raises: ConfigError for one that no finding has"""
    return silenced([silence] if isinstance(silence, str) else silence)


ITS_OWN_ACTIONS = (
    "what a policy learns from is what its own actions lead to, and no trial on a few batches stands for that"
)
RETURNS = "a policy is judged by what whole episodes return; train again with what the finding says"
WHOLE_ROWS = "its rows have no targets that could be learned by heart or be shuffled, and it answers by drawing"


def _tried(
    folder: RunFolder, again: Reopened, screen: Screen, seconds: float
) -> tuple[Seen, list[Suspicion], list[Trial], str]:
    """(what is known, suspicions, trials, why none was made); with fresh weights where they can be drawn, and the last ones."""
    beginning, stepper = again.parts("start" if again.from_start else "last")
    total = None if again.plan is None else again.plan.steps
    context = context_from(again.config, beginning, stepper, total=total)
    if again.lost:
        context = _with_another(context, folder)
        instead = "Adam at learning rate 0.001" if _optimizer_is_lost(again) else "a constant learning rate"
        screen.say(f"{_own(again)}; {instead} is used instead")
    seen = _seen(folder, context)
    if context.acts:
        return seen, _asked(folder, seen), [], ITS_OWN_ACTIONS
    held = beginning.evaluation_sources.get("validation")
    probing = Probing(
        stepper,
        beginning.train,
        held,
        peak=None if again.lost else _peak(stepper),
        seconds=seconds,
        when=" as it began",
        targets=has_targets(beginning),
    )
    seen.trace.samples[:] = _completed(seen, stepper, probing)
    probing.guess, probing.floor = _guess(seen), _floor(seen)
    suspicions = _asked(folder, seen)
    if not probing.possible:
        return (
            seen,
            suspicions,
            [],
            "it trains by several losses at a time, or in stages, which cannot be tried one by one",
        )
    screen.say("trying what its network and data can do; nothing of the run is changed")
    suspicions = ranked(judged(seen, suspicions, probing))
    trials = list(probing.made)
    if again.saved is not None and again.from_start:
        now, last = again.parts("last")
        after = Probing(
            last,
            now.train,
            held,
            peak=None,
            guess=_guess(seen),
            floor=_floor(seen),
            when=" as it is now",
            targets=has_targets(now),
        )
        for ask in ("by_heart", "inputs"):
            getattr(after, ask)
        trials += after.made
    return seen, suspicions, trials, "" if trials else WHOLE_ROWS


def _optimizer_is_lost(again: Reopened) -> bool:
    return any(each.startswith("optimizer ") for each in again.lost)


def _with_another(context: Context, folder: RunFolder) -> Context:
    """How a run trained of whose optimiser or schedule only the text is known: nothing is said of its rate."""
    alone = _context_alone(folder)
    return replace(context, optimizer=alone.optimizer, rate=alone.rate, weight_decay=0.0, shares=None, own_rate=True)


def _peak(stepper: Any) -> float | None:
    return None if stepper.main_update.scheduler is not None else peak_of(stepper)


def _completed(seen: Seen, stepper: Any, probing: Probing) -> list[Any]:
    """The samples with what no file keeps of them, from batches that are read again; as they are where those do not fit."""
    try:
        return with_calls(seen.samples, looked_at(stepper, probing.batches[:LOOKS]))
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, AssertionError, SondeError):
        return list(seen.samples)


def _guess(seen: Seen) -> float | None:
    reference = seen.reference()
    return None if reference is None else reference.value


def _floor(seen: Seen) -> float:
    """The least loss there is of smoothed targets: the entropy of one."""
    call = next((call for sample in seen.samples for call in sample.calls), None)
    if call is None or not call.smoothing or len(call.shape) < 2:
        return 0.0
    off = call.smoothing / call.shape[1]
    own = 1 - call.smoothing + off
    return -own * math.log(own) - (call.shape[1] - 1) * off * math.log(off)


def _seen(folder: RunFolder, context: Context) -> Seen:
    done = folder.result.exists()
    return seen_of(
        context,
        metrics=read_lines(folder.metrics),
        signals=read_lines(folder.signals),
        evaluations=evaluations_of(folder.metrics),
        result=_result(folder),
        moment="end" if done else "evaluation",
        since=judged_since(_lines(folder)),
    )


def _result(folder: RunFolder) -> Mapping[str, Any]:
    try:
        found = read_json(folder.result)
    except (OSError, *DAMAGE):
        return {}
    return found if isinstance(found, dict) else {}


def _asked(folder: RunFolder, seen: Seen) -> list[Suspicion]:
    """What the rules suspect and what the run has written down, each name once.

    Of a run that was examined to its end in memory, where more is known, the rules only complete what it said itself.
    """
    said = [suspicion_of(line) for line in _lines(folder) if _is_cause(line)]
    said = [each for each in said if each.step is None or not outlived(seen, each.name)]
    names = {each.name for each in said}
    whole = "diagnosis" in seen.result and len(whole_samples(read_lines(folder.signals))[0]) > 0
    asked = [suspicion for rule in rules_for(seen.context) if (suspicion := rule(seen)) is not None]
    asked = [each for each in asked if each.name in names or not whole]
    fresh = {each.name for each in asked}
    return ranked([*asked, *(each for each in said if each.name not in fresh)])


def _acts(settings: Mapping[str, Any]) -> bool:
    """Whether the task is one of Sonde's that learn from what their actions lead to."""
    name = str(settings.get("task"))
    return name in TASKS and bool(spec(name).experience)


def _context_alone(folder: RunFolder) -> Context:
    """How a run trains, of its settings alone."""
    settings = read_config(folder.config).settings
    plan = read_json(folder.plan) if folder.plan.exists() else {}
    rate, total = settings.get("lr"), plan.get("steps") if isinstance(plan, dict) else None
    batches = plan.get("batches_per_epoch") if isinstance(plan, dict) else None
    return Context(
        own=settings.get("model") == CUSTOM_MODULE,
        by_call=settings.get("model") == CUSTOM_MODULE,
        task=str(settings.get("task")),
        acts=_acts(settings),
        settings=settings if _acts(settings) else {},
        phases=1,
        optimizer=str(settings.get("optimizer")),
        rate=float(rate) if isinstance(rate, int | float) else math.nan,
        rows=int(settings.get("batch_size") or 1),
        batches=batches if isinstance(batches, int) else None,
        total=total if isinstance(total, int) else None,
        clip=float(settings.get("clip") or 0.0),
        weight_decay=float(settings.get("weight_decay") or 0.0),
        pretrained=settings.get("pretrained") is not None,
        accumulate=int(settings.get("accumulate") or 1),
    )


def _findings(folder: RunFolder, suspicions: Sequence[Suspicion], more: Collection[str]) -> list[Finding]:
    """As they are shown: the first few that are sure as warnings, silenced ones as notes at the end."""
    settings = read_config(folder.config).settings.get("silence") or ()
    words = [settings] if isinstance(settings, str) else settings  # of an older run some may be names no more
    silence = {*more, *(name.strip() for word in words for name in str(word).split(","))}
    loud = [each for each in suspicions if each.name not in silence]
    quiet = [Finding(**{**each.finding().as_dict(), "severity": "note"}) for each in suspicions if each.name in silence]
    others = hushed((_as_finding(line) for line in _lines(folder) if not _is_cause(line)), frozenset(silence))
    errors = [each for each in others if each.severity == "error"]
    return errors + [each.finding() for each in shown(loud)] + [each for each in others if each not in errors] + quiet


def _lines(folder: RunFolder) -> list[Mapping[str, Any]]:
    """What a run has found, each once."""
    return [
        first for _, _, (first, *_) in grouped(line for line in read_lines(folder.findings) if line.get("evidence"))
    ]


def _is_cause(line: Mapping[str, Any]) -> bool:
    """Whether a line says what is wrong with how the network trains: a rule's suspicion, or a fact about network and rows."""
    return bool(line.get("name")) and line["name"] not in NOTICES


def _as_finding(line: Mapping[str, Any]) -> Finding:
    """What another check has said, as it was written down."""
    name = str(line.get("name") or "")
    return replace(suspicion_of(line).finding(), check=str(line.get("check")), severity=line["severity"], name=name)
