"""`sonde train DATA`: from command-line arguments to a run."""

from collections.abc import Sequence

from sonde.cli.help import show_flags
from sonde.cli.parse import flags_of, split_line, wants_help
from sonde.cli.train_arguments import WhatOptions, parse_rest, read_request
from sonde.core.value_types import annotations
from sonde.modalities.settings import groups, refuse_clash
from sonde.screen.screen import Screen

ABOUT = """\
Train on DATA and write a run folder: infer the data format, choose task, model and settings, train, evaluate, write a report.

notes:
  DATA is a folder, a file or a name (`sonde datasets`); put it right after the command.
  A flag you give is never overridden. Any other takes the value of the recipe for such data, else the default below; config.yaml
  in the run folder records the value, where it came from, and why.
  A list takes several words, or one with commas: --hidden 256 128, --target age,fare (a comma in a name: a\\,b).
  Models and tasks have their own flags: --model mlp --help shows them too.

examples:
  sonde train digits
  sonde train photos/ --model resnet18 --epochs 20 --time-limit 30m
  sonde train titanic.csv --target survived
  sonde train mnist --model mlp --hidden 256 128 --dropout 0.2 --lr 1e-3
"""


def run(words: Sequence[str], *, begun: float | None = None) -> int:
    """Train. begun: when the process did, where it is there for this alone. Raises: SondeError subclasses."""
    if wants_help(words):
        _help(words)
        return 0
    request = read_request(words)
    screen = Screen(quiet=bool(request.overrides.values.get("quiet", False)))
    for note in request.notes:
        screen.say(note)
    from sonde.api import run_job
    from sonde.run.data_job import Caller, data_job

    run = run_job(data_job(request.data, request.overrides, Caller(screen=screen, parse_rest=parse_rest, begun=begun)))
    if screen.quiet:
        screen.output.raw(str(run.folder))  # all that a script needs to go on
    return 0


def _help(words: Sequence[str]) -> None:
    """The general flags, and with `--model` or `--task` that one's own too."""
    line = split_line([word for word in words if word not in ("-h", "--help")], flags_of(WhatOptions))
    named = {entry.name: entry.values[0] for entry in line.given}
    own: dict[str, type] = {}
    if "model" in named:
        from sonde.models.build import config_class

        own[f"model {named['model']}"] = config_class(named["model"])
    if "task" in named:
        from sonde.tasks.table import spec

        own[f"task {named['task']}"] = spec(named["task"]).config
    for owner, kind in own.items():
        refuse_clash(owner, flags_of(kind))
    shown = _obeyed(named.get("task"), line.words)
    kinds = {title: kind for title, kind in groups().items() if shown & annotations(kind).keys()}
    shown |= {name for kind in (WhatOptions, *own.values()) for name in annotations(kind)}
    show_flags("train DATA", ABOUT, {"general": WhatOptions, **own, **kinds}, only=shown)


def _obeyed(task: str | None, words: Sequence[str]) -> set[str]:
    """Names of the general settings that the task obeys, and such data as the first word names, as far as that is known."""
    from sonde.run.obeyed import obeyed
    from sonde.tasks.table import spec

    scheme = words[0].partition(":")[0] if words and ":" in words[0] else ""
    return obeyed(None if task is None else spec(task), scheme)
