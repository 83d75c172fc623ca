"""Checks of which parameters learn: what is frozen and moves all the same, what no optimiser moves, what gets no gradient."""

import functools
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core import nested
from sonde.core.batch import Batch
from sonde.core.findings import Finding
from sonde.core.seams import Phase, Task, extras_of
from sonde.diagnose.before import MIXING, drops_units
from sonde.diagnose.graph import activated_twice
from sonde.diagnose.severed import severed
from sonde.engine.modes import is_frozen, trained_parameters
from sonde.engine.step import Stepper

SOON = 3  # steps after which that is said of parameters that the loss is computed from all the same
LOOKS = 20  # steps in which a parameter may be without a gradient until that is said
MOST_NAMED = 4
DEEPEST, MOST_SEARCHED = 4, 2000  # of what is searched for a tensor's name
PLAIN = (str, bytes, int, float, complex, bool, type(None), type, types.ModuleType, torch.device, torch.dtype)


def frozen_in_training(task: Task, kept: Iterable[nn.Module]) -> list[Finding]:
    """Frozen parts in training mode whose batch norms follow the data all the same, or whose dropout draws.

    kept: modules that stay in evaluation mode. A whole network that the task itself moves after each step, such as the mean of
    another, is none of them.
    """
    trained, stays = trained_parameters(task), set(kept)
    found = []
    for key, network in task.modules.items():
        own = extras_of(task).after_step is not None
        for name, module in _outermost_frozen(network, trained, skip_root=own):
            inside = [part for part in module.modules() if part not in stays]
            norms = [part for part in inside if isinstance(part, MIXING) and part.running_mean is not None]
            drops = [part for part in inside if drops_units(part)]
            if not norms and not drops:
                continue
            effects = ["the running statistics of its batch norms move with the data"] * bool(norms)
            effects += ["its dropout draws masks"] * bool(drops)
            found.append((".".join(filter(None, (key, name))), " and ".join(effects)))
    if not found:
        return []
    named = [(own_name(task, name), effects) for name, effects in found]
    calls = [f"net.{name}.eval()" if name else "net.eval()" for name, _ in named]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return [
        Finding(
            check="frozen part in training mode",
            name="frozen-part-in-training-mode",
            severity="warning",
            evidence=f"{listed([name or 'the network' for name, _ in named])}: no parameter is trained, but {named[0][1]}",
            action=f"call {', '.join(calls[:MOST_NAMED])}{more} before training; it then stays in evaluation mode",
        )
    ]


def _outermost_frozen(network: nn.Module, trained: set[int], *, skip_root: bool) -> Iterator[tuple[str, nn.Module]]:
    """(name, module) of frozen modules that are part of no frozen module."""
    waiting = [("", network)]
    while waiting:
        name, module = waiting.pop(0)
        if is_frozen(module, trained):
            if name or not skip_root:
                yield name, module
            continue
        waiting += [(f"{name}.{child}" if name else child, part) for child, part in module.named_children()]


def training_lines(task: Task, kept: Sequence[nn.Module]) -> list[str]:
    """What is to be known of the mode of the networks and of a loss with parameters, a sentence each.

    kept: modules that stay in evaluation mode
    """
    lines, stays = [], set(kept)
    names: dict[nn.Module, str] = {module: name for name, module in task.modules.named_modules()}
    outermost = [name for module, name in names.items() if module in stays and _parent(name, names, stays) is None]
    if outermost:
        verb = "stays" if len(outermost) == 1 else "stay"
        lines.append(
            f"{listed([own_name(task, name) or 'the network' for name in outermost])} {verb} in evaluation mode"
        )
    for key, network in task.modules.items():
        by_mode = any(isinstance(part, MIXING) or drops_units(part) for part in network.modules() if part not in stays)
        if not network.training and network not in stays and by_mode:
            what = "the network" if own_name(task, key) == "" else key
            lines.append(f"{what} was handed over in evaluation mode, and is trained in training mode")
    loss = task.modules["loss"] if "loss" in task.modules and set(task.modules) == {"model", "loss"} else None
    count = 0 if loss is None else sum(p.numel() for p in loss.parameters() if p.requires_grad)
    if count:
        what = f"{count:,} parameters of the loss are" if count > 1 else "1 parameter of the loss is"
        lines.append(f"{what} trained too (loss.requires_grad_(False) leaves it as it is)")
    return lines


def _parent(name: str, names: Mapping[nn.Module, str], stays: set[nn.Module]) -> str | None:
    """The module around a module that stays too; None where there is none."""
    around = {place for module, place in names.items() if module in stays}
    parts = name.split(".")
    return next((place for end in range(1, len(parts)) if (place := ".".join(parts[:end])) in around), None)


def in_no_phase(task: Task, stepper: Stepper) -> list[Finding]:
    """Parameters of the task's networks that require a gradient, and that no optimiser moves."""
    moved = _moved(stepper)
    left = [name for name, p in task.modules.named_parameters() if p.requires_grad and id(p) not in moved]
    if not left:
        return []
    names = listed([own_name(task, name) for name in left])
    return [
        Finding(
            check="parameters without an optimiser",
            name="parameters-without-an-optimiser",
            severity="warning",
            evidence=f"{names}: they require a gradient, and no phase trains them",
            action="name their module in the `trains` of a phase, or call requires_grad_(False) on it",
        )
    ]


class GradientCheck:
    """Looks at the graph of each phase's loss in its first steps: which weights it reaches that no optimiser moves, and which
    are moved and it does not reach.

    The first is known after a look, or two for a tensor that is no nn.Parameter: it may be a point in which the loss is
    differentiated. The second is said after `looks` steps, of weights that the loss is computed from after `SOON` (`severed`);
    where the first step reaches everything, there is no other look.
    """

    def __init__(
        self,
        task: Task,
        stepper: Stepper,
        *,
        report: Callable[[list[Finding]], None],
        done: Callable[[], None],
        looks: int = LOOKS,
    ) -> None:
        """done: called once there is nothing left to look at."""
        self._task, self._stepper, self._report, self._done = task, stepper, report, done
        self._looks = looks
        self._names = {id(p): name for name, p in task.modules.named_parameters(remove_duplicate=False)}
        self._left = {
            update.phase.name: {id(p): p for p in update.phase.parameters()} for update in stepper.updates
        }  # not reached yet
        self._count = dict.fromkeys(self._left, 0)
        self._open = set(self._left)  # phases that are still looked at
        self._loose: dict[str, dict[int, Tensor]] = {}  # tensors that are no parameters, of a phase's first look

    def __call__(self, phase: Phase, batch: Batch, value: Tensor) -> None:
        """Look at the loss that a step of a phase has just computed."""
        if phase.name not in self._open:
            return
        self._count[phase.name] += 1
        if self._count[phase.name] == 1:
            self._report(activated_twice(value))
        reached = leaves(value)
        for left in self._left.values():
            for key in reached.keys() & left.keys():
                del left[key]
        self._unmoved(phase, batch, reached)
        if self._count[phase.name] == SOON * self._stepper.settings.accumulate:
            self._say_severed(phase, batch)
        settled = self._count[phase.name] > 1 or not self._loose.get(phase.name)
        if settled and (not self._left[phase.name] or self._count[phase.name] >= self._looks):
            self._close([phase.name])

    def finish(self) -> None:
        """Say what is known where the run ends before that many steps."""
        self._close([name for name in self._open if self._count[name]])

    def _say_severed(self, phase: Phase, batch: Batch) -> None:
        left = self._left[phase.name]
        found = severed(self._task, self._stepper, batch, list(left.values()))
        if found is None:
            return
        layers = {self._names.get(id(weight), "").rpartition(".")[0] for weight in found.weights}
        keys = {
            key for key in left if self._names.get(key, "").rpartition(".")[0] in layers
        }  # a bias before a norm moves nothing
        names = listed([own_name(self._task, name) for key, name in self._names.items() if key in keys])
        self._report(
            [
                Finding(
                    check="parameters without a gradient",
                    name="parameters-without-a-gradient",
                    severity="warning",
                    evidence=f"{names}: the loss is computed from them (with one of them changed it is "
                    f"{found.after:.6g} instead of {found.before:.6g}), and no gradient reaches them in the first "
                    f"{SOON} steps, so they stay as initialised",
                    action="look for detach(), .data, torch.no_grad() or numpy between them and the loss, or call "
                    "requires_grad_(False) on them",
                    step=SOON,
                )
            ]
        )
        for key in keys:
            del left[key]

    def _unmoved(self, phase: Phase, batch: Batch, reached: Mapping[int, Tensor]) -> None:
        moved = _moved(self._stepper)
        outside = {key: leaf for key, leaf in reached.items() if key not in moved and key not in self._names}
        if self._count[phase.name] == 1:
            weights = [leaf for leaf in outside.values() if isinstance(leaf, nn.Parameter)]
            given = {id(part) for field in batch.fields.values() for _, part in nested.leaves(field)}
            self._loose[phase.name] = {
                key: leaf for key, leaf in outside.items() if not isinstance(leaf, nn.Parameter) and key not in given
            }
            if weights:
                self._say_unmoved(phase, weights, "warning")
            return
        again = [leaf for key, leaf in self._loose.pop(phase.name, {}).items() if outside.get(key) is leaf]
        if again:
            self._say_unmoved(phase, again, "note")

    def _say_unmoved(self, phase: Phase, leaves: Sequence[Tensor], severity: Any) -> None:
        known = names_of(leaves, {"task": self._task, "loss": getattr(self._task, "_function", phase.loss)})
        names = [known.get(id(leaf), f"a parameter of shape {tuple(leaf.shape)}") for leaf in leaves]
        action = "make them part of the network, or of the task's `modules` and of what a phase `trains`"
        if severity == "note":
            action = f"nothing, if they are points in which the loss is differentiated; to train them {action}"
        self._report(
            [
                Finding(
                    check="parameters without an optimiser",
                    name="parameters-without-an-optimiser",
                    severity=severity,
                    evidence=f"{listed(names)}: the loss{self._of(phase)} has a gradient for them, and no optimiser moves them",
                    action=action,
                    step=1,
                )
            ]
        )

    def _of(self, phase: Phase) -> str:
        return f" of phase {phase.name!r}" if len(self._left) > 1 else ""

    def _close(self, names: Iterable[str]) -> None:
        self._open -= set(names)
        elsewhere = set().union(*(self._left[name] for name in self._open))
        unused = {key for name in names for key in self._left[name]} - elsewhere
        if unused:
            steps = max(self._count.values())
            found = listed([own_name(self._task, name) for key, name in self._names.items() if key in unused])
            self._report(
                [
                    Finding(
                        check="parameters without a gradient",
                        name="parameters-without-a-gradient",
                        severity="warning",
                        evidence=f"{found}: unused parameters; the loss of the first {steps} step{'s' * (steps > 1)} "
                        "does not depend on them, so they stay as initialised",
                        action="use them in forward, remove them, or call requires_grad_(False) on them",
                        step=steps,
                    )
                ]
            )
        if not self._open:
            self._done()


def leaves(value: Tensor) -> dict[int, Tensor]:
    """The tensors that a gradient of `value` arrives at, by identity."""
    found: dict[int, Tensor] = {}
    waiting = [] if value.grad_fn is None else [value.grad_fn]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, Tensor):
            found[id(leaf)] = leaf
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
    return found


def names_of(tensors: Sequence[Tensor], places: Mapping[str, Any]) -> dict[int, str]:
    """Identity -> name of those tensors that are found in what `places` hold: modules, attributes, what functions refer to."""
    wanted = {id(tensor) for tensor in tensors}
    found: dict[int, str] = {}
    waiting = [(name, value, 0) for name, value in places.items()]
    seen: set[int] = set()
    while waiting and len(seen) < MOST_SEARCHED and len(found) < len(wanted):
        name, value, depth = waiting.pop(0)
        if id(value) in seen or isinstance(value, PLAIN):
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            if id(value) in wanted:
                found.setdefault(id(value), name)
            continue
        if isinstance(value, nn.Module):
            for key, parameter in value.named_parameters():
                if id(parameter) in wanted:
                    found.setdefault(id(parameter), f"{name}.{key}")
        if depth < DEEPEST:
            waiting += [(inner, each, depth + 1) for inner, each in _held(name, value)]
    return found


def _held(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """(name, value) of what a value refers to."""
    if isinstance(value, functools.partial):
        yield name, value.func
        yield from ((name, each) for each in value.args)
        yield from value.keywords.items()
    elif isinstance(value, types.MethodType):
        yield name, value.__func__
        yield name, value.__self__
    elif isinstance(value, types.FunctionType):
        code = value.__code__
        for variable, cell in zip(code.co_freevars, value.__closure__ or (), strict=True):
            try:
                yield variable, cell.cell_contents
            except ValueError:  # not assigned yet
                continue
        yield from ((each, value.__globals__[each]) for each in code.co_names if each in value.__globals__)
    elif isinstance(value, Mapping):
        yield from ((f"{name}[{key!r}]", each) for key, each in list(value.items())[:MOST_SEARCHED])
    elif isinstance(value, list | tuple | set):
        yield from ((f"{name}[{number}]", each) for number, each in enumerate(list(value)[:MOST_SEARCHED]))
    elif hasattr(value, "__dict__"):
        start = "" if name in ("task", "loss") else f"{name}."
        yield from ((f"{start}{key}", each) for key, each in vars(value).items())


def own_name(task: Task, name: str) -> str:
    """A parameter's name as the caller knows it: without "model." where the task has a single network, which is called so.

    >>> own_name(type("One", (), {"modules": nn.ModuleDict({"model": nn.Linear(1, 1)})})(), "model.weight")
    'weight'
    """
    if set(task.modules) <= {"model", "loss"} and (name == "model" or name.startswith("model.")):
        return name.removeprefix("model").removeprefix(".")
    return name


def listed(names: Sequence[str]) -> str:
    """The first of many names.

    >>> listed(["a", "b"]), listed(list("abcdef"))
    ('a, b', 'a, b, c, d and 2 more')
    """
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _moved(stepper: Stepper) -> set[int]:
    """Identities of what is in an optimiser."""
    return {id(p) for update in stepper.updates for group in update.optimizer.param_groups for p in group["params"]}
