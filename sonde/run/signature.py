"""Settings of a call in its signature at run time, where help(), notebooks and their completion look."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class _Inferred:
    """Stands for the default of a setting: what the recipe says, else what `sonde train --help` shows."""

    def __repr__(self) -> str:
        return "..."


def with_settings(settings: type) -> Callable[[F], F]:
    """The same function, whose signature lists the keys of a TypedDict in the place of `**settings`.

    >>> from typing import TypedDict
    >>> class Lengths(TypedDict, total=False):
    ...     epochs: int
    >>> @with_settings(Lengths)
    ... def train(data, **settings): ...
    >>> inspect.signature(train)
    <Signature (data, *, epochs: int = ...)>
    """

    def listed(function: F) -> F:
        plain = inspect.signature(function)
        named = [each for each in plain.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        keywords = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_Inferred(), annotation=_plain(annotation))
            for name, annotation in settings.__annotations__.items()
        ]
        function.__signature__ = plain.replace(parameters=[*named, *keywords])  # type: ignore[attr-defined]
        return function

    return listed


def _plain(annotation: Any) -> Any:
    """The text of an annotation that is evaluated by type checkers alone."""
    return getattr(annotation, "__forward_arg__", annotation)
