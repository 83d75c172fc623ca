"""The command: dispatch to subcommands, and error handling. Nothing heavy is imported until a subcommand needs it."""

import gc
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence

from sonde.cli.verbs import VERBS, overview
from sonde.core.errors import ConfigError, Interrupted, SondeError, nearest

INTERRUPTED = 130  # what shells report for a process that SIGINT ended
BROKEN_PIPE = 141  # and for SIGPIPE
LOADING = "loading"  # shorter than the label of any line, which is written over it


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 for success; a SondeError's own code (2, or 130 and 143 for a run that was stopped by a signal), its message on one line of
    standard error. Anything else that is raised is a fault of ours: it leaves here as it is, and Python exits with 1.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    # of damaged tags of images, which our own line names where they matter
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        code = _dispatch(words, whole_process=argv is None)
        sys.stdout.flush()  # a closed pipe must be noticed here and not at the interpreter's end
        return code
    except SondeError as error:
        return _complain(error, debug="--debug" in words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        if not _reader_is_gone():
            raise
        return BROKEN_PIPE
    finally:
        if (
            argv is None
        ):  # Python's last searches for cycles among PyTorch's objects take 0.4 s, and free what is freed anyway
            gc.freeze()


def _dispatch(words: list[str], *, whole_process: bool) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        if words[1:] and words[1] in VERBS:
            return _verb(words[1])(["--help"])
        sys.stdout.write(overview())
        return 0
    if words[0] == "--version":
        from sonde import __version__

        sys.stdout.write(f"sonde {__version__}\n")
        return 0
    if whole_process:
        _say_that_it_loads(words)
    run = _verb(words[0])
    if whole_process and VERBS[words[0]].timed:
        from sonde.engine.clock import process_began

        return run(words[1:], begun=process_began())
    return run(words[1:])


def _say_that_it_loads(words: Sequence[str]) -> None:
    """A word at once where PyTorch is still to be loaded, on a terminal; the first real line takes its place."""
    plain = {"--quiet", "-h", "--help"} & set(words) or os.environ.get("TERM", "") in ("", "dumb", "unknown")
    if words[0] in VERBS and VERBS[words[0]].loads and sys.stdout.isatty() and not plain:
        sys.stdout.write(f"{LOADING}\r")
        sys.stdout.flush()


def _verb(name: str) -> Callable[..., int]:
    if name not in VERBS:
        raise _unknown_verb(name)
    module, _, function = VERBS[name].run.partition(":")
    return getattr(importlib.import_module(module), function)


def _unknown_verb(name: str) -> SondeError:
    listed = ", ".join(VERBS)
    near = nearest(name.lstrip("-"), VERBS, count=1)
    if name.startswith("-"):
        return ConfigError(f"the command comes first, then its flags, got {name}; commands: {listed}")
    hint = f"did you mean {near[0]}? commands" if near else "commands"
    return ConfigError(f"unknown command {name!r}; {hint}: {listed}")


def _complain(error: SondeError, *, debug: bool) -> int:
    from sonde.screen.screen import Screen

    if debug:
        import traceback

        traceback.print_exception(error)
    screen = Screen(quiet=True)
    (screen.stopped if isinstance(error, Interrupted) else screen.error)(error.command_line)
    return error.exit_code


def _reader_is_gone() -> bool:
    """Whether it is our own output that nobody reads any more (`sonde models | head`), and not some other pipe.

    Python would complain once more while it flushes standard output at its end, so that is given somewhere else to go.
    """
    import select

    waiting = select.poll()
    waiting.register(sys.stdout.fileno(), select.POLLOUT)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in waiting.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
