"""What of a batch goes into a network's `forward`, and what into its loss: decided once, from their signatures and the first batch.

A batch with names of its own (a dict, a dataclass) is handed over by name, one without (a tuple) by place: first come the
parameters of `forward`, then those of the loss after the output.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from sonde.core.batch import ALIASES, INPUT_NAMES, TARGET_NAMES, Batch, alias
from sonde.core.errors import ConfigError
from sonde.core.nested import in_words
from sonde.tasks.custom.signatures import Parameters, name_of, of_a_library, parameters_of

Path = str | tuple[str | int, ...]
"""A field's name; the field, and places and names inside it; () for the whole batch."""

WHOLE = ("batch", "b")  # parameters that are given the whole batch, where no field is called so
WEIGHTS = ("mask", "weight", "weights", "sample_weight", "sample_weights")
"""Fields that change what is learned, where something takes them."""


@dataclass(frozen=True)
class Arguments:
    """What a function is given of a batch: by place, and by name."""

    places: tuple[Path, ...] = ()
    names: tuple[tuple[str, Path], ...] = ()

    def of(self, batch: Batch) -> tuple[list[Any], dict[str, Any]]:
        """The arguments, for `function(*places, **names)`."""
        fields = batch.fields
        places = [fields[path] if type(path) is str else _inside(batch, path) for path in self.places]
        if not self.names:
            return places, {}
        return places, {name: fields[path] if type(path) is str else _inside(batch, path) for name, path in self.names}

    @property
    def fields(self) -> list[str]:
        """The fields that are read, each once."""
        paths = [*self.places, *(path for _, path in self.names)]
        return list(dict.fromkeys(path if isinstance(path, str) else path[0] for path in paths if path))  # type: ignore[misc]

    @property
    def whole(self) -> bool:
        """Whether the function is given the whole batch, of which it may read anything."""
        return () in self.places or () in (path for _, path in self.names)


@dataclass(frozen=True)
class Binding:
    """How a batch with fields of these names, in this order, is handed over.

    forward: to the network
    loss:    to the loss, after the output; None where the network returns its loss
    rest:    of a batch without names, the parts that are not the network's, in order
    line:    all that in words
    unused:  fields that neither takes
    """

    names: tuple[str, ...]
    forward: Arguments
    loss: Arguments | None
    rest: tuple[Path, ...]
    line: str
    unused: tuple[str, ...]
    _known: dict[tuple[int, str], Arguments] = field(default_factory=dict, compare=False, repr=False)

    def arguments(self, function: Callable[..., Any], batch: Batch, what: str) -> Arguments:
        """What `function`, of an output, is given besides it: found at its first call, and kept.

        Raises: ConfigError for a parameter that is no field
        """
        key = (id(function), what)
        if key not in self._known:
            self._known[key] = arguments_of(function, batch, what=what, rest=self.rest, forward=self.forward)
        return self._known[key]

    def call_loss(self, function: Callable[..., Any], output: Any, batch: Batch, what: str = "the loss") -> Any:
        """`function(output, target, more of the batch by name)`: a loss or a metric.

        what: it is in words, for messages
        """
        places, names = self.arguments(function, batch, what).of(batch)
        return function(output, *places, **names)


def bind(module: nn.Module, loss: Callable[..., Any] | None, batch: Batch) -> Binding:
    """Who gets what of such a batch. Raises: ConfigError, in one line, where that cannot be told"""
    fields = dict(batch.fields)
    takes = parameters_of(module)
    if is_placed(fields):
        forward, rest, left_out = _deal(module, takes, loss, fields)
        given = None if loss is None else arguments_of(loss, batch, rest=rest, forward=forward, fill=True)
    else:
        forward, rest = _forward_by_name(module, takes, fields, with_loss=loss is not None), ()
        given = None if loss is None else arguments_of(loss, batch, rest=rest, forward=forward)
    read = {*forward.fields, *([] if given is None else given.fields)}
    unused = () if given is not None and given.whole else tuple(name for name in fields if name not in read)
    return Binding(
        names=tuple(fields),
        forward=forward,
        loss=given,
        rest=rest,
        line=_line(takes, loss, forward, given, unused),
        unused=unused,
    )


def inputs_of(module: nn.Module, batch: Batch, trained: Binding | None = None) -> Arguments:
    """What the network is given of a batch to predict on, which needs no target.

    trained: how batches of the training data were handed over
    Raises: ConfigError where that cannot be told
    """
    fields = dict(batch.fields)
    if trained is not None and tuple(fields) == trained.names:
        return trained.forward
    takes = parameters_of(module)
    if not is_placed(fields):
        return _forward_by_name(module, takes, fields, with_loss=True)
    if len(takes.required) <= 1 and tuple(fields) == ("input", "target"):
        fields.pop("target")  # a pair as in training
    spread = _spread(takes, fields)
    if spread is not None and len(fields) == 1:
        return spread
    least, most = _room(takes)
    if least <= len(fields) <= most:
        return Arguments(tuple(fields))
    raise ConfigError(
        f"{_parts(fields)}, and {_called(module)} takes {takes}; give one part for each parameter, or a dict with their names"
    )


def arguments_of(
    function: Callable[..., Any],
    batch: Batch,
    *,
    what: str = "the loss",
    rest: tuple[Path, ...] = (),
    forward: Arguments = Arguments(),  # noqa: B008  # frozen
    fill: bool = False,
) -> Arguments:
    """What a function of the output is given besides it.

    rest: of a batch without names, the parts that are not the network's;  forward: what the network is given
    fill: whether parts that are left go to optional parameters, which the target alone does otherwise
    Raises: ConfigError for a parameter that is no field
    """
    fields, own = dict(batch.fields), not of_a_library(function)
    whole = parameters_of(function)
    if not whole.takes_output:
        raise ConfigError(f"{what} takes nothing; let it take the network's output: function(output, target)")
    takes, placed = whole.after_the_output(), is_placed(fields)
    found: dict[str, Path] = {}
    for name in (*takes.required, *takes.by_name):
        if name in fields:
            found[name] = name
        elif name in WHOLE:
            found[name] = ()
        elif name == "input" and (path := _the_input(fields, forward)) is not None:
            found[name] = path
    used = set(found.values())
    lacking = [name for name in (*takes.required, *takes.by_name) if name not in found]
    coming: list[Path] = [path for path in rest if path not in used] if placed else []
    if not placed and (target := _the_target(fields, found.values(), lacking, what)) is not None:
        coming = [target]
    if len(coming) == 1 and len(lacking) > 1 and isinstance(coming[0], str):
        coming = _opened(fields, coming[0], lacking)
    for name, path in zip(list(lacking), coming, strict=False):
        found[name] = path
        lacking.remove(name)
    coming = [path for path in coming if path not in found.values()]
    if lacking and not coming and lacking[0] in INPUT_NAMES and (path := _the_input(fields, forward)) is not None:
        found[lacking.pop(0)] = path
    if lacking:
        raise _lacks(what, whole, lacking[0], fields, placed=placed, rest=rest)
    if own:
        for name in (*takes.optional, *takes.settings):
            if name in fields or name in WHOLE:
                found[name] = name if name in fields else ()
        free = [name for name in takes.optional if name not in found and (fill or name not in WEIGHTS)]
        if fill or not takes.required:
            found |= dict(zip(free, coming if fill else coming[:1], strict=False))
    places = coming if takes.star and not takes.required else []
    return _arranged(takes, found, places)


def is_placed(names: Collection[str]) -> bool:
    """Whether fields have no names of their own: those of a tuple."""
    return all(name in ("input", "target") or name == f"part_{place + 1}" for place, name in enumerate(names))


def _inside(batch: Batch, path: tuple[str | int, ...]) -> Any:
    if not path:
        return batch
    found: Any = batch.fields
    for step in path:
        found = found[step]
    return found


# by place


def _deal(
    module: nn.Module, takes: Parameters, loss: Callable[..., Any] | None, fields: Mapping[str, Any]
) -> tuple[Arguments, tuple[Path, ...], tuple[str, ...]]:
    """(what the network takes, what is left for the loss, parts that ride along) of a batch without names."""
    riding = tuple(name for name, part in fields.items() if isinstance(part, list))
    for left_out in ((), riding) if riding else ((),):
        parts = {name: part for name, part in fields.items() if name not in left_out}
        if (dealt := _dealt(takes, loss, parts)) is not None:
            return *dealt, left_out
    raise _fits_nowhere(module, takes, loss, {name: part for name, part in fields.items() if name not in riding})


def _dealt(
    takes: Parameters, loss: Callable[..., Any] | None, parts: Mapping[str, Any]
) -> tuple[Arguments, tuple[Path, ...]] | None:
    names = list(parts)
    if not names or takes.by_name:
        return None
    fewest, most = _loss_room(loss, parts)
    spread = _spread(takes, parts)
    if spread is not None and fewest <= len(names) - 1 <= most:
        return spread, tuple(names[1:])
    least, room = _room(takes)
    exact = least + fewest
    ways = [count for count in range(least, len(names) + 1) if count <= room and fewest <= len(names) - count <= most]
    if exact != len(names) and takes.star and least == 0:
        ways = [len(names) - fewest] if len(names) > fewest else []  # *args take all that the loss leaves
    elif exact != len(names) and (len(ways) != 1 or (names == ["input", "target"] and ways[0] == 2)):
        ways = []  # nothing says which of several optional ones a part is for
    if not ways:
        return None
    count = least if exact == len(names) and least in ways else ways[0]
    return Arguments(tuple(names[:count])), tuple(names[count:])


def _room(takes: Parameters) -> tuple[int, float]:
    """How many parts a network takes by place, at least and at most."""
    least = len(takes.required)
    if not takes.star and not least and not takes.optional and takes.settings:
        return 1, 1
    return least, math.inf if takes.star else least + len(takes.optional)


def _loss_room(loss: Callable[..., Any] | None, parts: Mapping[str, Any]) -> tuple[int, float]:
    """How many parts a loss takes after the output, at least and at most."""
    if loss is None:
        return 0, 0
    takes = parameters_of(loss).after_the_output()
    known = INPUT_NAMES if len(parts) == 1 else ("input",)
    apart = [name for name in takes.required if name in WHOLE or name in known]
    least = len(takes.required) - len(apart)
    if least > 1 and isinstance(last := list(parts.values())[-1], tuple) and len(last) == least:
        return 1, 1  # a target of as many parts
    if takes.star:
        return least, math.inf if least else 1
    return least, least + (0 if of_a_library(loss) else len([name for name in takes.optional if name not in WHOLE]))


def _spread(takes: Parameters, parts: Mapping[str, Any]) -> Arguments | None:
    """The first part's own parts as arguments, where that is a tuple or dict and the network takes several."""
    name, first = next(iter(parts.items()))
    least, most = _room(takes)
    if isinstance(first, tuple) and most > 1 and least <= len(first) <= most and not takes.star:
        return Arguments(tuple((name, place) for place in range(len(first))))
    if isinstance(first, dict) and takes.required and all(each in first for each in takes.required):
        wanted = [*takes.required, *(each for each in (*takes.optional, *takes.settings) if each in first)]
        return _arranged(takes, {each: (name, each) for each in wanted}, [])
    return None


def _fits_nowhere(
    module: nn.Module, takes: Parameters, loss: Callable[..., Any] | None, fields: Mapping[str, Any]
) -> ConfigError:
    given = "" if loss is None else f" and {_of_loss(loss)}"
    if loss is not None and list(fields) == ["input"] and _loss_room(loss, fields)[0]:
        name = parameters_of(loss).after_the_output().required[0]
        return ConfigError(
            f"the loss takes a target ({name!r}), and the data have none; give (x, y), or (x, x) where the input is the target "
            "as in an autoencoder, or a loss of the output alone"
        )
    return ConfigError(
        f"{_parts(fields)}, which do not fit {_called(module)}{takes}{given}; give a dict whose names are those of the "
        "parameters, or a loss with as many parameters after the output as there are parts left"
    )


def _parts(fields: Mapping[str, Any]) -> str:
    words = ", ".join(in_words(part) for part in fields.values())
    return f"samples have {len(fields)} part{'s' * (len(fields) != 1)} ({words})"


def _called(module: nn.Module) -> str:
    return f"{type(module).__name__}.forward"


def _of_loss(loss: Callable[..., Any]) -> str:
    """The loss with its parameters, such as "the loss mse_loss(input, target)"."""
    takes, own = parameters_of(loss), not of_a_library(loss)
    name = name_of(loss)
    shown = takes if own else Parameters(takes.required, (), (), takes.by_name)
    return f"the loss{'' if name == '<lambda>' else ' ' + name}{shown}"


# by name


def _forward_by_name(module: nn.Module, takes: Parameters, fields: Mapping[str, Any], *, with_loss: bool) -> Arguments:
    """with_loss: whether a loss takes the target, so that a network that could compute one of its own is not given it"""
    wanted = [*takes.required, *takes.by_name]
    found: dict[str, Path] = {name: name for name in wanted if name in fields}
    lacking = [name for name in wanted if name not in found]
    offered = [
        name for name in (*takes.optional, *takes.settings) if name in fields and not (with_loss and _is_target(name))
    ]
    if lacking or (not wanted and not offered):
        source = _lone_input(module, fields, found, lacking)
        inner = None if source is None else fields[source]
        if source is None:
            pass
        elif isinstance(inner, dict) and lacking and all(name in inner for name in lacking):
            more = [name for name in (*takes.optional, *takes.settings) if name in inner and name not in offered]
            found |= {name: (source, name) for name in (*lacking, *more)}
            lacking = []
        elif isinstance(inner, tuple) and len(lacking) == len(inner) > 1:
            found |= {name: (source, place) for place, name in enumerate(lacking)}
            lacking = []
        elif len(lacking) == 1:
            found[lacking.pop()] = source
        elif not lacking and takes.star:
            return Arguments((source,))
        elif not lacking and takes.optional:
            found[takes.optional[0]] = source
    if lacking:
        raise ConfigError(
            f"{_called(module)}{takes} needs {' and '.join(map(repr, lacking))}, and the batch has {', '.join(fields)}; rename "
            f"the fields after its parameters{'' if len(lacking) > 1 else ', or one of them to ' + repr('input')}"
        )
    for name in offered:
        found[name] = name
    if takes.stars and not wanted and not offered and not found:
        found = {name: name for name in fields if not (with_loss and _is_target(name))}
        return Arguments((), tuple(found.items()))
    return _arranged(takes, found, [])


def _lone_input(
    module: nn.Module, fields: Mapping[str, Any], found: Mapping[str, Path], lacking: list[str]
) -> str | None:
    """The field that goes where no name fits. Raises: ConfigError where several might"""
    left = [name for name in fields if name in INPUT_NAMES and name not in found.values()]
    if len(left) > 1 and "input" not in left:
        raise ConfigError(
            f"the batch has {' and '.join(map(repr, left))}, and {_called(module)} takes {', '.join(map(repr, lacking)) or 'one'}"
            "; rename the field that is meant after the parameter"
        )
    return "input" if "input" in left else left[0] if left else None


def _the_input(fields: Mapping[str, Any], forward: Arguments) -> Path | None:
    """What a parameter called `input` gets: the field of that name, the one that stands for it, or what the network is given."""
    if "input" in fields:
        return "input"
    return alias("input", fields) or (forward.places[0] if forward.places else None)


def _the_target(fields: Mapping[str, Any], used: Collection[Path], lacking: list[str], what: str) -> str | None:
    """Raises: ConfigError where several fields may be the target, and one is needed"""
    left = [name for name in fields if name in TARGET_NAMES and name not in used]
    if len(left) > 1 and "target" not in left:
        if not lacking:
            return None
        raise ConfigError(
            f"the batch has {' and '.join(map(repr, left))}, and {what} takes {lacking[0]!r}; name its parameter after the "
            "field that is meant"
        )
    return "target" if "target" in left else left[0] if left else None


def _opened(fields: Mapping[str, Any], target: str, lacking: list[str]) -> list[Path]:
    """The parts of a target that is a tuple of as many, or a dict with such names; else the target itself."""
    held = fields[target]
    if isinstance(held, tuple) and len(held) == len(lacking):
        return [(target, place) for place in range(len(held))]
    if isinstance(held, dict) and all(name in held for name in lacking):
        return [(target, name) for name in lacking]
    return [target]


def _is_target(name: str) -> bool:
    return name in TARGET_NAMES or "label" in name


def _lacks(
    what: str, takes: Parameters, name: str, fields: Mapping[str, Any], *, placed: bool, rest: tuple[Path, ...]
) -> ConfigError:
    if not any(field in ALIASES["target"] for field in fields) and not rest:
        return ConfigError(
            f"{what} takes {name!r}, and the batch has {', '.join(fields)}; give the target under a name such as 'target', or a "
            "function of the output alone"
        )
    remedy = (
        "give a dict with such a name" if placed else "name the parameter after a field, or `batch` for all of them"
    )
    return ConfigError(f"{what}{takes} takes {name!r}, which is no field of the batch ({', '.join(fields)}); {remedy}")


def _arranged(takes: Parameters, found: Mapping[str, Path], star: list[Path]) -> Arguments:
    """By place as far as there is no gap, by name from there on."""
    places: list[Path] = []
    left = dict(found)
    for name in (*takes.required, *takes.optional):
        if name not in left:
            break
        places.append(left.pop(name))
    return Arguments((*places, *star), tuple(left.items()))


def _line(
    takes: Parameters,
    loss: Callable[..., Any] | None,
    forward: Arguments,
    given: Arguments | None,
    unused: tuple[str, ...],
) -> str:
    """Who gets what, such as "image, meta → forward; label → the loss; id unused"."""
    own = [*takes.required, *takes.optional][: len(forward.places)]
    parts = [f"{', '.join(forward.fields)} → forward{_if_others(forward, own)}"]
    if given is None:
        parts.append("the network returns its loss")
    elif given.whole:
        parts.append("the whole batch → the loss")
    elif loss is not None and given.fields:
        after = parameters_of(loss).after_the_output()
        own = [*after.required, *after.optional][: len(given.places)]
        parts.append(f"{', '.join(given.fields)} → the loss{_if_others(given, own)}")
    if unused:
        parts.append(f"{', '.join(unused)} unused")
    return "; ".join(parts)


def _if_others(given: Arguments, names: list[str]) -> str:
    """The parameters by name, where they are several and called otherwise than the fields."""
    if len(given.places) < 2 or list(given.places) == names:
        return ""
    return f" ({', '.join(names)})" if names else ""
