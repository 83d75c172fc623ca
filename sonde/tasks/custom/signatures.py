"""What a function of a researcher's own takes, read from its signature."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

LIBRARIES = (
    "torch",
    "torchvision",
    "torchaudio",
    "torchmetrics",
    "sklearn",
    "scipy",
    "numpy",
    "monai",
    "segmentation_models_pytorch",
)
"""Packages whose functions take settings under names that a batch may have by chance (`weight`, `reduction`)."""


TRUTHS = ("y_true", "y", "true", "target", "targets", "label", "labels", "gt", "truth", "ground_truth", "actual")
ANSWERS = ("y_pred", "y_hat", "y_score", "y_scores", "y_prob", "y_proba", "pred", "preds", "prediction", "predictions")
ANSWERS += ("output", "outputs", "out", "logits", "scores", "probs", "proba", "predicted")


@dataclass(frozen=True)
class Parameters:
    """Names of parameters by what may be given to them, each in the order of the signature.

    required: without a default, given by place
    optional: after those, with the default None, given by place: what data may go to
    settings: with another default, or by name only with any
    by_name:  without a default, given by name only
    star, stars: whether there are *args, **kwargs
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    by_name: tuple[str, ...] = ()
    star: bool = False
    stars: bool = False

    def after_the_output(self) -> "Parameters":
        """Without the first, which is the network's output."""
        if self.required:
            return Parameters(self.required[1:], self.optional, self.settings, self.by_name, self.star, self.stars)
        return Parameters((), self.optional[1:], self.settings, self.by_name, self.star, self.stars)

    @property
    def takes_output(self) -> bool:
        """Whether something can be given by place at all."""
        return bool(self.required or self.optional or self.settings or self.star)

    def __str__(self) -> str:
        """As one would write it: required ones, and optional ones in brackets."""
        rest = [f"[{name}]" for name in self.optional]
        stars = ["*args"] * self.star + ["**kwargs"] * self.stars
        return f"({', '.join([*self.required, *rest, *self.by_name, *stars])})"


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """What a function takes; a module's `forward`. One that does not tell, as those written in C, is taken for (input, target).

    >>> str(parameters_of(lambda output, target, weight=None, *, scale=1.0: 0))
    '(output, target, [weight])'
    """
    called = function.forward if isinstance(function, nn.Module) else function
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):
        return Parameters(required=("input", "target"))
    required: list[str] = []
    optional: list[str] = []
    settings: list[str] = []
    by_name: list[str] = []
    star = stars = False
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            star = True
        elif parameter.kind is parameter.VAR_KEYWORD:
            stars = True
        elif parameter.default is parameter.empty:
            (by_name if parameter.kind is parameter.KEYWORD_ONLY else required).append(name)
        elif parameter.default is None and parameter.kind is not parameter.KEYWORD_ONLY and not settings:
            optional.append(name)
        else:
            settings.append(name)
    return Parameters(tuple(required), tuple(optional), tuple(settings), tuple(by_name), star, stars)


def of_a_library(function: Callable[..., Any]) -> bool:
    """Whether a function, or the class of an object that is called, comes with one of `LIBRARIES`.

    >>> of_a_library(nn.functional.mse_loss), of_a_library(nn.MSELoss()), of_a_library(lambda output: output)
    (True, True, False)
    """
    while isinstance(function, functools.partial):
        function = function.func
    module = getattr(function, "__module__", None) or type(function).__module__
    return str(module).split(".")[0] in LIBRARIES


def in_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """A loss or metric as (output, target, ...), also where its parameters say that the target comes first.

    scikit-learn's metrics and Keras' losses are functions of (y_true, y_pred). What says nothing of the kind is given back.

    >>> in_order(lambda y_true, y_pred: y_true)("output", "target")
    'target'
    """
    try:
        signature = inspect.signature(function.forward if isinstance(function, nn.Module) else function)
    except (TypeError, ValueError):
        return function
    first, second, *more = [*signature.parameters.values(), None, None]
    if first is None or second is None or not _target_first(first, second):
        return function

    def ordered(output: Any, target: Any, *others: Any, **named: Any) -> Any:
        return function(target, output, *others, **named)

    functools.update_wrapper(ordered, function, updated=())
    ordered.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[second, first, *(each for each in more if each is not None)]
    )
    return ordered


def _target_first(first: inspect.Parameter, second: inspect.Parameter) -> bool:
    placed = all(
        each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) and each.default is each.empty
        for each in (first, second)
    )
    one, other = first.name.lower(), second.name.lower()
    return placed and ((one in TRUTHS and other in ANSWERS) or other in (f"{one}_hat", f"{one}_pred"))


def name_of(function: Callable[..., Any]) -> str:
    """What a function is called in a message."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))
