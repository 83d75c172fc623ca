"""What of a batch goes into a network's `forward`, and what into its loss: decided once, from signatures and the first batch.

A batch with names of its own (a dict, a dataclass) is handed over by name, one without (a tuple) by place: first come the
parameters of `forward`, then those of the loss after the output.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.tasks.custom.arguments import Arguments, Path, arguments_of, is_placed, takes_nothing
from sonde.tasks.custom.forward import (
    called,
    forward_by_name,
    forward_by_place,
    number_of_parts,
    sample_in_words,
    unpacked,
)
from sonde.tasks.custom.signatures import Parameters, parameters_of


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
    _known: dict[tuple[int, str], tuple[Callable[..., Any], Arguments]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def arguments(self, function: Callable[..., Any], batch: Batch, what: str) -> Arguments:
        """What `function`, of an output, is given besides it: found at its first call, and kept.

        Raises: ConfigError for a parameter that is no field
        """
        key = (id(function), what)
        if key not in self._known:
            given = arguments_of(function, batch, what=what, rest=self.rest, forward=self.forward)
            self._known[key] = function, given  # which keeps the function, whose id another would get
        return self._known[key][1]

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
    if loss is not None and not parameters_of(loss).takes_output:
        raise takes_nothing("the loss")
    if is_placed(fields):
        forward, rest, _ = forward_by_place(module, takes, loss, fields)
        given = None if loss is None else arguments_of(loss, batch, rest=rest, forward=forward, fill=True)
    else:
        forward, rest = (
            forward_by_name(module, takes, fields, with_loss=loss is not None and _reads_more(loss, fields)),
            (),
        )
        given = None if loss is None else arguments_of(loss, batch, rest=rest, forward=forward)
    read = {*forward.fields, *([] if given is None else given.fields)}
    whole = forward.whole or (given is not None and given.whole)
    unused = () if whole else tuple(name for name in fields if name not in read)
    return Binding(
        names=tuple(fields),
        forward=forward,
        loss=given,
        rest=rest,
        line=_line(takes, loss, forward, given, unused),
        unused=unused,
    )


def _reads_more(loss: Callable[..., Any], fields: Mapping[str, Any]) -> bool:
    """Whether a loss takes more than the output; one that does not, such as `lambda output: output.loss`, leaves the target to
    the network."""
    after = parameters_of(loss).after_the_output()
    more = after.required or after.optional or after.by_name or after.star or after.stars
    return bool(more) or any(name in fields for name in after.settings)


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
        return forward_by_name(module, takes, fields, with_loss=True)
    if len(takes.required) <= 1 and tuple(fields) == ("input", "target"):
        fields.pop("target")  # a pair as in training
    first = unpacked(takes, fields)
    if first is not None and len(fields) == 1:
        return first
    least, most = number_of_parts(takes)
    if least <= len(fields) <= most:
        return Arguments(tuple(fields))
    raise ConfigError(
        f"{sample_in_words(fields)}, and {called(module)} takes {takes}; give one part for each, or a dict with their names"
    )


def _line(
    takes: Parameters,
    loss: Callable[..., Any] | None,
    forward: Arguments,
    given: Arguments | None,
    unused: tuple[str, ...],
) -> str:
    """Who gets what, such as "image, meta → forward; label → the loss; id unused"."""
    own = [*takes.required, *takes.optional][: len(forward.places)]
    taken = "the whole batch" if forward.whole else f"{', '.join(forward.fields)}"
    parts = [f"{taken} → forward{_if_others(forward, own)}"]
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
