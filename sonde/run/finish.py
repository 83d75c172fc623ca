"""The end of a run: its best checkpoint evaluated on held-out rows, result.json, the report, the closing lines."""

import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from sonde.acting.evaluation.films import SECONDS
from sonde.core.catalogue import load
from sonde.core.config_file import read_config
from sonde.core.dataset import Rows
from sonde.core.errors import DataError, Interrupted
from sonde.core.files import plain, read_json, write_json
from sonde.core.findings import AT_A_TIME, Finding
from sonde.core.records import RUN_ENDS, EventRecord
from sonde.core.run_folder import TEMPORARY, RunFolder
from sonde.core.seams import abilities_of
from sonde.diagnose.divergence import NAME as DIVERGED
from sonde.diagnose.divergence import diverged, remedy
from sonde.diagnose.evaluations import never_finite, sometimes_finite
from sonde.diagnose.rules.alarms import of_thresholds
from sonde.diagnose.rules.baseline import below_baseline, below_guessing, below_validation
from sonde.diagnose.rules.column_pairs import pairs_unlike
from sonde.diagnose.rules.generating import covers_few
from sonde.diagnose.rules.intervals import too_narrow
from sonde.diagnose.stages import best_before
from sonde.engine import checkpoint
from sonde.engine.clock import OF_TRAINING
from sonde.engine.evaluate import EvaluationBudget, evaluate
from sonde.engine.json_lines import read_lines
from sonde.engine.loop import notify
from sonde.engine.signals import EvaluationStopped, StopRequest, stopping
from sonde.metrics.directions import higher_is_better
from sonde.report.plain_policies import beside_policies
from sonde.run import became, played
from sonde.run.build import Assembly
from sonde.run.classical import compared
from sonde.run.decided import actions_of
from sonde.run.errors import scores_of
from sonde.run.evaluation import baseline, write_evaluation
from sonde.run.exhibited import show_games
from sonde.run.filmed import make_films
from sonde.run.job import Attempt
from sonde.run.judged_policy import of_policy, with_memory
from sonde.run.lengths import lengths_in_words, lengths_told
from sonde.run.matches_met import fewer_games
from sonde.run.next_commands import next_commands
from sonde.run.played import difference_of_returns, experience_taken, sure_of, without_baseline
from sonde.run.report import write_report
from sonde.run.resolve import CUSTOM_MODULE
from sonde.run.resume import load_best
from sonde.run.shown import look
from sonde.run.stop_at import reached
from sonde.run.telling import parted, tell
from sonde.run.time_limit import OVERRUN
from sonde.run.train import Prepared
from sonde.tasks.table import spec

OF_REST = 0.8  # of the time that is left, for a baseline


def evaluated(run: Prepared) -> dict[str, Any]:
    """The content of result.json: the best checkpoint is loaded, and evaluated on held-out rows.

    The network is left with its weights, in evaluation mode. Raises: Interrupted after a batch, when a stop was requested
    """
    attempt, settings = run.attempt, run.training.stepper.settings
    assembly, folder = attempt.assembly, attempt.folder
    load_best(folder, assembly.task)
    with run.training.clock.part("evaluation"):
        scores, budgets, cut = _by_split(run)
        notes = look(assembly, folder, settings)
    tell(attempt, notes, at_once=False)
    checkpoint.clear_leftovers(folder.checkpoints)
    if attempt.limit is not None:
        tell(attempt, attempt.limit.findings(run.training, budgets, cut), at_once=False)
    _tell_course(run, scores)
    evaluated_on = {} if attempt.limit is None else attempt.limit.parts(budgets)
    beside = {} if evaluated_on else _classical(run, scores)
    result = {**_result(run, scores), **beside, "evaluated": evaluated_on}
    _tell_baseline(run, result)
    return result


def _by_split(run: Prepared) -> tuple[dict[str, dict[str, float]], dict[str, EvaluationBudget], str]:
    """(scores of each split, under a time limit how many of its rows were evaluated, by how much there are fewer samples).

    A split of which there was no time for a single row has no scores. Raises: Interrupted
    """
    attempt, request, settings = run.attempt, run.parts.request, run.training.stepper.settings
    assembly, folder = attempt.assembly, attempt.folder
    scores: dict[str, dict[str, float]] = {}
    budgets: dict[str, EvaluationBudget] = {}
    cut, coming = "", list(assembly.evaluation_sources)
    for split, source in assembly.evaluation_sources.items():
        if request.number is not None:
            raise _stopped(request)
        here, coming = coming, coming[1:]
        meter = attempt.meter_of_kept(run.training.progress.step) if split == "validation" else None
        budget = None if meter is None else attempt.best_budget
        if meter is None:
            if attempt.limit is not None:
                budgets[split] = budget = attempt.limit.at_the_end(here)
                if budget.nothing:  # which is known
                    continue
            tick = stopping(request, attempt.job.screen.tick)
            try:
                meter = evaluate(assembly.task, source, settings, tick=tick, budget=budget)
            except EvaluationStopped:
                raise _stopped(request) from None
            except DataError as trouble:
                trouble.kept = run.training.progress.step
                raise
        if budget is not None:
            budgets[split] = budget
            if budget.nothing:
                continue
        scores[split] = scores_of(meter, source, split, step=run.training.progress.step)
        room = None if attempt.limit is None else attempt.limit.for_samples(coming)
        cut = write_evaluation(folder.evaluation / split, meter, source, assembly, sampling_s=room) or cut
    return scores, budgets, cut


def _classical(run: Prepared, scores: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """A classical model's scores on the rows that the run is judged on, where there is one."""
    if not scores:
        return {}
    attempt = run.attempt
    with run.training.clock.part("evaluation"):
        found = compared(attempt.assembly, attempt.folder, next(reversed(list(scores))), _headline(attempt, scores))
    return {"classical": found} if found else {}


def _headline(attempt: Attempt, scores: Mapping[str, Mapping[str, float]]) -> str:
    """The metric to read first."""
    last, objective = next(reversed(list(scores.values())), {}), attempt.assembly.objective
    return next(iter(last), "" if objective is None else objective.metric)


def _tell_course(run: Prepared, scores: Mapping[str, Mapping[str, float]]) -> None:
    """Say what in its course makes a run's scores doubtful, and that a threshold does not hold where the run is judged."""
    attempt, task = run.attempt, run.attempt.assembly.task
    stages, best = run.training.stepper.stages, run.training.progress.best
    found = _never_finite(run) + best_before(task.phases, stages, task.modules, best) + _diverged(run)
    found += of_thresholds(scores, _details(attempt.folder, scores, "scores"))
    for split, calibration in list(_details(attempt.folder, scores, "calibration_by_quantile").items())[-1:]:
        found += too_narrow(scores, calibration, split)
    tell(attempt, found, at_once=False)


def _details(folder: RunFolder, splits: Iterable[str], stem: str) -> dict[str, Any]:
    """What the evaluations of these splits have left in a file of this name, where they have."""
    places = {split: folder.evaluation / split / f"{stem}.json" for split in splits}
    return {split: read_json(place) for split, place in places.items() if place.exists()}


def _tell_baseline(run: Prepared, result: Mapping[str, Any]) -> None:
    """Say that the headline is worse than the baseline's, where the doctor looked on."""
    attempt, objective, name = run.attempt, run.attempt.assembly.objective, str(result["headline"])
    dataset, split = attempt.assembly.dataset, next(reversed(list(result["metrics"])), "")
    tell(attempt, fewer_games(_judged_on(attempt.assembly, split), attempt.assembly.task), at_once=False)
    if run.doctor is None:
        return
    known = higher_is_better(name)
    if objective is not None and objective.metric == name:
        known = objective.mode == "max"
    if abilities_of(attempt.assembly.task).playing is not None and _worse_at_games(attempt.folder, result, split):
        known = True
    rows = len(dataset.splits[split]) if dataset is not None and split in dataset.splits else None
    if dataset is None:  # of a network of the caller's own what the doctor has seen says more
        found = below_guessing({**result, "baseline": {}}, run.doctor.seen)
    else:
        beside = difference_of_returns(attempt.folder, split, result)
        sure, memory = sure_of(attempt.folder, split, name), with_memory(attempt)
        found = below_baseline(result, larger=known, rows=rows, difference=beside, sure=sure, memory=memory)
        found += below_guessing(result, run.doctor.seen)
    if name == "accuracy":
        found = [*found, *below_validation(result["metrics"], _rows_answered(attempt.folder, result["metrics"]))]
    found = [*found, *of_policy(attempt, split, result), *without_baseline(attempt.folder.evaluation / split, result)]
    found = [*found, *covers_few(result["metrics"].get(split, {}), run.doctor.seen)]
    samples = attempt.folder.evaluation / split / "samples.json"
    if samples.exists() and not attempt.assembly.config.data.overfit_batches:
        found = [*found, *pairs_unlike(read_json(samples), split)]
    tell(attempt, found, at_once=False)


def _judged_on(assembly: Assembly, split: str) -> Rows | None:
    """Rows of a split that is evaluated: where the time was over before, the only metrics are of training, which has no end."""
    if assembly.dataset is None or split not in assembly.evaluation_sources:
        return None
    return assembly.dataset.splits.get(split)


def _worse_at_games(folder: RunFolder, result: Mapping[str, Any], split: str) -> bool:
    """Whether a score of games is below its baseline's by more than chance, as the report has it."""
    name, place = str(result["headline"]), folder.evaluation / split
    score, other = result["metrics"].get(split, {}).get(name), (result["baseline"] or {}).get(name)
    if score is None or other is None:
        return False
    details = {stem: read_json(place / f"{stem}.json") for stem in ("matches", "baseline")}
    apart = beside_policies(details, name, score - other)
    return apart is not None and apart.high < 0


def _rows_answered(folder: RunFolder, splits: Iterable[str]) -> dict[str, int]:
    """How many rows of each split were answered, where the evaluation kept the answers."""
    return {split: int(answers["rows"]) for split, answers in _details(folder, splits, "answers").items()}


def _stopped(request: StopRequest) -> Interrupted:
    assert request.number is not None
    return Interrupted(
        "stopped before the final evaluation as requested; everything is saved", signal_number=request.number
    )


def _never_finite(run: Prepared) -> list[Finding]:
    """Metrics that were no number in any evaluation, or in some; most of all the one that was to choose."""
    assembly, best = run.attempt.assembly, run.training.progress.best
    if "validation" not in assembly.evaluation_sources:
        return []
    chose, objective = best is not None and best["metric"] is not None, assembly.objective
    lines = list(read_lines(run.attempt.folder.metrics))
    abilities = abilities_of(assembly.task)
    means = abilities.batch_means
    rows = None if assembly.dataset is None else len(assembly.dataset.splits["validation"])
    found = never_finite(
        lines,
        None if chose or objective is None else objective.metric,
        means() if means else None,
        (rows, abilities.fewest_rows) if rows is not None and rows < abilities.fewest_rows else None,
    )
    return found + sometimes_finite(lines, None if best is None else best["metric"])


def _diverged(run: Prepared) -> list[Finding]:
    """That the loss ended far above its start, with the setting that moves the weights so far; unless the doctor said so."""
    if abilities_of(run.attempt.assembly.task).acting is not None:
        return []  # losses of one rollout are not those of the next
    if any(finding.name in (DIVERGED, "learning-rate-too-high") for finding in run.attempt.findings):
        return []
    stepper, first, optim = run.training.stepper, run.training.progress.first_loss, run.attempt.assembly.config.optim
    lines = list(read_lines(run.attempt.folder.metrics))
    rate = max((float(line["lr"]) for line in lines if line.get("lr") is not None), default=0.0)
    own = any(update.custom or update.own_rate for update in stepper.updates)
    return diverged(
        lines,
        None if first is None else float(first),
        remedy=remedy(rate, own=own, clip=optim.clip),
        several=stepper.several,
    )


def finish(attempt: Attempt, result: Mapping[str, Any]) -> None:
    """Write result.json and the report, and print how the run ended."""
    folder, screen = attempt.folder, attempt.job.screen
    write_json(folder.result, dict(result))
    became.keep(folder)
    shutil.rmtree(folder.samples, ignore_errors=True)  # evaluation/ holds those of the best checkpoint
    if attempt.built is not None:
        _show_played(attempt, attempt.built, next(reversed(list(result["metrics"])), ""))
        result = {**result, "seconds": attempt.built.clock.summary()}
        write_json(folder.result, dict(result))
        _tell_overrun(attempt)
    write_report(folder.path)
    _tell_overrun(attempt)  # by what the report took
    screen.result(result)
    fresh, told = ([finding.as_dict() for finding in each] for each in parted(attempt))
    screen.findings(fresh, result.get("diagnosis") or (), most=AT_A_TIME, told=told)
    if not folder.path.parent.name.startswith(TEMPORARY):
        screen.next(next_commands(attempt))
    if attempt.training is not None:
        notify(attempt.training, EventRecord(attempt.training.progress.step, RUN_ENDS, plain(dict(result))))


def _show_played(attempt: Attempt, assembly: Assembly, split: str) -> None:
    """Films and games of what was played, in what a time limit leaves."""
    seconds = SECONDS if attempt.limit is None else min(SECONDS, attempt.limit.for_samples(()))
    tick, place = attempt.job.screen.tick, attempt.folder.evaluation / split
    with assembly.clock.part("evaluation"):
        make_films(attempt, split, seconds=seconds)
        show_games(assembly, place, split, tick=tick, seconds=seconds, leave_off=lambda: bool(attempt.request))


def _tell_overrun(attempt: Attempt) -> None:
    """Say that what came after the evaluations took longer than the time limit, unless that was so before them."""
    limit, training = attempt.limit, attempt.training
    if limit is not None and training is not None and not any(found.name == OVERRUN for found in attempt.findings):
        tell(attempt, limit.overrun(training), at_once=False)


def _result(run: Prepared, scores: dict[str, dict[str, float]]) -> dict[str, Any]:
    assembly, training, progress = run.attempt.assembly, run.training, run.training.progress
    beside = _baseline(run, next(reversed(scores))) if scores else {}  # before the time is taken
    if run.parts.request.number is not None:
        raise _stopped(run.parts.request)
    spent = training.clock.summary()
    working = sum(training.clock.spent[part] for part in OF_TRAINING)
    batches, objective = assembly.train.batches, assembly.objective
    origin = read_config(run.attempt.folder.config).origin  # also of what was given before a resume
    return {
        "status": progress.stop,
        "ended_by": progress.ended_by,
        **reached(run.attempt.folder.metrics, progress, run.settings.target),
        "lengths": lengths_in_words(assembly.config.loop),
        "lengths_told": lengths_told(assembly.config.loop, origin),
        "task": assembly.config.task,
        "model": assembly.config.model,
        **_callers_network(run.attempt.folder, assembly),
        "parameters": sum(p.numel() for p in assembly.task.modules.parameters()),
        "epochs": progress.passes or None if batches is None else round(progress.step / batches, 4),
        "steps": progress.step,
        "objective": None if objective is None else {"metric": objective.metric, "mode": objective.mode},
        "headline": _headline(run.attempt, scores),
        **_batch_means(assembly, scores),
        **_train_metrics(run.attempt.folder, scores),
        "best": progress.best,
        "seconds": spent,
        "samples_per_s": round(progress.rows / working, 1) if working else None,
        "plan": run.plan.as_dict(),
        "skipped_updates": training.stepper.skipped,
        "baseline": beside,
        **experience_taken(assembly.train, training.clock),
        **actions_of(_judged_on(assembly, next(reversed(scores), "")), assembly.task),
        **({} if assembly.dataset is None else assembly.dataset.marks),
        **({} if run.doctor is None else {"diagnosis": run.doctor.diagnosis}),
        **_highlights(run.attempt.folder, assembly, scores),
    }


def _baseline(run: Prepared, split: str) -> dict[str, Any]:
    attempt = run.attempt
    # the rest is for a game that is shown
    seconds = None if attempt.limit is None else attempt.limit.for_samples(()) * OF_REST
    with run.training.clock.part("evaluation"):
        return baseline(
            attempt.assembly,
            split,
            attempt.folder.evaluation / split,
            seconds=seconds,
            leave_off=played.while_played(run.parts.request, attempt.job.screen.tick),
        )


def _highlights(folder: RunFolder, assembly: Assembly, scores: dict[str, dict[str, float]]) -> dict[str, list[str]]:
    """What a task says of the last split that was evaluated, from that evaluation's files; nothing of most."""
    known = spec(assembly.config.task) if assembly.dataset is not None and scores else None
    if known is not None and known.generates and not known.likelihood:
        judged = "" if assembly.config.model == CUSTOM_MODULE else "; sonde eval judges those"
        return {"highlights": [f"that says {known.tells}{judged}"]}
    told = "" if known is None else known.highlights
    if not told:
        return {}
    files = (folder.evaluation / next(reversed(scores))).glob("*.json")
    lines = load(told)({file.stem: read_json(file) for file in files})
    return {"highlights": lines} if lines else {}


def _callers_network(folder: RunFolder, assembly: Assembly) -> dict[str, str]:
    """The class of the caller's network or task; nothing for a network that has a name."""
    if assembly.config.model != CUSTOM_MODULE:
        return {}
    network = (read_json(folder.data).get("code") or {}).get("network") or {}  # of one that was handed to `sonde.train`
    return {"network": str(getattr(assembly.task, "network_name", network.get("name") or type(assembly.task).__name__))}


def _batch_means(assembly: Assembly, scores: Mapping[str, Any]) -> dict[str, list[str]]:
    """Metrics that are means of batches though their value on a set is none; nothing where there are none."""
    names, sources = abilities_of(assembly.task).batch_means, assembly.evaluation_sources
    found = [] if names is None or all(sources[split].batches == 1 for split in scores) else list(names())
    return {"batch_means": found} if found else {}


def _train_metrics(folder: RunFolder, scores: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The metrics of every split: of the training rows the last logged loss, and over how many steps it is the mean."""
    logged = [line for line in read_lines(folder.metrics) if line["kind"] == "step"]
    if not logged or logged[-1]["loss"] is None:
        return {"metrics": {"train": {}, **scores}}
    before = logged[-2]["step"] if len(logged) > 1 else 0
    return {
        "metrics": {"train": {"loss": logged[-1]["loss"]}, **scores},
        "train_loss_steps": logged[-1]["step"] - before,
    }
