"""`sonde.Task`: a small base for a task of one's own, with a default for everything but the loss."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.seams import Loss, Meter, Objective, Phase
from sonde.tasks.custom.means import MEAN_OF
from sonde.tasks.custom.mistakes import evaluated_loss
from sonde.tasks.custom.task import MeanMeter

PLAIN = (bool, int, float, str, type(None))  # what a checkpoint holds besides tensors

SINGLE = "own_parameters"  # the name under which parameters that are attributes themselves are trained and saved


class Task:
    """One problem of your own: networks as attributes, and a `loss` or several `phases`.

        class Regression(sonde.Task):
            def __init__(self, net):
                self.net = net

            def loss(self, batch):
                return (self.net(batch["input"]) - batch["target"]).square().mean()

    There is no `__init__` to call. Networks and parameters are found among the attributes; tensors, numbers, texts, and lists,
    tuples and dicts of these are the task's state, saved in checkpoints and put back, so that a resume is exact. Names with a
    leading underscore are left alone.

    objective: what chooses the best checkpoint, as `sonde.Objective("accuracy", "max")`: a key of what `evaluate` returns. By
               default the loss where there is one phase and no `evaluate` of your own, else None: the last checkpoint is the best
    across_rows: names of losses that compare the rows of a batch with each other (contrastive ones), for which micro-batches
               are not the whole batch
    after_step: may be defined as a method(record), called after each step
    """

    across_rows: Sequence[str] = ()
    # declared as what it gives, so that a subclass may state its own plainly
    objective: Objective | None = cached_property(lambda task: _usual_objective(task))  # type: ignore[assignment]

    def loss(self, batch: Batch) -> Loss | Tensor | Mapping[str, Tensor]:
        """What is minimised: a scalar, the mean over the rows; or {"loss": scalar, name: part, …}; or a `sonde.Loss`.

        Called in training and, unless there is an `evaluate`, on validation batches: `self.training` tells which.
        """
        raise ConfigError(f"{type(self).__name__} needs a method loss(batch) that returns a scalar, or phases")

    @cached_property
    def phases(self) -> Sequence[Phase]:
        """The updates of a step; by default one, in which `loss` trains whatever is not frozen in the networks."""
        return [Phase(name="model", loss=self.loss, trains=list(self.modules.values()))]

    @cached_property
    def modules(self) -> nn.ModuleDict:
        """The networks among the attributes, by name; single parameters together as "own_parameters".

        Raises: ConfigError for networks in a list or dict, which would not be found in it, and names that torch refuses
        """
        found: dict[str, nn.Module] = {}
        single: dict[str, nn.Parameter] = {}
        for name, value in self._public():
            if isinstance(value, nn.Parameter):
                single[name] = value
            elif isinstance(value, nn.Module):
                found[name] = value
            elif isinstance(value, list | tuple | Mapping):
                self._refuse_hidden(name, value)
        if taken := sorted(found.keys() & set(dir(nn.ModuleDict()))):
            raise ConfigError(f"self.{taken[0]}: torch's ModuleDict takes no network of this name; choose another")
        if single:
            found[SINGLE] = nn.ParameterDict(single)
        if not found:
            raise ConfigError(f"{type(self).__name__} has no network; assign one to an attribute in __init__")
        return nn.ModuleDict(found)

    @property
    def training(self) -> bool:
        """Whether the networks are in training mode: False while `evaluate` and `predict` are called."""
        return self.modules.training

    @property
    def device(self) -> torch.device:
        """Where the networks are: for what a loss draws or builds by itself."""
        return next((weight.device for weight in self.modules.parameters()), torch.device("cpu"))

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """Scalars, each a mean over the rows of a validation batch; the first is what a person reads first.

        By default the loss of each phase: "loss" and its parts, or of several phases "<phase> loss" and "<phase> <part>".
        Derivatives by the input may be taken here too.
        """
        found: dict[str, Any] = {}
        weights: dict[str, Tensor | float] = {}  # of losses that are no means over the rows
        for phase in self.phases:
            before = self._marks()
            loss = evaluated_loss(phase, phase.loss(batch), len(batch))
            self._refuse_changed(before, phase)
            prefix = "" if len(self.phases) == 1 else f"{phase.name} "
            values = {f"{prefix}{name}": value for name, value in {"loss": loss.value, **loss.parts}.items()}
            found |= values
            weights |= (
                dict.fromkeys(values, loss.weight)
                if isinstance(loss.weight, Tensor) or loss.weight != len(batch)
                else {}
            )
        if weights and type(self).meter is Task.meter:  # another meter knows nothing of them
            found[MEAN_OF] = weights
        return found

    def meter(self) -> Meter:
        """A fresh `MeanMeter`: means over all rows of what `evaluate` returns."""
        return MeanMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """What `run.predict` gives for a batch: tensors (B, …) by name. By default the output of the only network."""
        trained = [name for name, module in self.modules.items() if isinstance(module, nn.Module)]
        if len(trained) != 1 or SINGLE in trained:
            raise ConfigError(
                f"{type(self).__name__} has the networks {', '.join(trained)}; write predict(batch), which returns a dict of "
                "tensors"
            )
        return {"output": self.modules[trained[0]](batch["input"])}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per row, with numbers and nested lists."""
        rows = zip(*(value.tolist() for value in outputs.values()), strict=True)
        return [dict(zip(outputs, row, strict=True)) for row in rows]

    def state_dict(self) -> dict[str, Any]:
        """The attributes that are state: tensors, numbers, texts, and lists, tuples and dicts of these."""
        return {name: value for name, value in self._public() if _is_state(value)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put saved attributes back: into the tensors that are there, where these have the same shape and type."""
        for name, value in state.items():
            here = vars(self).get(name)
            if isinstance(value, Tensor) and isinstance(here, Tensor):
                if here.shape == value.shape and here.dtype == value.dtype and not here.is_inference():
                    with torch.no_grad():
                        here.copy_(value)
                    continue
                value = value.to(here.device, copy=True)
            setattr(self, name, value)

    def to(self, device: torch.device) -> None:
        """Move the networks, and the tensors among the attributes."""
        self.modules.to(device)
        for name, value in self.state_dict().items():
            if isinstance(value, Tensor):
                setattr(self, name, value.to(device))

    def _public(self) -> Iterator[tuple[str, Any]]:
        made_here = ("modules", "phases", "objective")
        return ((n, v) for n, v in list(vars(self).items()) if not n.startswith("_") and n not in made_here)

    def _refuse_hidden(self, name: str, value: Any) -> None:
        parts = value.values() if isinstance(value, Mapping) else value
        if any(isinstance(part, nn.Module | nn.Parameter) for part in parts):
            kind = "Dict" if isinstance(value, Mapping) else "List"
            raise ConfigError(
                f"self.{name} is a {type(value).__name__} that holds networks or parameters, which would not be trained or "
                f"saved; make it an nn.Module{kind} or nn.Parameter{kind}"
            )

    def _marks(self) -> dict[str, Any]:
        """Of each piece of state, what tells whether it has changed, without a copy."""
        return {n: (id(v), v._version) if _counts(v) else v for n, v in self.state_dict().items() if _marked(v)}

    def _refuse_changed(self, before: Mapping[str, Any], phase: Phase) -> None:
        after = self._marks()
        changed = next(
            (name for name in before.keys() | after.keys() if before.get(name, self) != after.get(name, self)), None
        )
        if changed is not None:
            raise ConfigError(
                f"the loss of phase {phase.name!r} changes self.{changed}, also where it is evaluated; change it only "
                "`if self.training:`, or write evaluate(batch)"
            )


def _usual_objective(task: Task) -> Objective | None:
    plain = len(task.phases) == 1 and type(task).evaluate is Task.evaluate
    return Objective("loss", "min") if plain else None


def _is_state(value: Any) -> bool:
    if isinstance(value, Mapping):
        return type(value) is dict and all(isinstance(key, str) and _is_state(part) for key, part in value.items())
    if type(value) in (list, tuple):
        return all(map(_is_state, value))
    return isinstance(value, PLAIN) or (isinstance(value, Tensor) and not isinstance(value, nn.Parameter))


def _counts(value: Any) -> bool:
    """Whether torch counts the changes of a tensor, which it does not in inference mode."""
    return isinstance(value, Tensor) and not value.is_inference()


def _marked(value: Any) -> bool:
    return _counts(value) or isinstance(value, PLAIN)
