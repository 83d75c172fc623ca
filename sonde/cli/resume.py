"""`sonde resume RUN`: resume a run where it stopped, or train a finished one further."""

from collections.abc import Sequence

from sonde.cli.begin import CommonOptions
from sonde.cli.help import show_flags
from sonde.cli.parse import convert, flags_of, refuse_unknown, split_line, take_words, wants_help
from sonde.core.config import GROUPS, MAY_DIFFER
from sonde.core.config_file import read_config
from sonde.core.errors import SondeError
from sonde.core.run_folder import open_run
from sonde.core.value_types import annotations
from sonde.modalities.settings import groups
from sonde.screen.screen import Screen

ABOUT = """\
Resume RUN exactly where it stopped: same settings, data and random state, as if it had never been interrupted. Settings that
do not affect the results may be changed, and so may the length: --epochs 20 trains a finished run further.

examples:
  sonde resume runs/mnist-mlp-1
  sonde resume runs/mnist-mlp-1 --epochs 20
"""


def run(words: Sequence[str]) -> int:
    """Resume. Raises: SondeError subclasses."""
    if wants_help(words):
        may = (MAY_DIFFER - {"out", "fresh"}) & _obeyed(words)
        shown = {title: kind for title, kind in {**GROUPS, **groups()}.items() if may & annotations(kind).keys()}
        show_flags("resume RUN", ABOUT, shown, only=may)
        return 0
    flags = flags_of(*groups().values())
    line = split_line(words, flags)
    refuse_unknown(line, flags, verb="resume")
    (folder,) = take_words(line.words, "resume RUN")
    values = convert(line.given, flags)
    screen = Screen(quiet=values.get("quiet", False))
    skip = flags_of(CommonOptions).keys() - {"trust_code"}
    open_run(folder)  # a wrong name is reported at once, before torch is loaded
    from sonde.api import resume

    run = resume(folder, screen=screen, **{name: value for name, value in values.items() if name not in skip})
    if screen.quiet:
        screen.output.raw(str(run.folder))
    return 0


def _obeyed(words: Sequence[str]) -> set[str]:
    """Names of settings that a run obeys, where the first word names one that can be read; else all that some run does."""
    from sonde.run.obeyed import obeyed
    from sonde.tasks.table import spec

    try:
        config = read_config(open_run(words[0]).config)
        return obeyed(spec(config.settings["task"]), (config.data or "").partition(":")[0])
    except (SondeError, KeyError):  # of a flag, or a run of another version
        return obeyed(None)
