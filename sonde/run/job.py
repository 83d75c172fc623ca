"""A job: what is to be trained. An attempt: what one process does for it, in a run folder where it begins or resumes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sonde.core.bounds import flag
from sonde.core.config import TrainConfig
from sonde.core.config_file import read_config
from sonde.core.errors import SondeError
from sonde.core.findings import Finding, hushed, silenced
from sonde.core.run_folder import RunFolder, fresh_path
from sonde.core.seams import Meter
from sonde.diagnose.doctor import Doctor
from sonde.engine.evaluate import EvaluationBudget
from sonde.engine.signals import StopRequest
from sonde.engine.training import Training
from sonde.run.applicable import refuse_without_effect
from sonde.run.build import Assembly
from sonde.run.callers_code import changed_since, refuse_changed
from sonde.run.errors import room_in, words_to_go_on
from sonde.run.lengths import refuse_idle, unit_for_more
from sonde.run.loggers.logger import Logger
from sonde.run.model_file import check_unchanged
from sonde.run.resolve import CUSTOM_MODULE, Resolved
from sonde.run.resume import (
    load_best,
    nothing_to_do,
    rate_jumps,
    refuse_untested,
    remember,
    same_data,
    same_settings,
    saved_length,
    saved_state,
)
from sonde.run.run import Run
from sonde.run.saved import Saved
from sonde.run.side_by_side import as_measured, in_time
from sonde.run.start import mend_schema, write_start
from sonde.run.time_limit import TimeLimit
from sonde.screen.screen import Screen


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be trained, with all in which one training differs from another; `sonde.api.run_job` carries it out.

    resolved:  every setting, with where each came from and why a recipe chose it
    given:     settings that were given by this very call, by name
    about:     what data.json says of the data: their source, form, facts, warnings, splits and fingerprint
    build:     (config, fresh) -> the parts; fresh: whether the run begins, from pre-trained weights where some are given
    name:      (data, model), of which the run folder's name is made where none is given
    found:     what is to be said of the data;  shown: whether the screen has shown it
    own:       a loss and metrics of the caller's own, by the names that config.yaml has
    observers: called with each of the run's records and, where they ask for it, the run (`run/observers`)
    fold:      (folder of the whole, number from 1) -> the job of one fold, where each part of the rows is evaluated in turn
    """

    resolved: Resolved
    given: Mapping[str, Any]
    about: Mapping[str, Any]
    build: Callable[[TrainConfig, bool], Assembly]
    name: tuple[str, str]
    screen: Screen
    found: Sequence[Finding] = ()
    shown: bool = False
    own: Mapping[str, Any] = field(default_factory=dict)
    observers: Sequence[Callable[..., Any]] = ()
    fold: "Callable[[RunFolder, int], Job] | None" = None

    @property
    def config(self) -> TrainConfig:
        """Every setting."""
        return self.resolved.config


@dataclass(kw_only=True)
class Attempt:
    """What one process does for a job: what is known of it once its folder is claimed.

    config:   the job's, as long as the folder's run is to be
    built:    the parts; None where none are needed: each fold builds its own, and a finished run is opened from its folder
    saved:    what a resumed run goes on from
    finished: whether the folder already holds this run, finished
    again:    whether the folder held this run before, so that what is refused must leave it there
    before:   of a resumed cross-validation, its config.yaml as it was
    changed:  what of the caller's code is another than when the folder's run began, in words
    """

    job: Job
    folder: RunFolder
    config: TrainConfig
    built: Assembly | None = None
    saved: Saved | None = None
    finished: bool = False
    again: bool = False
    before: bytes | None = None
    changed: Sequence[str] = ()
    findings: list[Finding] = field(default_factory=list)
    best_meter: Meter | None = None  # of the validation that the best weights came from, in this sitting
    best_budget: EvaluationBudget | None = None  # and under a time limit, how many rows that were
    best_step: int = 0  # and at which step
    best_taken: Mapping[int, Any] = field(default_factory=dict)  # and of episodes, the actions that were taken in them
    limit: TimeLimit | None = None  # once it is planned
    request: StopRequest | None = None  # to stop, while it is under way
    training: Training | None = None  # once it is planned
    doctor: Doctor | None = None  # once it is planned, where one looks on
    told: set[str] = field(default_factory=set)  # evidence of the findings that the screen has shown
    loggers: list[Logger] = field(default_factory=list)  # of trackers that were given, once they have begun

    def meter_of_kept(self, last: int) -> Meter | None:
        """The evaluation of the weights that are kept, in this sitting; None where it is still to be made. last: step of the run,
        whose weights are kept where nothing chooses among them."""
        chosen = self.assembly.objective is not None
        return self.best_meter if chosen or self.best_step == last else None

    @property
    def steps(self) -> int:
        """Steps that are done, those of earlier sittings among them once they are known."""
        return 0 if self.training is None else self.training.progress.step

    @property
    def assembly(self) -> Assembly:
        """The parts of an attempt that trains."""
        assert self.built is not None
        return self.built

    @property
    def run(self) -> Run:
        """The run, with the network where it is in memory."""
        if self.built is None:
            return Run(self.folder)
        dataset = self.built.dataset
        return Run(self.folder, live_task=self.built.task, live_schema=None if dataset is None else dataset.schema)


@contextmanager
def begun(job: Job) -> Iterator[Attempt]:
    """Hold the job's folder for the body's duration, with its run begun, or ready to resume.

    Raises: RunFolderError for a folder that is in use or holds another run, DataError for other data, ConfigError
    """
    place = job.config.place
    folder = None if place.out is None else RunFolder(Path(place.out))
    begins = folder is None or folder.state() == "new" or place.fresh
    # built first, so that what is refused leaves no folder behind, and a run that was to be replaced as it was
    built = _built(job, job.config, fresh=True) if begins else None
    folder = folder or RunFolder(fresh_path(*job.name))
    with folder.claimed(), room_in(folder, words_to_go_on(folder, job.config)):
        begins = folder.state() == "new"
        if place.fresh and not begins:
            read_config(folder.config)  # refuses a folder that is not a run's, which is not ours to clear
            folder.clear()
            begins = True
        attempt = _begin(job, folder, built or _built(job, job.config, fresh=True)) if begins else _go_on(job, folder)
        if job.fold is not None:
            attempt.built, attempt.findings = None, []  # each fold has its own
            job.screen.folder(folder.path)
        yield attempt


def _built(job: Job, config: TrainConfig, *, fresh: bool) -> Assembly:
    """The parts. Raises: ConfigError for a setting of this very call that would have no effect on them."""
    parts, origin = job.build(config, fresh), job.resolved.origin
    # the command line parses those of the task once the data are known, so that they are not among the given
    of_task = getattr(config.task_config, "__dict__", {}) if fresh else {}
    given = {**of_task, **job.given}
    refuse_without_effect(parts, {name: value for name, value in given.items() if origin.get(name) == "typed"})
    return parts


def _begin(job: Job, folder: RunFolder, built: Assembly) -> Attempt:
    built, resolved = in_time(built, job.resolved)
    try:
        write_start(
            folder,
            replace(resolved, config=built.config),
            job.about,
            built,
            folds=job.fold is not None,
            own=job.own,
            in_program=job.screen.output.in_program,
        )
    except SondeError:  # what is refused leaves no folder
        folder.abandon()
        raise
    attempt = Attempt(job=job, folder=folder, config=built.config, built=built, told=_shown(job))
    attempt.findings = _of_data(job)
    return attempt


def _go_on(job: Job, folder: RunFolder) -> Attempt:
    job = replace(job, resolved=as_measured(folder, job.resolved))
    same_settings(folder, job.config, job.about)
    if (
        not folder.data.exists() and not folder.checkpoints.exists()
    ):  # killed before it was written down what it is trained on
        job.screen.say(f"{folder.path} was stopped before its first step: starting from the beginning")
        built = _built(job, job.config, fresh=True)
        folder.clear()
        return replace(_begin(job, folder, built), again=True)
    same_data(folder, job.about, [name for name, value in job.given.items() if value is not None])
    check_unchanged(folder, job.config.model)
    changed = changed_since(folder, job.about.get("code", {}))
    if folder.state() == "finished":
        refuse_changed(folder, changed)
    config, report = saved_length(folder, job.config, job.given), job.screen.say
    if job.fold is not None:
        before = folder.config.read_bytes()
        remember(folder, config, job.resolved.origin)
        return Attempt(
            job=job, folder=folder, config=config, before=before, told=_shown(job)
        )  # each fold goes on by itself
    if nothing_to_do(folder, config.loop):
        refuse_untested(folder, job.about["fingerprint"])
        report(f"{folder.path} already holds this run, finished; {_further(folder, config)}")
        return Attempt(job=job, folder=folder, config=config, built=_opened(job, folder), finished=True)
    saved = saved_state(folder, config.loop, report=report)
    built = _built(job, config, fresh=saved is None)
    if saved is None:
        report(f"{folder.path} has no checkpoint yet: starting from the beginning")
        folder.clear()
        return replace(_begin(job, folder, built), again=True)
    refuse_idle(built, saved, folder)
    mend_schema(folder, built.dataset, report)
    report(f"resuming {folder.path} at step {saved.step:,}")
    if note := rate_jumps(folder, config):
        report(note)
    attempt = Attempt(job=job, folder=folder, config=config, built=built, saved=saved, told=_shown(job))
    attempt.changed = changed
    return attempt


def _opened(job: Job, folder: RunFolder) -> Assembly | None:
    """The caller's own network with the best weights of the finished run; None where the run can build its network itself."""
    if job.config.model != CUSTOM_MODULE:
        return None
    built = job.build(job.config, False)
    load_best(folder, built.task)
    return built


def _further(folder: RunFolder, config: TrainConfig) -> str:
    if config.model == CUSTOM_MODULE:
        return f"give {unit_for_more(config.loop)}=N to train it further, or fresh=True to start over"
    more = f"{flag(unit_for_more(config.loop))} N"
    return f"train it further with: {words_to_go_on(folder, config)} {more}, or start over with --fresh"


def _of_data(job: Job) -> list[Finding]:
    return hushed(job.found, silenced(job.config.loop.silence))


def _shown(job: Job) -> set[str]:
    return {finding.evidence for finding in _of_data(job) if finding.severity != "note"} if job.shown else set()
