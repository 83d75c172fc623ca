"""What every command but train does first: print help if asked, parse its flags, open a screen."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sonde.cli.help import show_flags
from sonde.cli.parse import convert, flags_of, refuse_unknown, split_line, take_data, take_words, wants_help
from sonde.core.data_warning import DataWarning
from sonde.core.run_folder import open_run
from sonde.screen.screen import Screen

if TYPE_CHECKING:
    from sonde.run.run import Run


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """A command without flags of its own."""


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """Flags that every command takes."""

    quiet: bool = False
    """Print errors only."""
    debug: bool = False
    """Show the full traceback of an error, not only its one-line message."""
    trust_code: bool = False
    """Run the code of a network that a run folder names, also where it was never named on this machine."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A verb's options, its words, the screen, and its further options.

    trust_code: whether code of a run folder is run that nobody named here
    options: an instance of the verb's dataclass; of several dataclasses, the values that were given by name
    """

    options: Any
    words: list[str]
    screen: Screen
    more: Any
    trust_code: bool = False


def begin(
    words: Sequence[str],
    kind: type | Mapping[str, type],
    *,
    usage: str,
    about: str,
    data_last: bool = False,
    more: type = NoOptions,
) -> Begun | None:
    """Take the words after a verb apart; None when help was requested and shown.

    kind:  the dataclass whose fields are the verb's flags, or title -> several
    usage: the verb and its words, such as "eval RUN DATA" (`take_words`)
    data_last: DATA is the one word there must be, and may stand behind a list
    more: a second dataclass of flags, of the verb's own beside a config's
    Raises: ConfigError
    """
    verb = usage.split()[0]
    if wants_help(words):
        own_groups = kind if isinstance(kind, Mapping) else {verb: kind}
        kinds = {**own_groups, "further": more, "common": CommonOptions}
        groups = {title: one for title, one in kinds.items() if one is not NoOptions}
        show_flags(usage, about, groups)
        return None
    own = flags_of(*kind.values()) if isinstance(kind, Mapping) else flags_of(kind)
    further = flags_of(more)
    flags = {**own, **further, **flags_of(CommonOptions)}
    line = split_line(words, flags)
    refuse_unknown(line, flags, verb=verb)
    if data_last:
        data, line = take_data(line, flags, verb=verb)
        taken = [str(data)]
    else:
        taken = take_words(line.words, usage)
    values = convert(line.given, flags)
    chosen = {name: value for name, value in values.items() if name in own}
    options = chosen if isinstance(kind, Mapping) else kind(**chosen)
    rest = more(**{name: value for name, value in values.items() if name in further})
    screen, trusted = Screen(quiet=values.get("quiet", False)), bool(values.get("trust_code"))
    return Begun(options=options, words=taken, screen=screen, more=rest, trust_code=trusted)


@contextmanager
def said_on(screen: Screen) -> Iterator[None]:
    """Print what is said of the data that a model is given, instead of Python's way to."""

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, DataWarning):
            screen.warning(str(message))
        else:
            otherwise(message, category, *where, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", DataWarning)
        otherwise, warnings.showwarning = warnings.showwarning, show
        yield


def trained_run(folder: str, device: str, *, trust_code: bool) -> "Run":
    """The run in a folder, on a device.

    trust_code: whether code is run that the folder brings along
    Raises: RunFolderError for a wrong name, before torch is loaded; ConfigError
    """
    place = open_run(folder)
    from sonde.engine.plan import pick_device
    from sonde.run.run import Run

    return Run(place, trust_code=trust_code).to(pick_device(device))
