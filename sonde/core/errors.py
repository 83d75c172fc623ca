"""What goes wrong at the border: one line for the person, an exit code for the shell.

Every class here is for mistakes that a user can fix, so the command line prints its message alone and exits with `exit_code`.
Anything else that is raised is a bug of ours and keeps its traceback (exit 1).
"""

import difflib
from collections.abc import Callable, Iterable


class SondeError(Exception):
    """A mistake or a condition outside Sonde: one line that names the place, the trouble and the remedy.

    typed: the message in the command line's spelling, where a Python call was told it in its own
    """

    exit_code = 2
    typed: str | None = None

    def respell(self, spelling: Callable[[str], str]) -> None:
        """Tell it in another spelling than the command line's."""
        if self.typed is None:
            self.typed = str(self)
            self.args = (spelling(self.typed),)

    @property
    def command_line(self) -> str:
        """The message in the command line's spelling."""
        return str(self) if self.typed is None else self.typed


class DataError(SondeError):
    """What stands on disk or in memory cannot be trained on as it is.

    kept: step up to which the run that met with it is saved, where it is;  on_resume: settings with which such a run goes on
    """

    kept: int | None = None
    on_resume: str = ""


class ConfigError(SondeError):
    """A setting is unknown, out of range or contradicts another."""


class MissingDependency(SondeError):
    """An optional package is needed; the message holds its install line."""


class RunFolderError(SondeError):
    """A run folder is in use, unreadable, unwritable or does not fit the settings."""


class NonFinite(SondeError):
    """A loss, gradient or input was NaN or infinite; the run stopped before it could spread.

    step: after which an evaluation met with it, where that is known
    """

    step: int | None = None


class NonFiniteOutput(NonFinite):
    """What an evaluation met with: it is told with the row's name by who knows the data (`run/errors.scores_of`).

    row: of the split;  place: of that row, in words
    """

    def __init__(self, what: str, row: int, place: str, remedy: str) -> None:
        super().__init__(f"evaluation: {what} ({place} row {row} of the split); {remedy}")
        self.what, self.row, self.place, self.remedy = what, row, place, remedy


class OutOfMemory(SondeError):
    """The device ran out of memory in a step; the message says what to make smaller."""


class Interrupted(SondeError):
    """The user or the system asked to stop; the run was saved and can be resumed."""

    def __init__(self, message: str, *, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number  # 130 for SIGINT, 143 for SIGTERM


class TimeOver(SondeError):
    """A time limit was over before the first update; the run was saved and can be resumed."""


def first_line(error: BaseException) -> str:
    """The first line of what an error of some library says, or its kind where it says nothing.

    >>> first_line(ValueError("no header\\n at 0x0")), first_line(EOFError())
    ('no header', 'EOFError')
    """
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def nearest(name: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """The names most like `name`, best first; empty when none is close.

    >>> nearest("resnet81", ["resnet18", "mlp"])
    ['resnet18']
    >>> nearest("PPO", ["ppo", "sac"])
    ['ppo']
    """
    folded: dict[str, list[str]] = {}
    for each in known:
        folded.setdefault(each.casefold(), []).append(each)
    near = difflib.get_close_matches(name.casefold(), list(folded), n=count, cutoff=0.6)
    return [each for one in near for each in folded[one]][:count]


def unknown(what: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name that is not in a catalogue: suggests near names, else lists all.

    >>> str(unknown("model", "resnet81", ["resnet18", "mlp"]))
    "unknown model 'resnet81'; did you mean 'resnet18'?"
    """
    listed = sorted(known)
    near = nearest(name, listed)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(listed)}"
    return ConfigError(f"unknown {what} {name!r}; {hint}")
