"""Whose code may be run: files that a person named here, and no others without their leave.

The settings of a run folder name the file of a network of one's own, and whoever made the folder wrote that name. What a person
names (`--model file.py:Net`) is noted outside all run folders, by content and place; a run folder's code is run where it is
one of these, and else only with `--trust-code`.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from sonde.core.errors import RunFolderError
from sonde.core.files import sha256
from sonde.screen.screen import Screen

MOST_BYTES = 2**24  # of the notes; more cannot be right
BESIDE = ("__pycache__",)  # what may stand in a run's folder `code` beside the file


def notes() -> Path:
    """Where it is noted what was named: a file of the person's own (XDG_STATE_HOME, else ~/.local/state)."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "sonde" / "own-code"


def remember(file: Path) -> None:
    """Note that the person named this file, as it is now."""
    line, place = f"{sha256(file)} {file.resolve()}\n", notes()
    if "\n" in line[:-1] or line in _noted():
        return
    with suppress(OSError):  # nowhere to note it: the run will be asked for --trust-code later
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _no_link(), 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as out:
            out.write(line)


def named_at(content: Path, *, beside: Path | None = None) -> Path | None:
    """The place where a person named a file with this content, None where nobody did.

    beside: the place to prefer where there are several
    """
    digest = sha256(content)
    places = [Path(line[len(digest) + 1 : -1]) for line in _noted() if line.startswith(digest + " ")]
    if not places:
        return None
    return beside if beside is not None and beside in places else places[-1]


def was_named(file: Path) -> bool:
    """Whether a person named a file at this place, which is still their own."""
    resolved = file.resolve()
    if not resolved.is_file() or (hasattr(os, "getuid") and resolved.stat().st_uid != os.getuid()):
        return False
    return any(line.partition(" ")[2] == f"{resolved}\n" for line in _noted())


def allow(file: Path, *, named_in: Path, trusted: bool) -> None:
    """Let a file be run that a run's settings name, or say why not.

    named_in: whose settings;  trusted: whether the person asked for it to be run
    Raises: RunFolderError for a file that no person named here
    """
    if not file.exists() or named_at(file, beside=file.resolve()) is not None or was_named(file):
        return  # a file that is not there is reported by what looks for it
    permit(file, named_in=named_in, trusted=trusted)


def allow_copy(copy: Path, original: Path, *, named_in: Path, trusted: bool) -> Path:
    """The same for a run's own copy of a file; the folder whose other files the copy may import.

    original: where the settings say that the file was
    """
    place = named_at(copy, beside=original.resolve())
    strangers = [entry.name for entry in copy.parent.iterdir() if entry.name not in (copy.name, *BESIDE)]
    if place is not None and not strangers:
        return place.parent
    permit(copy, named_in=named_in, trusted=trusted)
    return original.parent


def permit(file: Path, *, named_in: Path, trusted: bool) -> None:
    """Say what will be run. Raises: RunFolderError where the person did not ask for it"""
    if not trusted:
        raise RunFolderError(
            f"{named_in} asks for code to be run ({file}) that was not named on this machine; read it, then repeat the command "
            "with --trust-code"
        )
    Screen().warning(f"running {file}, as {named_in} asks (--trust-code)")


def _noted() -> list[str]:
    """The lines of the notes; none where the file is not the person's own, or others may write to it."""
    try:
        handle = os.open(notes(), os.O_RDONLY | _no_link())
    except OSError:
        return []
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        own = not hasattr(os, "getuid") or (about.st_uid == os.getuid() and not about.st_mode & 0o022)
        if not own or not stat.S_ISREG(about.st_mode):
            return []
        return file.read(MOST_BYTES).decode("utf-8", errors="surrogateescape").splitlines(keepends=True)


def _no_link() -> int:
    return getattr(os, "O_NOFOLLOW", 0)
