"""Messages in the spelling of a Python call, `lr=0.1` where the command line has `--lr 0.1`. Free of torch.

Errors, findings and lines on the screen are written in the command line's spelling, which is also what a run folder holds. What
goes to a program passes through here, at the functions of `sonde/api.py`, the methods of `Run`, and the screen that these make.
"""

import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import ContextDecorator
from functools import cache
from pathlib import Path
from types import TracebackType

from sonde.core.errors import SondeError
from sonde.core.marks import cut_words, visible

QUOTED = r"""(?<!\w)'(?:[^'\\]|\\.)*'(?!\w)|(?<!\w)"(?:[^"\\]|\\.)*"(?!\w)"""
COMMAND = r"\bsonde [a-z]+ .*?(?=[;,)](?:\s|$)| or | and |$)"  # of a command line, which stays one
PART = re.compile(
    rf"`[^`]*`|{COMMAND}|(?<![^\s(])--(?P<no>no-)?(?P<name>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?![\w-])|{QUOTED}"
)
VALUE = re.compile(rf" (?P<quoted>{QUOTED})| (?P<word>(?!\()[^\s\"']+)")
ENDS = ".,;:)"  # of a clause, after a value
WORDS = frozenset(["auto", "none", "cpu", "cuda", "mps", "imagenet", "wandb", "mlflow", "tensorboard"])


class Keywords(ContextDecorator):
    """Errors that leave the body, or the function that it decorates, have the spelling of a Python call, names that turn
    no text around them (`core/marks`), and frames of the caller's own code alone; all frames where Python runs in development
    mode (`python -X dev`)."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SondeError):
            error.respell(lambda text: cut_words(visible(in_keywords(text))))
            if not sys.flags.dev_mode:
                error.__traceback__ = own_frames(error.__traceback__)


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this package, and of what is installed: an error that a caller can fix is in her call,
    or in her code that was called from here."""
    kept = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(("<frozen", *_installed())):
            kept.append(trace)
        trace = trace.tb_next
    own = None
    for each in reversed(kept):
        own = TracebackType(own, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return own


@cache
def _installed() -> tuple[str, ...]:
    """Where code stands that is not the caller's."""
    places = (str(Path(__file__).parents[1]), *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))
    return tuple(f"{place}{os.sep}" for place in places)


def in_keywords(text: str) -> str:
    """Text whose flags of settings, with their values, are keyword arguments; commands and quoted text stay as they are.

    A flag that begins the text is a setting's in any case: the parameters of a network of the caller's own are settings too.

    >>> in_keywords("--batch-size 64 is too large; lower it, or start over with --fresh")
    'batch_size=64 is too large; lower it, or start over with fresh=True'
    >>> in_keywords("--lr cannot be changed; train further with: sonde resume runs/a --epochs N, or take --optimizer sgd")
    'lr= cannot be changed; train further with: sonde resume runs/a --epochs N, or take optimizer="sgd"'
    """
    if "--" not in text:
        return text
    pieces, place = [], 0
    while (found := PART.search(text, place)) is not None:
        name = (found["name"] or "").replace("-", "_")
        pieces.append(text[place : found.start()])
        place = found.end()
        kind = _kinds().get(name, "" if found.start() else "str")
        if not (name and kind):
            pieces.append(found[0])
            continue
        values, place = _values(text, place, name, kind)
        written = _written(values, kind, no=found["no"] is not None)
        pieces.append(f"{name}={written}" if written or text[place : place + 1] != ":" else name)
    return "".join(pieces) + text[place:]


@cache
def _kinds() -> dict[str, str]:
    """Setting -> its annotation as text."""
    from sonde.settings import TrainKeywords

    return {name: repr(kind) for name, kind in TrainKeywords.__annotations__.items()} | {
        "model": "str",
        "task": "str",
        "cure": repr(bool),
        "metric": "str",
        "target": "Sequence[str]",
        "first_seed": "int",  # of Run.evaluate
        "guidance": "float",  # of Run.sample
        "weaker": "str",
    }


def _values(text: str, place: int, name: str, kind: str) -> tuple[list[str], int]:
    """The values that follow a flag, and where they end: none, one, or several where the setting takes so many."""
    values: list[str] = []
    while (found := VALUE.match(text, place)) is not None:
        word = found["quoted"] or found["word"].rstrip(ENDS)
        after = text[found.start() + 1 + len(word) :]
        further = values and not (found["quoted"] or word[:1].isdigit())
        if further or not _is_value(word, after, name, kind, whole=text.startswith("--") and not after):
            break
        values.append(word)
        place = found.start() + 1 + len(word)
        if "Sequence" not in kind or after[:1] in ENDS:
            break
    return values, place


def _is_value(word: str, after: str, name: str, kind: str, *, whole: bool) -> bool:
    """Whether what follows a flag is its value, and not how the sentence goes on.

    whole: whether the text is nothing but the flag and this word
    """
    if kind == repr(bool):
        return word in ("True", "False")
    if not word or word[0] in "\"'" or re.match(r"[-+]?\.?\d|[A-Z]|unset$", word) or f"'{word}'" in kind:
        return True
    if "str" not in kind:
        return False
    return word in WORDS or word in _names(name) or bool(re.search(r"[\d:/\\=_,.-]", word)) or after[:1] == ":" or whole


def _names(setting: str) -> Iterable[str]:
    from sonde.core.findings import NAMES
    from sonde.models.table import MODELS
    from sonde.tasks.table import names

    return {"model": MODELS, "task": names(), "silence": NAMES}.get(setting, ())


def _written(values: list[str], kind: str, *, no: bool) -> str:
    """The right-hand side of a keyword argument; nothing where only the name is told."""
    if kind == repr(bool) and not values:
        return str(not no)
    written = [_literal(value) for value in values]
    return f"({', '.join(written)})" if len(written) > 1 else "".join(written)


def _literal(value: str) -> str:
    if value[0] in "\"'" or re.fullmatch(r"[A-Z]\w*", value):
        return value
    if value == "unset":
        return "None"
    plain = value.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", value) else value
    try:
        float(plain)
    except ValueError:
        return f'"{value}"'
    return plain
