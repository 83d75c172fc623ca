"""How long a run is: the lengths that are set, which of them ends it, and what a source of unknown length allows."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from sonde.core.bounds import flag
from sonde.core.config import LoopConfig, OptimConfig, TrainConfig
from sonde.core.durations import parse
from sonde.core.errors import ConfigError
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Objective, Phase, Source, ends
from sonde.core.units import duration
from sonde.engine.deadline import Deadline, longer
from sonde.engine.due import FitSettings, known_end
from sonde.engine.early_stop import Target, patience_over, target_reached
from sonde.engine.plan import ExecutionPlan
from sonde.engine.stages import check_total
from sonde.engine.training import Progress, Training
from sonde.run.build import Assembly
from sonde.run.saved import Saved

GIVEN = ("typed", "file")
"""Origins of settings that somebody gave."""


def check_length(config: TrainConfig, source: Source) -> int | None:
    """The passes that a source without a length is trained for; None where steps, a time or known epochs say how long.

    Raises: ConfigError for epochs of data without end, parts of an epoch or shapes of the rate that need a length
    """
    loop, epochs = config.loop, requested_epochs(config.loop)
    if source.batches is not None or epochs is None:
        return None
    if not ends(source):
        if loop.steps is not None or loop.time_limit is not None:
            return None
        raise ConfigError(
            "the training data are endless, so an epoch never ends; set the length of training with --steps 10000 or "
            "--time-limit 10m"
        )
    if epochs != int(epochs):
        raise ConfigError(
            f"--epochs {epochs:g}: for data of unknown length only whole epochs can be counted; or give --steps"
        )
    if loop.steps is None and loop.time_limit is None:
        _refuse_shape(config.optim, int(epochs))
    return int(epochs)


def check_stages(phases: Sequence[Phase], loop: LoopConfig, source: Source) -> None:
    """Raises: ConfigError where all stages have `steps`, and the length that was asked for is another than their sum."""
    total = min(fixed_ends(loop, source.batches).values(), default=None)
    length = "a length known only at its end" if total is None else counted(total, "step")
    check_total(phases, total, length=length, remedy="give steps={steps} and no epochs", batches=source.batches)


def _refuse_shape(optim: OptimConfig, passes: int) -> None:
    """Raises: ConfigError for a rate whose shape must be known before the first pass over the data tells their length."""
    unknown = "the length of these data is known only after the first pass over them"
    if 0 < optim.warmup < 1:
        raise ConfigError(
            f"--warmup {optim.warmup:g} is a share of the run, and {unknown}; give it in steps, or give --steps"
        )
    shaped = isinstance(optim.schedule, str) and optim.schedule not in ("constant", "plateau")
    if optim.schedule == "one-cycle" or (shaped and passes == 1):
        raise ConfigError(f"--schedule {optim.schedule} needs the run's length, and {unknown}; give --steps")


def refuse_idle(assembly: Assembly, saved: Saved, folder: RunFolder) -> None:
    """Raises: ConfigError when a resumed run has nothing left to do, saying what to give."""
    loop, batches = assembly.config.loop, assembly.train.batches
    progress = Progress(**saved.state["progress"])
    # a limit that ended the run left what remains of it to the last evaluations, which would be cut short for a step or two
    spent = saved.finished and saved.same_limit and (progress.stop == "time limit" or progress.ended_by == "time_limit")
    if loop.limit_s is not None and (spent or ((saved.finished or saved.new_limit) and saved.elapsed >= loop.limit_s)):
        raise ConfigError(
            f"--time-limit {loop.time_limit}: {folder.path} has already used {duration(saved.elapsed)}; give a longer total, "
            f"such as --time-limit {longer(saved.elapsed, step_seconds_of(saved))}"
        )
    for name, total in fixed_ends(loop, batches).items():
        if total < saved.step or (saved.finished and total == saved.step):
            raise ConfigError(
                f"{folder.path} has trained {saved.step:,} steps already, and {_length_text(loop, name, batches)} are set; give "
                "a larger total, or start over with --fresh"
            )
    passes = check_length(assembly.config, assembly.train)
    if passes is not None and saved.finished and progress.passes >= passes:
        raise ConfigError(
            f"{folder.path} has trained {counted(progress.passes, 'epoch')} already, and {passes} are set; give a larger "
            "total, or start over with --fresh"
        )
    if saved.finished and target_reached(_target(loop, assembly.objective), progress):
        raise ConfigError(
            f"{folder.path} has reached --stop-at {loop.stop_at:g} at step {saved.step:,}; give a value that is harder to reach "
            f"(--stop-at {'inf' if assembly.objective is not None and assembly.objective.mode == 'max' else '-inf'}: none is)"
        )
    patience = loop.patience_for
    if saved.finished and patience_over(patience, progress, batches=batches, elapsed=saved.elapsed):
        ended = "stopped early" if progress.stop == "stopped early" else "is finished, and its --patience is over too"
        raise ConfigError(
            f"{folder.path} {ended}, {counted(progress.since_best, 'evaluation')} after its best; give a larger "
            "--patience, or --patience 0"
        )


def refuse_too_short(saved: Saved, loop: LoopConfig, folder: RunFolder, training_s: float) -> None:
    """Where a run that was to go on has no time for a step. training_s: second of its clock at which its training must end

    Raises: ConfigError
    """
    step_s = step_seconds_of(saved)
    if not (saved.step and (saved.finished or saved.new_limit)) or saved.elapsed + step_s < training_s:
        return
    left = duration(max(0.0, (loop.limit_s or 0.0) - saved.elapsed))
    raise ConfigError(
        f"--time-limit {loop.time_limit}: {folder.path} has already used {duration(saved.elapsed)}, and the {left} left are for "
        f"its evaluation and report, so that it would not make one step; give a longer total, such as --time-limit "
        f"{longer(saved.elapsed, 2 * step_s)}"
    )


def step_seconds_of(saved: Saved) -> float:
    """Seconds that a step took on average, without what its batch took to come."""
    spent = saved.state["clock"]["spent"]
    return (float(spent["step"]) + float(spent["optimizer"])) / max(1, saved.step)


def fixed_ends(loop: LoopConfig, batches: int | None) -> dict[str, int]:
    """The step after which each length that was requested ends a run: "epochs", where their length is known, and "steps"."""
    found = {} if loop.steps is None else {"steps": loop.steps}
    epochs = requested_epochs(loop)
    if epochs is not None and batches is not None:
        found["epochs"] = max(1, round(epochs * batches))
    return found


def requested_epochs(loop: LoopConfig) -> float | None:
    """Epochs that were requested; ten where nothing else says how long."""
    silent = loop.epochs is None and loop.steps is None and loop.time_limit is None
    return 10.0 if silent else loop.epochs


def fixed_why(loop: LoopConfig, batches: int | None, passes: int | None, *, in_time: str = "") -> str:
    """The length that is reached first, and those that would be reached later.

    in_time: the steps that a time limit has room for, in words, where that ends later still
    """
    ordered = sorted(fixed_ends(loop, batches).items(), key=lambda entry: entry[1])
    texts = [_length_text(loop, name, batches) for name, _ in ordered]
    if passes is not None:
        unknown = f"{counted(passes, 'epoch')} of unknown length"
        if not texts:
            until = "1 epoch, until the data end" if passes == 1 else f"{unknown}, each until the data end"
            return f"{until} (endless data need --steps or --time-limit)"
        return f"{texts[0]} or {unknown}, whichever ends first"
    first, *later = [*texts, *([in_time] if in_time else [])] or [""]
    return f"{first} (before {' and '.join(later)})" if later else first


def _length_text(loop: LoopConfig, name: str, batches: int | None) -> str:
    if name == "steps":
        return counted(loop.steps or 0, "step")
    return f"{counted(requested_epochs(loop) or 0, 'epoch')} of {counted(batches or 0, 'step')}"


def counted(number: float, what: str) -> str:
    """ "1 epoch", "2,000 steps", "0.5 epochs"."""
    return f"{number:,g} {what}{'' if number == 1 else 's'}" if number < 1e5 else f"{number:,.0f} {what}s"


def fit_settings(
    config: TrainConfig, plan: ExecutionPlan, objective: Objective | None, *, deadline: Deadline | None
) -> FitSettings:
    """When things happen in a run. deadline: of its training, under a time limit"""
    loop = config.loop
    return FitSettings(
        stop=plan.steps,
        ends=plan.ends,
        passes=plan.passes,
        evaluate_every=loop.evaluation_period,
        log_every=loop.log_every,
        checkpoint_every=loop.checkpoint_period,
        patience=loop.patience_for,
        target=_target(loop, objective),
        deadline=deadline,
    )


def _target(loop: LoopConfig, objective: Objective | None) -> Target | None:
    return None if loop.stop_at is None or objective is None else Target(objective, loop.stop_at)


def move_end(training: Training, settings: FitSettings, assembly: Assembly) -> int | None:
    """Let schedules and stages end with the length that is known by now; returns that length, in steps.

    A warm-up, decay or stage for which it has no room leaves them as they are.
    """
    progress = training.progress
    ends = [known_end(settings, progress), progress.ends_at or settings.stop]
    total = min((end for end in ends if end is not None), default=None)
    if total is not None:
        with suppress(ConfigError):
            assembly.move_end(training.stepper, total=total, done=progress.step)
    return total


def lengths_in_words(loop: LoopConfig) -> dict[str, str]:
    """Each length that was requested, as it would be typed."""
    found = {name: getattr(loop, name) for name in ("epochs", "steps", "time_limit") if getattr(loop, name) is not None}
    return {
        name: str(parse(value, bare="seconds")) if name == "time_limit" else f"{value:.12g}"
        for name, value in found.items()
    }


def lengths_told(loop: LoopConfig, origin: Mapping[str, str]) -> dict[str, str]:
    """The same as a person knows them: a flag where one was given, else that it was planned. origin: of settings, by name

    >>> lengths_told(LoopConfig(steps=7808, time_limit="20s"), {"steps": "recipe", "time_limit": "typed"})
    {'steps': 'the 7,808 updates that were planned', 'time_limit': '--time-limit 20s'}
    """
    told = {}
    for name, text in lengths_in_words(loop).items():
        if name == "steps" and loop.environment_steps is not None:
            told[name] = f"{flag('environment_steps')} {loop.environment_steps}"
        elif origin.get(name) in GIVEN:
            told[name] = f"{flag(name)} {text}"
        else:
            told[name] = f"the {counted(float(text), {'steps': 'update'}.get(name, 'epoch'))} that were planned"
    return told


def unit_for_more(loop: LoopConfig) -> str:
    """The setting to train a run further by: the length that it was given in, since data without end have no epochs.

    >>> unit_for_more(LoopConfig(steps=100)), unit_for_more(LoopConfig(time_limit="5m")), unit_for_more(LoopConfig())
    ('steps', 'time_limit', 'epochs')
    """
    names = ("epochs", "environment_steps", "steps", "time_limit")
    return next((name for name in names if getattr(loop, name) is not None), "epochs")
