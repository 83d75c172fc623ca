"""Observers of the caller's own: what is none is refused before data are read, the rest is called with the run where it asks."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sonde.core.errors import ConfigError
from sonde.core.findings import Finding
from sonde.core.records import EPOCH_ENDS, RUN_ENDS, EvaluationRecord, EventRecord, Record, StepRecord, Verdict
from sonde.engine import observing
from sonde.engine.observing import name_of
from sonde.engine.training import Training
from sonde.engine.tree import separate
from sonde.run.job import Attempt
from sonde.run.live import Live
from sonde.run.loggers.table import TRACKERS
from sonde.run.telling import tell

FOREIGN = {"callbacks": "observers", "callback": "observers", "logger": "log", "loggers": "log"}
"""What is called otherwise elsewhere."""
FORM = "def watch(record, live): ..."
Own = Callable[..., Any]


def checked(observers: Any) -> tuple[Own, ...]:
    """The observers that a caller gave. Raises: ConfigError for what cannot be called with a record"""
    if callable(observers) or not isinstance(observers, Sequence) or isinstance(observers, str):
        what = f"observers=[{name_of(observers)}]" if callable(observers) else f"a list of functions, such as {FORM}"
        raise ConfigError(f"observers takes a list: give {what}")
    for number, observer in enumerate(observers):
        _check(observer, f"observers[{number}]")
    return tuple(observers)


def refuse_foreign(settings: Mapping[str, Any]) -> None:
    """Raises: ConfigError for a setting that is called otherwise here."""
    for name in settings:
        if FOREIGN.get(name) == "observers":
            raise ConfigError(f"{name}= is observers= here: a list of functions that get each record, {FORM}")
        if FOREIGN.get(name) == "log":
            raise ConfigError(
                f'{name}= is log= here: log="wandb", "mlflow" or both; TensorBoard files are always written'
            )


def refuse_in_steps(settings: Mapping[str, Any]) -> None:
    """Raises: ConfigError for observers of `sonde.steps`, whose caller has the records already."""
    refuse_foreign(settings)
    if "observers" in settings:
        raise ConfigError(
            "observers= has no effect: sonde.steps yields each record to your own loop; call them there, or use sonde.fit"
        )


def refuse_with_folds(observers: Sequence[Own], settings: Mapping[str, Any]) -> None:
    """Raises: ConfigError for observers of a cross-validation."""
    if observers and settings.get("folds") and not settings.get("fold"):
        raise ConfigError(
            "observers= watches one run, and folds= makes several; give fold=1 too, then 2, with observers of their own"
        )


def _check(observer: Any, place: str) -> None:
    if isinstance(observer, type):
        raise ConfigError(f"{place} is the class {observer.__name__}; give an instance: {observer.__name__}(...)")
    if not callable(observer):
        what = f"{place} is a {type(observer).__name__}, which cannot be called"
        if methods := [name for name in dir(observer) if name.startswith("on_")]:
            raise ConfigError(
                f"{what} with a record; instead of {_most_telling(methods)}() write {FORM} that checks `record`: "
                'record.event == "epoch ends" is an epoch\'s end'
            )
        raise ConfigError(f"{what}; give a function, {FORM}, or an object with __call__")
    if hasattr(observer, "state_dict") != hasattr(observer, "load_state_dict"):
        raise ConfigError(
            f"{place} ({name_of(observer)}) has one of state_dict and load_state_dict; give both or neither"
        )
    if inspect.iscoroutinefunction(observer) or inspect.isgeneratorfunction(observer):
        raise ConfigError(f"{place} ({name_of(observer)}) would never run: give a plain function, {FORM}")
    takes_the_run(observer, place)


def _most_telling(methods: Sequence[str]) -> str:
    known = ("on_epoch_end", "on_train_epoch_end", "on_validation_epoch_end", "on_train_batch_end", "on_evaluate")
    return next((name for name in known if name in methods), methods[0])


def takes_the_run(observer: Own, place: str) -> str:
    """How an observer takes the run: "second" after the record, "named" as `live`, "" not at all.

    A second parameter with a default is its own (`lambda record, seen=[]: …`), unless it is called `live`.
    Raises: ConfigError for a function that takes no record, or needs more than the record and the run
    """
    try:
        parameters = list(inspect.signature(observer).parameters.values())
    except (TypeError, ValueError):  # of some builtins nothing is known
        return ""
    placed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in placed if p.default is p.empty]
    apart = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    lacking = [p.name for p in apart if p.default is p.empty and p.name != "live"]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if len(needed) > 2 or lacking or not (placed or takes_any):
        listed = ", ".join(str(p) for p in parameters)
        raise ConfigError(
            f"{place} ({name_of(observer)}) takes ({listed}); it is called with the record, or with (record, live)"
        )
    if len(placed) > 1 and (placed[1].default is placed[1].empty or placed[1].name == "live"):
        return "second"
    return "named" if any(p.name == "live" for p in (*placed[1:], *apart)) else ""


class Watched:
    """An observer of the caller's as the loop calls it (`core.seams.Observer`)."""

    def __init__(self, observer: Own, live: Live) -> None:
        self.observer, self.name, self._live = observer, name_of(observer), live
        match takes_the_run(observer, self.name):
            case "second":
                self._call: Callable[[Record], Any] = lambda record: observer(record, live)
            case "named":
                self._call = lambda record: observer(record, live=live)
            case _:
                self._call = observer

    def __call__(self, record: Record) -> Verdict | None:
        live = self._live
        if not live.networks and type(record) is StepRecord:
            live.watch_modes()
        verdict = self._call(record)
        if live.looked_at_rates:
            live.settle()
        if type(record) is EvaluationRecord or (type(record) is EventRecord and record.event == EPOCH_ENDS):
            live.settle_gradients(self.name)
        for network in live.networks:
            if not network.training and not (isinstance(record, EventRecord) and record.event == RUN_ENDS):
                live.settle_modes(self.name)
        if verdict is None or (isinstance(verdict, str) and verdict in ("continue", "stop", "save")):
            return verdict  # type: ignore[return-value]
        raise ConfigError(
            f'the observer {self.name} returned {_short(verdict)}; it may return "stop", "save" or nothing'
        )

    def state_dict(self) -> dict[str, Any]:
        """That of the observer; empty where it keeps none. Raises: ConfigError for what a checkpoint cannot hold"""
        if not hasattr(self.observer, "state_dict"):
            return {}
        state = self.observer.state_dict()  # type: ignore[attr-defined]
        try:
            if not isinstance(state, dict):
                raise TypeError(f"it is a {type(state).__name__}, not a dict")
            separate(state)
        except TypeError as trouble:
            raise ConfigError(
                f"the observer {self.name}: its state_dict() cannot be saved: {trouble}; numbers, text, tensors, lists, tuples "
                "and dicts can"
            ) from trouble
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Hand a saved state to the observer, where it kept one."""
        if state:
            self.observer.load_state_dict(state)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close the observer, where it can be closed."""
        close = getattr(self.observer, "close", None)
        if callable(close):
            close()


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"a {type(value).__name__}"


def note_missing(attempt: Attempt, training: Training, state: Mapping[str, Any]) -> None:
    """Findings where the observers are others than before the resume, and what was kept for them is lost."""
    for name in observing.unclaimed(training.observers, state):
        if name in TRACKERS:
            continue
        finding = Finding(
            check="observers missing",
            name="observers-missing",
            severity="warning",
            evidence=f"the observer {name} kept a state and is not among the observers of this resume; its state is dropped",
            action=f"resume with observers=[{name}, ...] as before, or train again without it",
            step=training.progress.step,
        )
        tell(attempt, [finding])
