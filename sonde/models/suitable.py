"""Which models suit data of a kind and the answer that is needed, and the error for one that does not. Free of torch."""

from collections.abc import Sequence

from sonde.core.errors import ConfigError
from sonde.models.table import LIBRARIES, MODELS

LISTED = 5  # models in an error
ANSWER_WORDS = {
    "row": "one answer an input",
    "map": "an answer for every pixel",
    "boxes": "boxes",
    "next": "the token after each",
    "text": "a text",
    "frames": "a symbol for every frame",
    "span": "where an answer stands",
    "horizon": "the steps that follow",
    "structure": "an answer for every residue",
    "angles": "the angles of every residue",
}


def reads(model: str) -> Sequence[str] | None:
    """Kinds of input that a model takes, the one that it was made for first; None of a custom network, which may take any."""
    library = LIBRARIES.get(model.partition(":")[0])
    if library is not None:
        return library.reads
    return MODELS[model].reads if model in MODELS else None


def suitable(kind: str, answer: str | None = None) -> list[str]:
    """Names of the models that take a kind of input and give an answer, None for any; those made for that kind first."""
    found = [
        name for name, entry in MODELS.items() if kind in entry.reads and answer in (None, entry.answers, *entry.also)
    ]
    return sorted(found, key=lambda name: MODELS[name].reads[0] != kind)


def check_model(model: str, kind: str, *, task: str = "", answer: str | None = None) -> None:
    """Whether a model takes a kind of input and gives the answer that a task needs; None for any.

    Raises: ConfigError that says what suits
    """
    known = reads(model)
    if known is not None and kind not in known:
        *others, last = known
        listed = f"{', '.join(others)} or {last}" if others else last
        like = answer or (MODELS[model].answers if model in MODELS else "row")
        fitting = suitable(kind, like) or suitable(kind, answer)
        raise ConfigError(
            f"--model {model} reads data of kind {listed}, and this data is of kind {kind}" + _instead(fitting)
        )
    if model not in MODELS or answer in (None, MODELS[model].answers, *MODELS[model].also):
        return
    raise ConfigError(
        f"--model {model} gives {_words(MODELS[model].answers)}, and task {task} needs {_words(answer)}"
        + _instead(suitable(kind, answer))
    )


def _words(answer: str) -> str:
    """An answer in a person's words; one that another package brought is called by its name."""
    return ANSWER_WORDS.get(answer, answer)


def _instead(fitting: list[str]) -> str:
    if not fitting:
        return "; no model of `sonde models` suits both"
    return f"; take {', '.join(fitting[:LISTED])}" + " … (sonde models lists all)" * (len(fitting) > LISTED)
