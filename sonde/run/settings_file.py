"""Writes sonde/settings.py: what `sonde.train`, `fit`, `steps` and `resume` take by name, for type checkers, editors and help().

`make settings` runs it; a test holds the file to the config dataclasses, which are what counts.
"""

import ast
import re
import textwrap
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import getsource
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from sonde.core.config import GROUPS, MAY_DIFFER
from sonde.core.value_types import annotations
from sonde.modalities.settings import groups
from sonde.models.build import config_class
from sonde.models.table import MODELS
from sonde.run.applicable import NOT_IN_A_LOOP_OF_ONES_OWN, NOT_IN_FIT
from sonde.run.keywords import in_keywords
from sonde.tasks.table import TASKS, spec

FILE = Path(__file__).parents[1] / "settings.py"
WIDTH = 120
FEW = 4  # owners named one by one
PLACES = frozenset({"out", "pretrained", "vocabulary_of", "labels", "latent"})  # settings that may be a Path
OBJECTS = {
    "loss": ("Callable[..., object]",),
    "device": ("torch.device",),
    "optimizer": ("Callable[..., object]", "torch.optim.Optimizer"),
    "schedule": ("Callable[..., object]", "torch.optim.lr_scheduler.LRScheduler"),
}
"""What else a Python call may give than text and numbers: functions, classes and objects."""
HEADER = '''\
"""Settings by name, as `sonde.train`, `fit`, `steps` and `resume` take them. Written by `make settings`; not to be edited."""

# fmt: off
# ruff: noqa: E501

from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    import torch
'''


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting as one of its owners has it. owner: "" where every run has it, else "model mlp" and so on."""

    name: str
    annotation: Any
    words: str
    owner: str = ""


def written() -> str:
    """The content of sonde/settings.py."""
    every = [*_general(), *_of_models_and_tasks()]
    general = [each for each in every if not each.owner]
    fitted = [each for each in general if each.name not in NOT_IN_FIT]
    stepped = [each for each in fitted if each.name not in NOT_IN_A_LOOP_OF_ONES_OWN]
    resumed = [each for each in general if each.name in MAY_DIFFER]
    named = _named_parameters()
    classes = (
        (
            "TrainKeywords",
            "train",
            "Settings of `sonde.train`: those of every run, then those of models and tasks.",
            every,
        ),
        ("FitKeywords", "fit", "Settings of `sonde.fit`.", fitted),
        ("StepsKeywords", "steps", "Settings of `sonde.steps`: how a step is done.", stepped),
        ("ResumeKeywords", "resume", "Settings of `sonde.resume`: what may change on the way.", resumed),
    )
    return HEADER + "".join(
        _class(name, words, [s for s in settings if s.name not in named[function]])
        for name, function, words, settings in classes
    )


def _general() -> Iterator[Setting]:
    """Those of every run, and of kinds of data of ours."""
    for kind in {**GROUPS, **groups()}.values():
        if kind.__module__.startswith("sonde."):
            yield from _settings_of(kind)


def _of_models_and_tasks() -> Iterator[Setting]:
    for name in MODELS:
        yield from _settings_of(config_class(name), f"model {name}")
    for name in TASKS:
        yield from _settings_of(spec(name).config, f"task {name}")


def _settings_of(kind: type, owner: str = "") -> Iterator[Setting]:
    words = _docstrings(kind)
    return (
        Setting(name=name, annotation=annotation, words=words.get(name, ""), owner=owner)
        for name, annotation in annotations(kind).items()
    )


@cache
def _docstrings(kind: type) -> Mapping[str, str]:
    """Field -> the docstring below it, in one line."""
    body = ast.parse(textwrap.dedent(getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for entry, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(entry, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[ast.unparse(entry.target)] = re.sub(r"\s+", " ", str(after.value.value)).strip()
    return found


def _named_parameters() -> dict[str, set[str]]:
    """Function of sonde/api.py -> its named parameters, which are no settings."""
    tree = ast.parse(FILE.with_name("api.py").read_text(encoding="utf-8"))
    return {
        node.name: {each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def _class(name: str, words: str, settings: list[Setting]) -> str:
    by_name: dict[str, list[Setting]] = {}
    for each in settings:
        by_name.setdefault(each.name, []).append(each)
    entries = "".join(_entry(name, same) for name, same in by_name.items())
    return f'\n\nclass {name}(TypedDict, total=False):\n    """{words}"""\n\n{entries}'


def _entry(name: str, same: list[Setting]) -> str:
    """The line of a setting and its docstring."""
    kinds = [part for each in same for part in _parts(each.annotation, name in PLACES)]
    union = _union([*kinds, *OBJECTS.get(name, ())])
    union = f'"{union.replace(chr(34), chr(39))}"' if "torch." in union else union
    lines = textwrap.wrap(in_keywords(_words(same)), WIDTH - 10, break_long_words=False, break_on_hyphens=False)
    return f'    {name}: {union}\n    """' + "\n    ".join(lines) + '"""\n'


def _union(parts: list[str | tuple[str, ...]]) -> str:
    """Each part once, choices in one Literal, None last.

    >>> _union(["None", ("a", "b"), "float", ("b", "c")])
    'float | Literal["a", "b", "c"] | None'
    """
    choices = dict.fromkeys(choice for part in parts if isinstance(part, tuple) for choice in part)
    plain = dict.fromkeys(part for part in parts if isinstance(part, str) and part != "None")
    literal = [f"Literal[{', '.join(map(repr, choices))}]".replace("'", '"')] if choices else []
    return " | ".join([*plain, *literal, *(["None"] if "None" in parts else [])])


def _words(same: list[Setting]) -> str:
    """What a setting means; where it is not one of every run, of which models and tasks."""
    owners: dict[str, list[str]] = {}
    for each in same:
        owners.setdefault(each.words, []).append(each.owner)
    if not any(each.owner for each in same) or (len(owners) == 1 and len(same) > FEW):
        return same[0].words
    return " ".join(f"{_listed(names)}: {words}" for words, names in owners.items())


def _listed(owners: list[str]) -> str:
    """
    >>> _listed(["model mlp", "model lenet", "task regression"])
    'models mlp, lenet; task regression'
    """
    parts = []
    for what in ("model", "task"):
        names = [owner.partition(" ")[2] for owner in owners if owner.startswith(what)]
        few = ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")
        parts += [f"{what}{'s' if len(names) > 1 else ''} {few}"] if names else []
    return "; ".join(parts)


def _parts(annotation: Any, place: bool) -> Iterator[str | tuple[str, ...]]:
    """The parts of a union as source text, choices as a tuple; a list does for a tuple, and so does a single value."""
    if get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _parts(part, place)
    elif get_origin(annotation) is Literal:
        yield tuple(map(str, get_args(annotation)))
    elif get_origin(annotation) is tuple:
        inner = list(_parts(get_args(annotation)[0], place))
        yield from inner
        yield f"Sequence[{_union(inner)}]"
    else:
        yield "None" if annotation is type(None) else annotation.__name__
        if annotation is str and place:
            yield "PathLike[str]"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
