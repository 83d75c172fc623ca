"""What a network is given of a batch: by the names of its parameters, or, of a batch without names, by place."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from sonde.core.batch import INPUT_NAMES, TARGET_NAMES
from sonde.core.errors import ConfigError
from sonde.core.nested import in_words, is_object
from sonde.tasks.custom.arguments import WHOLE, Arguments, Path, arranged, lone_object
from sonde.tasks.custom.signatures import Parameters, name_of, of_a_library, parameters_of


def forward_by_name(module: nn.Module, takes: Parameters, fields: Mapping[str, Any], *, with_loss: bool) -> Arguments:
    """What a network is given of a batch with names: required parameters must be there, others are given where they are.

    with_loss: whether a loss takes the target, so that a network that could compute one of its own is not given it
    Raises: ConfigError for a parameter that is no field
    """
    wanted = [*takes.required, *takes.by_name]
    found: dict[str, Path] = {name: name for name in wanted if name in fields}
    found |= {name: () for name in wanted if name == WHOLE and name not in fields}
    lacking = [name for name in wanted if name not in found]
    offered = {
        name: name
        for name in (*takes.optional, *takes.settings)
        if name in fields and not (with_loss and _is_target(name))
    }
    if lacking or (not wanted and not offered):
        source = _lone_input(module, fields, found, lacking)
        if source is None and not lacking and takes.stars:
            found = {name: name for name in fields if not (with_loss and _is_target(name))}
            return Arguments((), tuple(found.items()))
        given = {} if source is None else _given(takes, source, fields[source], lacking)
        if not lacking and takes.star and source is not None:
            return Arguments((source,))
        found |= given
        lacking = [name for name in lacking if name not in found]
    if lacking:
        raise ConfigError(
            f"{called(module)}{takes} needs {' and '.join(map(repr, lacking))}, and the batch has {', '.join(fields)}; rename "
            f"the fields after its parameters{'' if len(lacking) > 1 else ', or one of them to ' + repr('input')}"
        )
    return arranged(takes, {**offered, **found}, [])


def _given(takes: Parameters, source: str, inner: Any, lacking: list[str]) -> dict[str, Path]:
    """Where the field `source` goes, with the value `inner`: its parts by name or place, or all of it to the only parameter."""
    if isinstance(inner, dict) and lacking and all(name in inner for name in lacking):
        more = [name for name in (*takes.optional, *takes.settings) if name in inner]
        return {name: (source, name) for name in (*lacking, *more)}
    if isinstance(inner, tuple) and len(lacking) == len(inner) > 1:
        return {name: (source, place) for place, name in enumerate(lacking)}
    if len(lacking) == 1:
        return {lacking[0]: source}
    return {takes.optional[0]: source} if not lacking and takes.optional else {}


def _lone_input(
    module: nn.Module, fields: Mapping[str, Any], found: Mapping[str, Path], lacking: list[str]
) -> str | None:
    """The field that goes where no name fits. Raises: ConfigError where several might"""
    left = [name for name in fields if name in INPUT_NAMES and name not in found.values()]
    if len(left) > 1 and "input" not in left:
        raise ConfigError(
            f"the batch has {' and '.join(map(repr, left))}, and {called(module)} takes {', '.join(map(repr, lacking)) or 'one'}"
            "; rename the field that is meant after the parameter"
        )
    return "input" if "input" in left else left[0] if left else None


def _is_target(name: str) -> bool:
    return name in TARGET_NAMES or "label" in name


def forward_by_place(
    module: nn.Module, takes: Parameters, loss: Callable[..., Any] | None, fields: Mapping[str, Any]
) -> tuple[Arguments, tuple[Path, ...], tuple[str, ...]]:
    """(what the network takes, what is left for the loss, parts that ride along) of a batch without names."""
    if (one := lone_object(fields)) is not None:
        return unpacked(takes, fields) or Arguments((one,)), (), ()
    riding = tuple(name for name, part in fields.items() if isinstance(part, list))
    for left_out in ((), riding) if riding else ((),):
        parts = {name: part for name, part in fields.items() if name not in left_out}
        if (dealt := _by_place(takes, loss, parts)) is not None:
            return *dealt, left_out
    raise _fits_nowhere(module, takes, loss, {name: part for name, part in fields.items() if name not in riding})


def _by_place(
    takes: Parameters, loss: Callable[..., Any] | None, parts: Mapping[str, Any]
) -> tuple[Arguments, tuple[Path, ...]] | None:
    names = list(parts)
    if not names or takes.by_name:
        return None
    fewest, most = _number_for_loss(loss, parts)
    first = unpacked(takes, parts)
    if first is not None and fewest <= len(names) - 1 <= most:
        return first, tuple(names[1:])
    least, at_most = number_of_parts(takes)
    exact = least + fewest
    ways = [
        count for count in range(least, len(names) + 1) if count <= at_most and fewest <= len(names) - count <= most
    ]
    if exact != len(names) and takes.star and least == 0:
        ways = [len(names) - fewest] if len(names) > fewest else []  # *args take all that the loss leaves
    elif exact != len(names) and (len(ways) != 1 or (names == ["input", "target"] and ways[0] == 2)):
        ways = []  # nothing says which of several optional ones a part is for
    if not ways:
        return None
    count = least if exact == len(names) and least in ways else ways[0]
    return Arguments(tuple(names[:count])), tuple(names[count:])


def number_of_parts(takes: Parameters) -> tuple[int, float]:
    """How many parts a network takes by place, at least and at most."""
    least = len(takes.required)
    if not takes.star and not least and not takes.optional and takes.settings:
        return 1, 1
    return least, math.inf if takes.star else least + len(takes.optional)


def _number_for_loss(loss: Callable[..., Any] | None, parts: Mapping[str, Any]) -> tuple[int, float]:
    """How many parts a loss takes after the output, at least and at most."""
    if loss is None:
        return 0, 0
    takes = parameters_of(loss).after_the_output()
    known = INPUT_NAMES if len(parts) == 1 else ("input",)
    apart = [name for name in takes.required if name == WHOLE or name in known]
    least = len(takes.required) - len(apart)
    if least > 1 and isinstance(last := list(parts.values())[-1], tuple) and len(last) == least:
        return 1, 1  # a target of as many parts
    if takes.star:
        return least, math.inf if least else 1
    return least, least + (0 if of_a_library(loss) else len([name for name in takes.optional if name != WHOLE]))


def unpacked(takes: Parameters, parts: Mapping[str, Any]) -> Arguments | None:
    """The first part's own parts as arguments, where that is a tuple or dict and the network takes several."""
    name, first = next(iter(parts.items()))
    least, most = number_of_parts(takes)
    if is_object(first):
        fits = len(takes.required) > 1 and all(hasattr(first, each) for each in takes.required)
        return arranged(takes, {each: (name, each) for each in takes.required}, []) if fits else None
    if isinstance(first, tuple) and most > 1 and least <= len(first) <= most and not takes.star:
        return Arguments(tuple((name, place) for place in range(len(first))))
    if isinstance(first, dict) and takes.required and all(each in first for each in takes.required):
        wanted = [*takes.required, *(each for each in (*takes.optional, *takes.settings) if each in first)]
        return arranged(takes, {each: (name, each) for each in wanted}, [])
    return None


def _fits_nowhere(
    module: nn.Module, takes: Parameters, loss: Callable[..., Any] | None, fields: Mapping[str, Any]
) -> ConfigError:
    if loss is None:
        return ConfigError(
            "a plain module needs loss=(output, target) -> scalar mean over the rows; only a network whose output has `.loss` or "
            f"['loss'] goes without, and takes the target: {sample_in_words(fields)}, and {called(module)} takes {takes}"
        )
    if list(fields) == ["input"] and _number_for_loss(loss, fields)[0]:
        name = parameters_of(loss).after_the_output().required[0]
        return ConfigError(
            f"the loss takes a target ({name!r}), and the data have none; give (x, y), or, where the input is the target as in "
            f"an autoencoder, (x, x) or loss=lambda output, input: {_short_name(loss)}(output, input)"
        )
    return ConfigError(
        f"{sample_in_words(fields)}, which do not fit {called(module)}{takes} and {_of_loss(loss)}; give a dict whose names are "
        "those of the parameters, or a loss with as many parameters after the output as there are parts left"
    )


def sample_in_words(fields: Mapping[str, Any]) -> str:
    """How many parts samples have, and of which shapes."""
    words = ", ".join(in_words(part) for part in fields.values())
    return f"samples have {len(fields)} part{'s' * (len(fields) != 1)} ({words})"


def called(module: nn.Module) -> str:
    """A network's `forward` in a message."""
    return f"{type(module).__name__}.forward"


def _of_loss(loss: Callable[..., Any]) -> str:
    """The loss with its parameters, such as "the loss mse_loss(input, target)"."""
    takes, own = parameters_of(loss), not of_a_library(loss)
    name = name_of(loss)
    shown = takes if own else Parameters(takes.required, (), (), takes.by_name)
    return f"the loss{'' if name == '<lambda>' else ' ' + name}{shown}"


def _short_name(loss: Callable[..., Any]) -> str:
    name = name_of(loss)
    return "loss" if name == "<lambda>" else f"{name}()" if isinstance(loss, nn.Module) else name
