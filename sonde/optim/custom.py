"""Optimisers that are not ours: torch's by name, a class, a function of the list of parameters, or one that the caller made."""

import copy
import functools
import inspect
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, get_args

import torch
from torch import nn
from torch.optim import Optimizer

from sonde.core.config import OptimConfig, OptimizerName
from sonde.core.errors import ConfigError, first_line
from sonde.core.given_object import GivenObject

OURS: dict[str, tuple[str, ...]] = {
    "sgd": ("lr", "weight_decay"),
    "momentum": ("lr", "weight_decay", "momentum"),
    "nesterov": ("lr", "weight_decay", "momentum"),
    "rmsprop": ("lr", "weight_decay", "momentum", "beta2", "eps"),
    "adam": ("lr", "weight_decay", "beta1", "beta2", "eps"),
    "adamw": ("lr", "weight_decay", "beta1", "beta2", "eps"),
    "muon": ("lr", "weight_decay", "momentum", "beta1", "beta2", "eps"),
}
"""Optimisers with defaults of ours -> the fields of `OptimConfig` that each reads; the others have no effect on it."""

SETTINGS = ("lr", "weight_decay", "momentum", "beta1", "beta2", "eps")

TAKE_SPARSE = (torch.optim.SGD, torch.optim.Adagrad, torch.optim.SparseAdam)  # gradients of `nn.Embedding(sparse=True)`

Choice = str | GivenObject


@cache
def torch_classes() -> dict[str, type[Optimizer]]:
    """torch's optimisers by their names here: the classes in lower case, but for those that have defaults of ours.

    >>> torch_classes()["radam"]
    <class 'torch.optim.radam.RAdam'>
    """
    found = {
        name.lower(): kind
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
    }
    return {name: found[name] for name in get_args(OptimizerName) if name not in OURS and name in found}


def class_of(choice: Choice) -> Callable[..., Optimizer] | None:
    """The class that is called with settings, or a partial of one that leaves the rate open; None for optimisers of ours and for
    what makes its own.

    Raises: ConfigError for one that this version of torch lacks
    """
    if isinstance(choice, GivenObject):
        kind = made = choice.value
        if isinstance(made, functools.partial) and not made.args and "lr" not in made.keywords:
            kind = made.func
        return made if isinstance(kind, type) and issubclass(kind, Optimizer) else None
    if choice in OURS:
        return None
    if choice not in torch_classes():
        raise ConfigError(f"--optimizer {choice}: torch {torch.__version__} has no such optimizer; use another")
    return torch_classes()[choice]


def makes_its_own(choice: Choice) -> bool:
    """Whether rate and all else stand in the object that was given: a function or an optimiser itself."""
    return isinstance(choice, GivenObject) and class_of(choice) is None


def reads(choice: Choice) -> tuple[str, ...]:
    """The settings that an optimiser reads.

    >>> reads("momentum"), reads("rprop"), reads("nadam")
    (('lr', 'weight_decay', 'momentum'), ('lr',), ('lr', 'weight_decay', 'beta1', 'beta2', 'eps'))
    """
    if isinstance(choice, str) and choice in OURS:
        return OURS[choice]
    kind = class_of(choice)
    if kind is None:
        return ()
    found = inspect.signature(kind).parameters
    more = any(entry.kind is entry.VAR_KEYWORD for entry in found.values())
    usual = defaults(kind)
    takes = {"lr": "lr" in found or more, "weight_decay": "weight_decay" in found, "momentum": "momentum" in found}
    takes |= {"beta1": "beta1" in usual, "beta2": "beta2" in usual, "eps": "eps" in usual}
    return tuple(name for name in SETTINGS if takes[name])


def defaults(kind: Callable[..., Optimizer]) -> dict[str, float]:
    """What a class has by itself for the settings that it shares with ours.

    >>> defaults(torch.optim.Adagrad)
    {'lr': 0.01, 'weight_decay': 0, 'eps': 1e-10}
    """
    found = {name: entry.default for name, entry in inspect.signature(kind).parameters.items()}
    betas = found.pop("betas", None)
    if isinstance(betas, tuple) and len(betas) == 2:
        found |= {"beta1": betas[0], "beta2": betas[1]}
    usual = ((name, found.get(name)) for name in SETTINGS)
    return {name: value for name, value in usual if isinstance(value, int | float)}


def arguments(choice: Choice, config: OptimConfig) -> dict[str, Any]:
    """The settings as keywords of the class, without the rate."""
    names = reads(choice)
    if choice == "lbfgs":
        return {"line_search_fn": "strong_wolfe"}  # without one, a network's loss runs away
    found = {name: getattr(config, name) for name in ("weight_decay", "momentum", "eps") if name in names}
    return {**found, "betas": (config.beta1, config.beta2)} if "beta1" in names else found


def called(choice: Choice, make: Callable[..., Any], *given: Any, **settings: Any) -> Optimizer:
    """What a class or function makes of parameters. Raises: ConfigError where it makes no optimiser of them."""
    try:
        made = make(*given, **settings)
    except (TypeError, ValueError, AttributeError) as error:
        what = "was given the list of parameters and " if makes_its_own(choice) else ""
        raise ConfigError(f"optimizer={choice}: {what}raised {type(error).__name__}: {first_line(error)}") from error
    if not isinstance(made, Optimizer):
        kind = "None" if made is None else f"a {type(made).__name__}"
        raise ConfigError(
            f"optimizer={choice}: gave {kind}; it must give a torch.optim.Optimizer of the parameters it is given"
        )
    return made


def made_by_itself(choice: GivenObject, parameters: Sequence[nn.Parameter]) -> Optimizer:
    """The optimiser that a function makes of the parameters, or a copy of the one that was given, over the same parameters."""
    if isinstance(choice.value, Optimizer):
        return copy_of_optimizer(choice.value)
    return called(choice, choice.value, list(parameters))


def copy_of_optimizer(optimizer: Optimizer) -> Optimizer:
    """A copy with its own state and groups over the very same parameters, so that trial steps leave the caller's as it was."""
    made = object.__new__(type(optimizer))
    shared: dict[int, Any] = {id(p): p for group in optimizer.param_groups for p in group["params"]}
    shared[id(optimizer)] = made
    hooks = {name: copy.copy(value) for name, value in vars(optimizer).items() if name.endswith("_hooks")}
    patched = hasattr(optimizer.step, "_wrapped_by_lr_sched")  # by a scheduler, which counts steps so
    rest = {
        name: value for name, value in vars(optimizer).items() if name not in hooks and not (patched and name == "step")
    }
    vars(made).update({**copy.deepcopy(rest, shared), **hooks})
    return made


def check_parameters(
    optimizer: Optimizer, choice: Choice, *, phase: str, own: Collection[nn.Parameter], names: dict[int, str]
) -> None:
    """Raises: ConfigError for an optimiser of parameters that its phase does not train.

    own: all parameters of the phase's modules, frozen ones too;  names: of those of the whole task, by identity
    """
    trained = {id(parameter) for parameter in own}
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    foreign = [parameter for parameter in held if id(parameter) not in trained]
    if not foreign:
        return
    if known := [names[id(parameter)] for parameter in foreign if id(parameter) in names]:
        raise ConfigError(
            f"optimizer={choice}: it holds {known[0]}, which phase {phase!r} does not train; give each phase its own: "
            "sonde.Phase(optimizer=…)"
        )
    shapes = ", ".join(str(tuple(parameter.shape)) for parameter in foreign[:3])
    raise ConfigError(
        f"optimizer={choice}: {len(foreign)} of its {len(held)} parameters (of shape {shapes}) are not the network's; "
        "make it from the parameters of the network that is trained, after all its layers exist"
    )


def check_sparse(optimizer: Optimizer, choice: Choice) -> None:
    """Raises: ConfigError for an optimiser of torch's or ours that takes no sparse gradients."""
    known = type(optimizer).__module__.startswith(("torch.optim", "sonde."))
    keeps = any(group.get("momentum") for group in optimizer.param_groups)  # a sparse state, which no checkpoint holds
    if known and (keeps or not isinstance(optimizer, TAKE_SPARSE)):
        raise ConfigError(
            f"optimizer={choice} takes no sparse gradients, and the network has an nn.Embedding(sparse=True); use sgd, "
            "adagrad or sparseadam (which takes no others), or leave sparse out"
        )


def check_dense(optimizer: Optimizer, choice: Choice, *, sparse: Collection[int]) -> None:
    """Raises: ConfigError for an optimiser of sparse gradients alone where some are dense.

    sparse: `id` of the parameters with sparse ones
    """
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    dense = sum(id(parameter) not in sparse for parameter in held)
    if isinstance(optimizer, torch.optim.SparseAdam) and dense:
        raise ConfigError(
            f"optimizer={choice} takes sparse gradients only, of nn.Embedding(sparse=True), and {dense} of the "
            f"{len(held)} parameters have others; use adam"
        )


def needs_closure(optimizer: Optimizer) -> bool:
    """Whether a step must be able to compute the loss again: `step` has a closure without a default, as L-BFGS's.

    >>> needs_closure(torch.optim.LBFGS([torch.zeros(1)])), needs_closure(torch.optim.Adam([torch.zeros(1)]))
    (True, False)
    """
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is closure.empty
