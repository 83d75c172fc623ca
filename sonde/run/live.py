"""The run as an observer sees it while it goes on: what it may look at, and what it may ask for."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from sonde.core.errors import ConfigError, unknown
from sonde.core.findings import Finding
from sonde.core.seams import Task, parameters_of
from sonde.core.value_types import in_short
from sonde.engine.loop import epoch_of
from sonde.engine.trainable import change_of
from sonde.engine.training import Training
from sonde.report.events import Events
from sonde.run.loggers.logger import Logger

LEFT = "evaluation mode"
Trained = nn.Module | nn.Parameter | str


class Live:
    """The run that an observer is called in, as it stands after the record that the observer is given.

    What is asked for takes effect before the next step.
    """

    def __init__(self, folder: Path, findings: list[Finding], found: Callable[[Finding], None]) -> None:
        """findings: so far, a list that grows;  found: told of another;  `training` is set once it is put together."""
        self.folder = folder
        self.training: Training = None  # type: ignore[assignment]
        self.networks: tuple[nn.Module, ...] = ()  # those in training mode, once steps are taken
        self._findings, self._found = findings, found
        self._rates: dict[str, list[float]] | None = None  # before an observer that looked at the optimisers

    @property
    def task(self) -> Task:
        """The task; of a plain module with a loss function the one that was made of them."""
        return self.training.task

    @property
    def modules(self) -> nn.ModuleDict:
        """The task's networks by name."""
        return self.training.task.modules

    @property
    def model(self) -> nn.Module:
        """The network called "model", or the only one. Raises: ConfigError where there are several others"""
        if "model" in self.modules:
            return self.modules["model"]
        if len(self.modules) == 1:
            return next(iter(self.modules.values()))
        raise ConfigError(f"live.model is for one network; this task has {', '.join(self.modules)}: live.modules[name]")

    @property
    def optimizers(self) -> dict[str, Optimizer]:
        """The optimisers by name of phase ("model" of a plain module).

        A group's "lr" that an observer sets holds from the next step on, and the schedule goes on from there.
        """
        found = {update.phase.name: update.optimizer for update in self.training.stepper.updates}
        if self._rates is None:
            self._rates = {name: [float(group["lr"]) for group in each.param_groups] for name, each in found.items()}
        return found

    @property
    def step(self) -> int:
        """Steps done."""
        return self.training.progress.step

    @property
    def epoch(self) -> int:
        """0-based: that of the last step."""
        return epoch_of(self.training.source, max(1, self.step))

    @property
    def lr(self) -> float:
        """The rate of the last step, in the first phase at work; before the first step the peak.

        Set, it holds from the next step on, groups keep their ratios, and the schedule goes on from there.
        """
        return float(self.training.stepper.main_update.optimizer.param_groups[0]["lr"])

    @lr.setter
    def lr(self, rate: float) -> None:
        """Raises: ConfigError for a rate that is not above 0, and where it is 0 now, so that nothing can be told of the others"""
        if not isinstance(rate, int | float) or not rate > 0 or not math.isfinite(rate):
            raise ConfigError(f"live.lr takes a rate above 0, got {in_short(rate)}; to end the run: live.stop(why)")
        optimizer = self.training.stepper.main_update.optimizer
        before = self.lr
        self.optimizers  # noqa: B018 - what they were before
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * (rate / before) if before else rate

    def watch_modes(self) -> None:
        """Remember which networks are in training mode, before an observer has a step's record."""
        self.networks = tuple(network for network in self.modules.values() if network.training)

    def settle_modes(self, observer: str) -> None:
        """Put back into training mode what an observer left in evaluation mode, and say so."""
        names = [name for name, network in self.modules.items() if network in self.networks and not network.training]
        self.training.stepper.training_mode()
        if not any(finding.check == LEFT for finding in self._findings):
            self._found(
                Finding(
                    check=LEFT,
                    severity="note",
                    evidence=f"the observer {observer} left {', '.join(names)} in evaluation mode; training mode was "
                    "restored",
                    action="call train() where eval() was called; parts that are to stay in it: live.freeze",
                    step=self.step,
                )
            )

    def settle_gradients(self, observer: str) -> None:
        """Train what an observer turned gradients on for, leave what it turned them off for, and say so."""
        stepper = self.training.stepper
        held = {id(p) for update in stepper.updates for p in stepper.held(update.phase.name)}
        named = [(name, p) for name, p in self.modules.named_parameters() if id(p) in self._trained_by_phases()]
        for on in (True, False):
            names = tuple(name for name, p in named if p.requires_grad == on and (id(p) in held) != on)
            if not names:
                continue
            self._change(tuple(dict(named)[name] for name in names), on=on)
            shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
            what, verb = ("unfreeze", "trained") if on else ("freeze", "left as they are")
            self._found(
                Finding(
                    check="gradients turned on" if on else "gradients turned off",
                    severity="note",
                    evidence=f"the observer {observer} set requires_grad of {shown}: {verb} from step {self.step + 1} on",
                    action=f"live.{what}(module) does it at any step, and for the running statistics too",
                    step=self.step,
                )
            )

    def _trained_by_phases(self) -> set[int]:
        return {id(p) for phase in self.task.phases for one in phase.trains for p in parameters_of(one)}

    @property
    def looked_at_rates(self) -> bool:
        """Whether an observer had the optimisers in hand since `settle`."""
        return self._rates is not None

    def settle(self) -> None:
        """Take over the rates that an observer set. Raises: ConfigError where a schedule cannot go on from them"""
        before, self._rates = self._rates, None
        for name, rates in (before or {}).items():
            optimizer = next(u.optimizer for u in self.training.stepper.updates if u.phase.name == name)
            now = [float(group["lr"]) for group in optimizer.param_groups[: len(rates)]]
            if now == rates:
                continue
            if any(old == 0 and new != 0 for old, new in zip(rates, now, strict=True)):
                raise ConfigError(
                    f"phase {name!r}: the schedule's rate is 0 at step {self.step}, and an observer set another; the schedule "
                    "multiplies, so that 0 stays 0: set it at a step where the rate is above 0"
                )
            self.training.stepper.trained.scale(
                name, [new / old if old else 1.0 for old, new in zip(rates, now, strict=True)]
            )

    @property
    def metrics(self) -> Mapping[str, float]:
        """Those of the last evaluation on the validation rows; empty before the first."""
        return self.training.progress.metrics

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What automatic checks found so far."""
        return tuple(self._findings)

    def stop(self, why: str) -> None:
        """End the run before the next step; it is evaluated and reported on as ever. why: its status in result.json"""
        if not isinstance(why, str) or not why.strip():
            raise ConfigError(
                f"live.stop takes the reason as text, such as live.stop('the loss is below 0.1'), not {in_short(why)}"
            )
        progress = self.training.progress
        progress.asked = progress.asked or f"stopped: {' '.join(why.split())}"

    def save(self) -> None:
        """Write a checkpoint before the next step, once all observers have seen this record."""
        self.training.progress.save_asked = True

    def log(self, /, **numbers: Any) -> None:
        """Write numbers, or tensors of one, to metrics.jsonl and TensorBoard (and where else the run is logged to) at this step.

        Names with a stroke or a space go in as `log(**{"norm/encoder": 0.3})`. Raises: ConfigError for what is no number
        """
        values = {name: _number(name, value) for name, value in numbers.items()}
        training = self.training
        if training.journals["metrics.jsonl"].closed:
            raise ConfigError("live.log: the run has ended and its logs are closed; log before the event 'run ends'")
        training.journals["metrics.jsonl"].write({"kind": "log", "step": self.step, "values": values})
        for observer in training.observers:
            if isinstance(observer, Events | Logger):
                observer.add(self.step, values)

    def unfreeze(self, *what: Trained) -> None:
        """Train modules or parameters from the next step on: theirs are the rate, schedule and optimiser of their phase.

        what: of the task's networks, themselves or by name ("model.backbone", of a single network "backbone" as well)
        Raises: ConfigError for a name that there is not, and what no phase trains
        """
        self._change(what, on=True)

    def freeze(self, *what: Trained) -> None:
        """Leave modules or parameters as they are from the next step on, running statistics too.

        Raises: ConfigError for a name that there is not, and where a phase would be left with nothing to train
        """
        self._change(what, on=False)

    def _change(self, what: tuple[Trained, ...], *, on: bool) -> None:
        verb = "unfreeze" if on else "freeze"
        if not what:
            raise ConfigError(f"live.{verb} takes a module or its name, such as live.{verb}('backbone')")
        stepper = self.training.stepper
        change = change_of(self.modules, [self._found_as(one, verb) for one in what], on=on)
        if not change.parameters:
            parts = ", ".join(one if isinstance(one, str) else f"a {type(one).__name__}" for one in what)
            raise ConfigError(f"live.{verb}: there is no parameter in {parts} among the task's modules")
        trained = self._trained_by_phases()
        named = dict(self.modules.named_parameters())
        if lost := [name for name in change.parameters if id(named[name]) not in trained]:
            raise ConfigError(
                f"live.{verb}: no phase of the task trains {lost[0]}; add its module to a phase's `trains`"
            )
        if not on:
            frozen = set(change.found_in(self.modules))
            for phase in self.task.phases:
                if all(parameter in frozen for parameter in phase.parameters()):
                    raise ConfigError(
                        f"live.freeze: phase {phase.name!r} would have nothing left to train; to end the run: live.stop(why)"
                    )
        stepper.trained.change(change, stepper.updates)
        self.networks = ()

    def _found_as(self, one: Any, verb: str) -> nn.Module | nn.Parameter:
        if isinstance(one, nn.Module | nn.Parameter):
            return one
        if not isinstance(one, str):
            raise ConfigError(f"live.{verb} takes modules, parameters or their names, not a {type(one).__name__}")
        roots: list[nn.Module] = [self.modules]
        if "model" in self.modules or len(self.modules) == 1:
            roots.append(self.model)
        for root in roots:
            found = {**dict(root.named_parameters()), **dict(root.named_modules())}.get(one) if one else None
            if found is not None:
                return found
        raise unknown("module", one, [name for name, _ in roots[-1].named_modules() if name])


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        raise ConfigError(f"live.log takes numbers; {name} is a {type(value).__name__}: {str(value)[:40]!r}") from None
