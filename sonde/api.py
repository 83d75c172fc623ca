"""Training from Python, by the same names and through the same path as the command line."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from torch import nn

from sonde.comparison.result import Comparison, compare_runs, written
from sonde.core.batch import Batch
from sonde.core.damaged import going_on
from sonde.core.errors import ConfigError, Interrupted
from sonde.core.given_object import an_instance
from sonde.core.overrides import from_keywords
from sonde.core.records import StepRecord
from sonde.core.run_folder import open_run
from sonde.engine import loop
from sonde.engine.clock import Clock, call_began
from sonde.engine.stages import check_total
from sonde.engine.step import Stepper
from sonde.run.applicable import refuse_outside_fit, refuse_without_effect
from sonde.run.build import Assembly, Own
from sonde.run.callers_code import code_of, code_of_data
from sonde.run.checks import checked_on_screen
from sonde.run.computing import check_step
from sonde.run.custom import custom_job, custom_parts, settings_of, task_of
from sonde.run.data_job import Caller, data_job, resumed_job
from sonde.run.diagnosing import Examination, examine, show
from sonde.run.errors import steps_in_one_line
from sonde.run.finish import evaluated, finish
from sonde.run.folds import fold_of, summed_up
from sonde.run.job import Job, begun
from sonde.run.keywords import Keywords, in_keywords
from sonde.run.load import load
from sonde.run.observers import checked, refuse_foreign, refuse_in_steps, refuse_with_folds
from sonde.run.plan import bound_to, unused
from sonde.run.reopened import Given
from sonde.run.run import Run
from sonde.run.signature import with_settings
from sonde.run.train import prepared, under_way, written_down
from sonde.run.updates import check_total_steps
from sonde.screen.screen import Screen
from sonde.settings import FitKeywords, ResumeKeywords, StepsKeywords, TrainKeywords


@with_settings(TrainKeywords)
@Keywords()
def train(
    data: Any,
    *,
    target: Any = None,
    model: str | nn.Module | None = None,
    task: str | None = None,
    metrics: Any = None,
    observers: Sequence[Callable[..., Any]] = (),
    **settings: Unpack[TrainKeywords],
) -> Run:
    """Train on `data` and return the run; whatever is not given is inferred, and what was inferred is printed.

    data: path, name, (inputs, targets), arrays, tensors, data frame, dict of columns, torch Dataset
    target: column name(s) for tables, or the targets as an array
    model: a name (`sonde models`), "file.py:Net" or a torch.nn.Module;  task: a name (`sonde tasks`)
    metrics: of your own, as `sonde.fit` takes them, beside the task's: functions of logits (B, C) and classes (B,), or of
             values and targets (B, T) in the targets' units; monitor= lets one choose the best checkpoint
    observers: functions of a record, or of (record, live): see `sonde.Observer` and `sonde.Live`
    settings: the command line's flags with underscores: epochs=5, lr=1e-3, hidden=(256, 128), out="runs/mine", …; those of every
              shipped model and task are in the signature, those of a "file.py:Net" are its parameters that have a default;
              loss= may also be a function(output, target) -> scalar mean, of logits (B, C) and classes (B,), or of values and
              targets (B, T), both standardised
    Raises: SondeError subclasses for mistakes that the caller can fix
    """
    since, watching = call_began(), _observers(observers, settings)
    if isinstance(model, type):
        raise ConfigError(f"model={model.__name__} is a class; give an instance: model={an_instance(model)}")
    if not isinstance(model, str | nn.Module | None):
        raise ConfigError(f'model takes a name, "file.py:Net" or a torch.nn.Module, not a {type(model).__name__}')
    given: dict[str, Any] = dict(settings)
    if isinstance(target, str):
        given["target"] = (target,)
    elif isinstance(target, list | tuple) and all(isinstance(name, str) for name in target):
        given["target"] = target
    elif target is not None:
        data = (data, target)
    name, module = (model, None) if isinstance(model, str | None) else (None, model)
    own = Own(loss=given.pop("loss") if callable(given.get("loss")) else None, metrics=metrics)
    overrides = from_keywords(given, model=name, task=task)
    code = {
        **code_of(module, loss=own.loss, metrics=metrics, settings=given, observers=observers),
        **code_of_data({"training": data}),
    }
    caller = Caller(screen=_screen(given), module=module, own=own, code=code, begun=since)
    return run_job(replace(data_job(data, overrides, caller), observers=watching))


@with_settings(FitKeywords)
@Keywords()
def fit(
    task: Any,
    train: Any,
    *,
    validation: Any = None,
    test: Any = None,
    loss: Any = None,
    metrics: Any = None,
    observers: Sequence[Callable[..., Any]] = (),
    **settings: Unpack[FitKeywords],
) -> Run:
    """Train your own task, or a plain module with a plain loss function, with the same loop and run folder.

    Afterwards the network has the best weights, and is in evaluation mode.

    task: a `sonde.Task`, or an nn.Module with loss=(output, target) -> scalar mean over the rows. A batch with names is handed
          to `forward` and to the loss by those of their parameters, a tuple by place; the loss may ask for more of the batch by
          name, or for all of it as `batch`. A network whose output has `.loss` needs no other
    train, validation, test: tensors, arrays, tuples, dicts or dataclasses of them, a torch Dataset or DataLoader, a list of
          rows or of batches, a generator function, or a `sonde.Source`. validation=0.2 keeps that share of the rows of data in
          memory or of a Dataset; `test` is evaluated once, at the end, with the chosen weights
    metrics: name -> function(output, target) -> scalar mean over the rows; or a `sonde.Metric`, an object with update and compute
             (torchmetrics), "accuracy" and others by name; or a list of them. The first whose direction is known (declared,
             or by its name) chooses the best weights, else the validation loss; `monitor=` and `mode=` choose otherwise
    observers, settings: as for `sonde.train`
    Raises: SondeError subclasses for mistakes that the caller can fix
    """
    since, watching, name = call_began(), _observers(observers, settings), type(task).__name__.lower()
    whole = task_of(task, loss, metrics, settings.get("monitor"), settings.get("mode"))
    code = code_of(task, loss=loss, metrics=metrics, settings=settings, observers=observers)
    job = custom_job(whole, train, validation, settings, name=name, test=test, code=code, begun=since)
    return run_job(replace(job, observers=watching))


def _screen(settings: Mapping[str, Any]) -> Screen:
    """What a program's caller sees."""
    return Screen(quiet=bool(settings.get("quiet", False)), spelling=in_keywords)


def _observers(observers: Any, settings: Mapping[str, Any]) -> tuple[Callable[..., Any], ...]:
    """Raises: ConfigError for what is no observer, and where none can watch."""
    refuse_foreign(settings)
    watching = checked(observers)
    refuse_with_folds(watching, settings)
    return watching


@with_settings(StepsKeywords)
@Keywords()
def steps(
    task: Any,
    data: Any,
    *,
    loss: Any = None,
    lr: float | None = None,
    total: int,
    **settings: Unpack[StepsKeywords],
) -> Iterator[StepRecord]:
    """The loop itself: an iterator of step records, the weights updated when each is yielded.

    task: a `sonde.Task`, or an nn.Module with `loss=` as for `fit`
    data: a `sonde.Source`, a torch Dataset or DataLoader, or a tuple of tensors
    lr: peak rate; 1e-3 where the optimiser is one of ours, else its own
    total: steps until the schedule ends and the iterator with it; data that can be read only once must hold as many batches
    settings: those of `fit` that say how a step is done: optimizer, schedule, batch_size, precision, threads, …
    Raises: ConfigError for a setting without an effect here, a precision that this machine cannot compute in, or data that
            end before `total` steps; DataError for a first batch that does not fit
    """
    refuse_in_steps(settings)
    whole = task_of(task, loss)
    refuse_outside_fit(settings)
    given = {**settings, **({} if lr is None else {"lr": lr})}
    config = settings_of(whole, given).config
    if config.optim.lr == "auto":
        raise ConfigError(
            "lr='auto' is found before training, which sonde.steps leaves to your own loop; give a number"
        )
    parts = custom_parts(whole, data, None, config, Clock(), typed=settings)
    batches = parts.train.batches
    check_total(whole.phases, total, length=f"total={total}", remedy="give total={steps}", batches=batches)
    refuse_without_effect(parts, from_keywords(given).values)
    check_step(parts)
    stepper = parts.stepper(lr=config.optim.lr, total=total)
    check_total_steps(stepper.updates, total)
    stepper.execution.threads = parts.config.machine.threads or stepper.execution.threads
    checked_on_screen(parts, stepper, _screen(settings))
    return _taken(parts, stepper, total)


def _taken(parts: Assembly, stepper: Stepper, total: int) -> Iterator[StepRecord]:
    """The steps, with what is wrong with the first batch in one line."""
    done = 0

    def remember_first(batch: Batch) -> None:
        parts.first = batch if done == 0 else None
        if done == 0 and (bound := bound_to(parts, batch)) is not None:
            for finding in unused(bound):
                warnings.warn(in_keywords(f"{finding.evidence}; {finding.action}"), stacklevel=4)

    with Keywords(), steps_in_one_line(parts, lambda: done):
        for record in loop.steps(stepper, parts.train, stop=total, on_batch=remember_first):
            done = record.step
            yield record


@with_settings(ResumeKeywords)
@Keywords()
def resume(
    folder: str | Path,
    *,
    data: Any = None,
    screen: Screen | None = None,
    observers: Sequence[Callable[..., Any]] = (),
    **overrides: Unpack[ResumeKeywords],
) -> Run:
    """Resume a run exactly where it stopped; `epochs=20` trains a finished run further.

    data: needed again when the run was trained on arrays in memory
    observers: those of the run, once more; each gets the state that it had kept
    overrides: settings that may change, such as epochs, device, workers, threads
    Raises: RunFolderError, ConfigError for a setting that must not change, DataError when the data changed
    """
    watching = _observers(observers, overrides)
    place, screen = open_run(folder), screen or _screen(overrides)
    with going_on(place.path):
        job = resumed_job(place, data, overrides, screen)
        if job is None:
            return Run(place)
        refuse_with_folds(watching, {"folds": job.fold is not None})
        return run_job(replace(job, observers=watching))


@Keywords()
def doctor(  # noqa: PLR0913  # one for each thing that a run can be given
    folder: str | Path,
    *,
    model: nn.Module | None = None,
    loss: Any = None,
    data: Any = None,
    validation: Any = None,
    optimizer: Any = None,
    schedule: Any = None,
    cure: bool = False,
    silence: Sequence[str] = (),
    quiet: bool = False,
) -> Examination:
    """Examine a run, finished, failed, interrupted or going on; print what is found and return it, the likeliest cause first.

    What the network and the data are able to do is tried on some steps, on parts made anew. The run stays as it is.

    model, loss: of a run of `sonde.fit`, the network (a copy of it is trained) and the loss, as that call was given them
    data, validation: needed where they were in memory: what the run was given; by default those of the run
    optimizer, schedule: objects of your program as the run was given them; most classes of torch's are made again without
    cure: try the remedies of the first finding for 100 steps beside an unchanged copy of the run, and report how they end
    silence: names of findings that are intended: shown as notes, not as warnings
    Raises: SondeError subclasses for data or a network that are not the run's
    """
    screen = _screen({"quiet": quiet})
    given = Given(data=data, validation=validation, model=model, loss=loss, optimizer=optimizer, schedule=schedule)
    found = examine(open_run(folder), given, screen, silence=silence, cure=cure)
    show(found, screen)
    return found.respelled(in_keywords)


@Keywords()
def compare(
    *runs: str | Path | Run | Sequence[str | Path | Run],
    metric: str = "",
    out: str | Path | None = "compare.html",
    quiet: bool = False,
) -> Comparison:
    """Compare runs: print who is best, and whether that is more than noise, write a page, and return what was found.

    runs: of `sonde.train` and `sonde.fit`, their folders, or a folder that holds runs; a list of such too
    metric: by which; by default the one that each task reports first
    out: the page, one offline HTML file with curves, settings that differ, costs and findings; None for none
    Raises: RunFolderError for what is no run, ConfigError for runs that nothing compares
    """
    several = [each for part in runs for each in ([part] if isinstance(part, str | Path | Run) else part)]
    if not several:
        raise ConfigError("name runs to compare, or a folder that holds runs")
    found = compare_runs([each.folder if isinstance(each, Run) else each for each in several], metric=metric)
    if out is not None:
        found = written(found, Path(out), spelling=in_keywords)
    found.show(_screen({"quiet": quiet}))
    return found


def run_job(job: Job) -> Run:
    """A run's life, whatever is trained: begin or resume, plan, train, evaluate, report.

    It stands here, and what it does in context managers, so that little lies between a caller's `fit` and her loss.
    """
    try:
        with begun(job) as attempt:
            if job.fold is not None:
                for number in range(1, job.config.data.folds + 1):
                    with fold_of(attempt, number) as fold:
                        run_job(fold)
                finish(attempt, summed_up(attempt))
            elif not attempt.finished:
                with under_way(attempt) as request:
                    run = prepared(attempt, request)
                    with written_down(run):
                        loop.fit(run.training, run.settings, run.parts)
                    finish(attempt, evaluated(run))
            return attempt.run
    except Interrupted as stop:
        raise stop.with_traceback(None) from None  # a stop that was asked for is no fault whose frames anybody needs


__all__ = ["compare", "doctor", "fit", "load", "resume", "run_job", "steps", "train"]
