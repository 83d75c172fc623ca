"""Which models suit a kind of input and the output that is needed, and the error for one that does not take it. Free of torch."""

from collections.abc import Sequence

from sonde.core.errors import ConfigError
from sonde.models.table import LIBRARIES, MODELS

LISTED = 5  # models in an error


def reads(model: str) -> Sequence[str] | None:
    """Kinds of input that a model takes, the one that it was made for first; None of a custom network, which may take any."""
    library = LIBRARIES.get(model.partition(":")[0])
    if library is not None:
        return library.reads
    return MODELS[model].reads if model in MODELS else None


def suitable(kind: str, answer: str | None = None, *, read_as: str = "") -> list[str]:
    """Names of the models that take a kind of input and have a kind of output, None for any; those made for that kind first.

    read_as: another kind whose models take such inputs too (`InputSpec`)
    """
    found = [
        name
        for name, entry in MODELS.items()
        if not {kind, read_as}.isdisjoint(entry.reads) and answer in (None, entry.answers, *entry.also)
    ]
    return sorted(found, key=lambda name: MODELS[name].reads[0] != kind)


def check_input(model: str, kind: str, answer: str | None = None, *, read_as: str = "") -> None:
    """Raises: ConfigError for a model that does not take inputs of a kind, with those that do.

    answer:  what the task needs, where that is known; else those with the same kind of output are named first
    read_as: as in `suitable`
    """
    known = reads(model)
    if known is None or not {kind, read_as}.isdisjoint(known):
        return
    *others, last = known
    listed = f"{', '.join(others)} or {last}" if others else last
    like = answer or (MODELS[model].answers if model in MODELS else "row")
    fitting = suitable(kind, like, read_as=read_as) or suitable(kind, answer, read_as=read_as)
    raise ConfigError(
        f"--model {model} takes inputs of kind {listed}, and this data is of kind {kind}{instead(fitting)}"
    )


def instead(fitting: list[str]) -> str:
    """The end of an error: which models to take."""
    if not fitting:
        return "; no model of `sonde models` suits both"
    return f"; take {', '.join(fitting[:LISTED])}" + " … (sonde models lists all)" * (len(fitting) > LISTED)
