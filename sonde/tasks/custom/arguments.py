"""What a function is given of a batch: a loss or a metric, of the network's output and more of the batch."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sonde.core.batch import ALIASES, INPUT_NAMES, TARGET_NAMES, Batch, alias
from sonde.core.errors import ConfigError
from sonde.core.nested import is_object
from sonde.tasks.custom.signatures import Parameters, of_a_library, parameters_of

Path = str | tuple[str | int, ...]
"""A field's name; the field, and places and names inside it; () for the whole batch."""

WHOLE = "batch"  # the parameter that is given all of the batch, where no field is called so
WEIGHTS = ("mask", "weight", "weights", "sample_weight", "sample_weights")
"""Fields that change what is learned, where something takes them."""


@dataclass(frozen=True)
class Arguments:
    """What a function is given of a batch: by place, and by name."""

    places: tuple[Path, ...] = ()
    names: tuple[tuple[str, Path], ...] = ()
    _plain: bool = field(init=False, repr=False, compare=False)  # whether whole fields go by place alone

    def __post_init__(self) -> None:
        plain = not self.names and all(isinstance(path, str) for path in self.places)
        object.__setattr__(self, "_plain", plain)

    def of(self, batch: Batch) -> tuple[list[Any], dict[str, Any]]:
        """The arguments, for `function(*places, **names)`."""
        fields = batch.fields
        if self._plain:
            return [fields[name] for name in self.places], {}  # type: ignore[index]  # the usual case: half the time
        places = [fields[path] if isinstance(path, str) else _inside(batch, path) for path in self.places]
        return places, {
            name: fields[path] if isinstance(path, str) else _inside(batch, path) for name, path in self.names
        }

    @property
    def fields(self) -> list[str]:
        """The fields that are read, each once."""
        paths = [*self.places, *(path for _, path in self.names)]
        return list(dict.fromkeys(path if isinstance(path, str) else path[0] for path in paths if path))  # type: ignore[misc]

    @property
    def whole(self) -> bool:
        """Whether the function is given the whole batch, of which it may read anything."""
        return () in self.places or () in (path for _, path in self.names)


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
    whole = parameters_of(function)
    if not whole.takes_output:
        raise takes_nothing(what)
    fields, takes = dict(batch.fields), whole.after_the_output()
    if (one := lone_object(fields)) is not None:
        return _of_object(function, takes, one, fields[one])
    found = _by_own_names(takes, fields, forward)
    lacking = [name for name in (*takes.required, *takes.by_name) if name not in found]
    coming = _by_place(fields, rest, found, lacking, what)
    for name, path in zip(list(lacking), coming, strict=False):
        found[name] = path
        lacking.remove(name)
    coming = [path for path in coming if path not in found.values()]
    if lacking and not coming and lacking[0] in INPUT_NAMES and (path := _the_input(fields, forward)) is not None:
        found[lacking.pop(0)] = path
    if lacking == ["b"] and takes.required[0] != "b":
        found[lacking.pop()] = ()  # function(output, target, b), as a batch is often called
    if lacking:
        raise _lacks(what, whole, lacking[0], fields, rest)
    if not of_a_library(function):
        found |= _optional(takes, fields, found, coming, fill=fill)
    return arranged(takes, found, coming if takes.star and not takes.required else [])


def _by_own_names(takes: Parameters, fields: Mapping[str, Any], forward: Arguments) -> dict[str, Path]:
    """Parameters without a default that are called as a field, `batch`, or `input`."""
    found: dict[str, Path] = {}
    for name in (*takes.required, *takes.by_name):
        if name in fields:
            found[name] = name
        elif name == WHOLE:
            found[name] = ()
        elif name == "input" and (path := _the_input(fields, forward)) is not None:
            found[name] = path
    return found


def _by_place(
    fields: Mapping[str, Any], rest: tuple[Path, ...], found: Mapping[str, Path], lacking: list[str], what: str
) -> list[Path]:
    """What goes by place to parameters that no field is called as: the target, or the parts of a batch without names."""
    if is_placed(fields):
        coming: list[Path] = [path for path in rest if path not in found.values()]
    else:
        target = _the_target(fields, found.values(), lacking, what)
        coming: list[Path] = [] if target is None else [target]
    if len(coming) == 1 and len(lacking) > 1 and isinstance(coming[0], str):
        return list(_parts_of_target(fields, coming[0], lacking))
    return coming


def _optional(
    takes: Parameters, fields: Mapping[str, Any], found: Mapping[str, Path], coming: list[Path], *, fill: bool
) -> dict[str, Path]:
    """What parameters with a default are given: the field of their name; of what is left the target, or all."""
    given: dict[str, Path] = {
        name: name if name in fields else ()
        for name in (*takes.optional, *takes.settings)
        if name in fields or name == WHOLE
    }
    free = [name for name in takes.optional if name not in given and (fill or name not in WEIGHTS)]
    left = [path for path in coming if path not in given.values() and path not in found.values()]
    if fill or not takes.required:
        given |= dict(zip(free, left if fill else left[:1], strict=False))
    return given


def takes_nothing(what: str) -> ConfigError:
    """Of a function without a parameter."""
    return ConfigError(f"{what} takes nothing; let it take the network's output: function(output, target)")


def is_placed(names: Collection[str]) -> bool:
    """Whether fields have no names of their own: those of a tuple."""
    return all(name in ("input", "target") or name == f"part_{place + 1}" for place, name in enumerate(names))


def _inside(batch: Batch, path: tuple[str | int, ...]) -> Any:
    if not path:
        return batch
    found: Any = batch.fields
    for step in path:
        found = getattr(found, str(step)) if is_object(found) else found[step]
    return found


def lone_object(fields: Mapping[str, Any]) -> str | None:
    """The only field of a batch that is an object of the caller's own, such as a batch of graphs; None of any other batch."""
    if len(fields) != 1:
        return None
    name, value = next(iter(fields.items()))
    return name if is_object(value) else None


def _of_object(function: Callable[..., Any], takes: Parameters, name: str, one: Any) -> Arguments:
    """What of such an object a function is given: the attributes that its parameters are called after, else the object itself;
    a library's function of (output, target) the attribute `y`."""
    found: dict[str, Path] = {}
    for each in (*takes.required, *takes.by_name):
        if hasattr(one, each) and not of_a_library(function) and each != WHOLE:
            found[each] = (name, each)
        else:
            found[each] = (name, "y") if of_a_library(function) and hasattr(one, "y") else name
    return arranged(takes, found, [])


def arranged(takes: Parameters, found: Mapping[str, Path], star: list[Path]) -> Arguments:
    """By place as far as there is no gap, by name from there on."""
    places: list[Path] = []
    left = dict(found)
    for name in (*takes.required, *takes.optional):
        if name not in left:
            break
        places.append(left.pop(name))
    return Arguments((*places, *star), tuple(left.items()))


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


def _parts_of_target(fields: Mapping[str, Any], target: str, lacking: list[str]) -> list[Path]:
    """The parts of a target that is a tuple of as many, or a dict with such names; else the target itself."""
    held = fields[target]
    if isinstance(held, tuple) and len(held) == len(lacking):
        return [(target, place) for place in range(len(held))]
    if isinstance(held, dict) and all(name in held for name in lacking):
        return [(target, name) for name in lacking]
    return [target]


def _lacks(what: str, takes: Parameters, name: str, fields: Mapping[str, Any], rest: tuple[Path, ...]) -> ConfigError:
    if not any(field in ALIASES["target"] for field in fields) and not rest:
        return ConfigError(
            f"{what} takes {name!r}, and the batch has {', '.join(fields)}; name its parameter after the field that is the "
            "target, give the target under a name such as 'target', or a function of the output alone"
        )
    remedy = (
        "give a dict with such a name"
        if is_placed(fields)
        else "name the parameter after a field, or `batch` for all of them"
    )
    return ConfigError(
        f"{what}{takes} takes {name!r}, which is not a field of the batch ({', '.join(fields)}); {remedy}"
    )
