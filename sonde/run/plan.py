"""Deciding how a run is carried out: precision, threads, rate, number of steps. All is measured on steps that are undone."""

from collections.abc import Callable, Iterator

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.files import read_json, write_json
from sonde.core.findings import Finding
from sonde.core.memory import give_back
from sonde.core.progress import Tick, silent
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Bound, abilities_of, ends, rewinds
from sonde.core.units import duration, number
from sonde.diagnose.parameters import training_lines
from sonde.engine.execution.compiled import Compiled
from sonde.engine.loop import batches_of
from sonde.engine.plan import ExecutionPlan
from sonde.engine.range_test import RangeTest, range_test
from sonde.engine.step import Stepper
from sonde.engine.timing import first_steps
from sonde.run.build import Assembly
from sonde.run.compiling import Compiling, compiled_execution, not_compilable, time_compiling
from sonde.run.computing import Computing, choose_computing, first_batch
from sonde.run.environment_steps import in_words, updates_of
from sonde.run.evaluation import check_evaluation
from sonde.run.generated import parted, told
from sonde.run.lengths import check_length, fixed_ends, fixed_why
from sonde.run.saved import Saved
from sonde.run.time_plan import Length, Trial, for_trials, length_in_time
from sonde.run.updates import check_total_steps, optimizer_lines, searching_in_batches

RANGE_STEPS, FEWEST_RANGE_STEPS, RANGE_SHARE = 100, 20, 0.15  # of a range test; of the time left, at most so much


def make_plan(
    assembly: Assembly, folder: RunFolder, *, saved: Saved | None, report: Callable[[str], None], tick: Tick = silent
) -> tuple[ExecutionPlan, Stepper, list[Finding]]:
    """Decide how the run is carried out; a resumed run keeps what was decided, unless its length is changed.

    The stepper has fresh optimisers and the schedule of the decided number of steps. A source that cannot be rewound is
    replaced by one that begins with the batch that was taken for planning.
    The findings are about settings that are not available here, or do not pay off.
    Raises: ConfigError for a length that such data do not have, and as `choose_computing`
    """
    config = assembly.config
    passes = check_length(config, assembly.train)
    # a resumed run's source that cannot be rewound cannot take the batch back either
    batch = None if saved is not None and not rewinds(assembly.train) else first_batch(assembly)
    bound = None if batch is None else bound_to(assembly, batch)
    limit_s = config.loop.limit_s if saved is None or saved.new_limit else None
    elapsed_s = assembly.clock.elapsed() if saved is None else saved.elapsed
    tried_s = None if limit_s is None else for_trials(limit_s, elapsed_s)
    computing = choose_computing(assembly, folder, batch, saved, limit_s=tried_s, tick=tick)
    stepper, trial, decided, timed_s = computing.stepper, computing.trial, computing.decided, computing.step_s
    if saved is None or abilities_of(assembly.task).notes is not None:  # which tells what metrics report
        check_evaluation(assembly)
    lr, findings = _rate(assembly, folder, stepper, saved, report, step_s=timed_s)
    if config.machine.compile and bound is not None and trial.batch is not None:
        first_steps(stepper, trial.batch)  # in which a loss is tried that is not to be tried in compiled code
    compiled, compiling, found = _compiled(stepper, trial) if config.machine.compile else (None, None, [])
    findings += found + ([] if bound is None else unused(bound))
    length = _length(assembly, stepper, trial, saved, compiling.compiled_s if compiling else timed_s, passes)
    last = assembly.stepper(lr=lr, total=length.steps, execution=compiled, precision=decided.precision)
    lines = _plan_lines(assembly, computing, length, bound, compiled=compiled is not None)
    lines += optimizer_lines(last.updates, config.optim)
    findings += searching_in_batches(last.updates, assembly.train.batches)
    if compiling is not None:
        left = None if length.steps is None else length.steps - (0 if saved is None else saved.step)
        lines.append(compiling.line(left))
        findings += compiling.finding(left)
    give_back()  # what trying left: other numbers of threads, another precision
    plan = ExecutionPlan(
        device=str(assembly.device),
        precision=decided.precision,
        threads=computing.threads,
        threads_timed=computing.timed if saved is None else saved.plan.threads_timed,
        precision_ratio=decided.ratio if saved is None else saved.plan.precision_ratio,
        precision_why=decided.why if saved is None else saved.plan.precision_why,
        steps=length.steps,
        steps_why=length.why,
        ends=fixed_ends(config.loop, assembly.train.batches),
        passes=passes,
        final_s=round(length.final_s, 4),
        last_evaluation_s=round(length.last_evaluation_s, 4),
        evaluation_s={name: round(value, 4) for name, value in length.evaluation_s.items()},
        feed=assembly.decision.kind,
        feed_why=assembly.decision.why,
        compile=compiled is not None,
        compile_s=None if compiling is None else round(compiling.compile_s, 3),
        compiled_ms=None if compiling is None else round(compiling.compiled_s * 1e3, 4),
        eager_ms=None if compiling is None else round(compiling.eager_s * 1e3, 4),
        channels_last=assembly.channels_last,
        batches_per_epoch=assembly.train.batches,
        lines=tuple(lines),
    )
    check_total_steps(last.updates, length.steps if config.loop.limit_s is None else None)  # which a limit only guesses
    return plan, last, findings


def _compiled(stepper: Stepper, trial: Trial) -> tuple[Compiled | None, Compiling | None, list[Finding]]:
    """Let the stepper's steps be compiled and time them; what stands in the way, where it stays eager."""
    eager = stepper.execution
    compiled, findings = compiled_execution(stepper)
    if compiled is None:
        return None, None, findings
    stepper.execution = compiled
    if trial.batch is None:
        return compiled, None, []
    compiling = time_compiling(stepper, trial.batch, scale=trial.scale)
    if compiled.trouble:
        stepper.execution = eager
        return None, None, not_compilable(compiled.trouble)
    return compiled, compiling, []


def _rate(
    assembly: Assembly,
    folder: RunFolder,
    stepper: Stepper,
    saved: Saved | None,
    report: Callable[[str], None],
    *,
    step_s: float | None,
) -> tuple[float | None, list[Finding]]:
    """Raises: ConfigError where there is no time, or no way back, to search for a rate, and where the loss falls at none."""
    optim, loop = assembly.config.optim, assembly.config.loop
    if optim.lr != "auto":
        return optim.lr, []
    if any(update.closure for update in stepper.updates):
        raise ConfigError("--lr auto has no effect on optimizers with a line search, such as lbfgs; give --lr 1")
    if folder.lr_range.exists() and saved is not None:
        return float(read_json(folder.lr_range)["chosen"]), []
    source = assembly.train
    if not rewinds(source):
        raise ConfigError(
            f"--lr auto tries {RANGE_STEPS} batches and puts them back, and these data cannot be rewound; give --lr"
        )
    steps = RANGE_STEPS
    if loop.limit_s is not None and step_s is not None:
        steps = min(RANGE_STEPS, int(RANGE_SHARE * (loop.limit_s - assembly.clock.elapsed()) / step_s / 2))
        if steps < FEWEST_RANGE_STEPS:
            raise ConfigError(
                f"--lr auto needs at least {2 * FEWEST_RANGE_STEPS} steps of {duration(step_s)} to search, too much of "
                f"--time-limit {loop.time_limit}; give --lr, or more time"
            )
    position = source.state_dict()

    def again() -> Iterator[Batch]:
        source.load_state_dict(position)
        return batches_of(source, stepper.settings)

    found = range_test(stepper, again, steps=steps)
    source.load_state_dict(position)
    if found.chosen is None:
        tried = f"from {found.lr[0]:.0e} to {found.lr[-1]:.0e}" if found.lr else f"of {steps} steps"
        raise ConfigError(
            f"--lr auto found no rate at which the training loss falls (range test {tried}); give --lr, such as --lr 0.001"
        )
    write_json(folder.lr_range, {"lr": found.lr, "loss": found.loss, "chosen": found.chosen})
    report(f"--lr auto found {found.chosen:.3g} (range test of {len(found.lr)} steps)")
    return found.chosen, [] if found.sure else [_unsure(found)]


def _unsure(found: RangeTest) -> Finding:
    return Finding(
        check="range test",
        name="range-test",
        severity="warning",
        evidence=f"the training loss fell by {number(found.fall)} in the range test, which may be only noise from "
        f"batch to batch (standard error {number(found.error)}), so the rate {found.chosen:.3g} is hardly better than "
        "a guess",
        action="give lr, or larger batches, with which lr='auto' sees more",
    )


def _length(
    assembly: Assembly, stepper: Stepper, trial: Trial, saved: Saved | None, timed_s: float | None, passes: int | None
) -> Length:
    loop, batches = assembly.config.loop, assembly.train.batches
    if loop.limit_s is None:
        last = min(fixed_ends(loop, batches).values(), default=None)
        return Length(steps=last, why=fixed_why(loop, batches, passes))
    if saved is None or saved.new_limit:
        return length_in_time(assembly, stepper, trial, saved, loop.limit_s, timed_s=timed_s, passes=passes)
    plan = saved.plan
    return Length(
        steps=plan.steps,
        why=plan.steps_why,
        final_s=plan.final_s,
        last_evaluation_s=plan.last_evaluation_s,
        evaluation_s=plan.evaluation_s,
    )


def bound_to(assembly: Assembly, batch: Batch) -> Bound | None:
    """What of a first batch goes where; None where the task does not tell. Raises: ConfigError for one that fits nowhere"""
    able = abilities_of(assembly.task)
    return None if able.bind is None else able.bind(batch)


def unused(bound: Bound) -> list[Finding]:
    """Weights and masks that nothing takes."""
    return [
        Finding(
            check="field that nothing takes",
            name="field-that-nothing-takes",
            severity="warning",
            evidence=f"the batch has {name!r}, which neither the network nor the loss takes, so it has no effect",
            action=f"give the loss a parameter of this name, such as loss(output, target, {name}), or leave the field out",
        )
        for name in bound.unused
    ]


def _plan_lines(
    assembly: Assembly, computing: Computing, length: Length, bound: Bound | None, *, compiled: bool
) -> list[str]:
    why, decided = computing.threads_why, computing.decided
    where = why if assembly.device.type == "cpu" else f"{assembly.device}, {why}"
    precision = f"{decided.precision} ({decided.why})" if decided.why else decided.precision
    mode = "compiled" if compiled else "eager"
    lines = [f"{where}, {precision}, {assembly.decision.why}, {mode}", length.why]
    if assembly.dataset is not None and (taken := updates_of(assembly.config)) is not None:
        lines.append(in_words(taken))
    if (pieces := assembly.config.feed.accumulate) > 1:
        rows = assembly.config.feed.batch_size if assembly.first is None else len(assembly.first)
        lines.append(f"{rows:,} rows an update, {-(-rows // pieces):,} at a time (--accumulate {pieces})")
    source = getattr(assembly.train, "source", assembly.train)
    said = getattr(source, "mapping", "") if bound is None else bound.line
    lines += [
        line for line in (said, getattr(source, "repeats", ""), getattr(source, "said", ""), *assembly.notes) if line
    ]
    endless = assembly.train.batches is None and not ends(assembly.train)
    if endless and assembly.evaluation_sources and assembly.config.loop.evaluation_period.unit == "epochs":
        lines.append('evaluated at the end only: these data have no epochs (--evaluate-every "500 steps")')
    if batches := assembly.config.data.overfit_batches:
        same = "the same batch" if batches == 1 else f"the same {batches} batches"
        lines.append(f"{same} in every epoch, and evaluated on the same rows (--overfit-batches)")
    return [*lines, *assembly.transferred, *_samples(assembly), *training_lines(assembly.task, computing.stepper.kept)]


def _samples(assembly: Assembly) -> list[str]:
    """What is said of samples among the training rows, and of an autoencoder whose codes are learned."""
    if assembly.coder is not None:
        return [assembly.coder.told]
    wanted = parted(assembly.config.feed.augment)[1] if assembly.pool is not None else None
    return [] if wanted is None or assembly.pool is None else [told(assembly.pool, wanted)]
