"""The copy of `file.py` that a run of `--model file.py:Net` keeps: its weights belong to the code they were trained with."""

import ast
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sonde.core.bounds import flag
from sonde.core.config_file import SavedConfig, read_config
from sonde.core.errors import RunFolderError
from sonde.core.files import sha256
from sonde.core.run_folder import RunFolder
from sonde.run import trust
from sonde.screen.screen import Screen


def keep(folder: RunFolder, model: str, *, typed: bool) -> dict[str, dict[str, str]]:
    """Copy the file of a network into the folder; what data.json says of it. Nothing for a network of ours.

    typed: whether a person named the file, so that the run may use it from now on
    """
    file = _file(model)
    if file is None:
        return {}
    if typed:
        trust.remember(file)
    folder.code.mkdir(exist_ok=True)
    shutil.copyfile(file, folder.code / file.name)
    return {"file": {"name": file.name, "sha256": sha256(folder.code / file.name)}}


def check_unchanged(folder: RunFolder, model: str) -> None:
    """Raises: RunFolderError where the run's network was trained with other code than the file now holds"""
    file = _file(model)
    if file is None or not has_changed(folder, model):
        return
    raise RunFolderError(
        f"{file} has changed since {folder.path} was started; restore the copy to continue "
        f"({folder.code / file.name}), give {flag('out')} another folder, or start over with {flag('fresh')}"
    )


def has_changed(folder: RunFolder, model: str) -> bool:
    """Whether the file of a network is there, and says something else than the run's copy; not so for comments alone."""
    file = _file(model)
    if file is None or not file.exists() or not (folder.code / file.name).exists():
        return False
    now, before = file.read_bytes(), (folder.code / file.name).read_bytes()
    if now == before:
        return False
    try:
        return ast.dump(ast.parse(now)) != ast.dump(ast.parse(before))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for code nested too deep
        return True


def allow_code(saved: SavedConfig, *, named_in: Path, trusted: bool) -> None:
    """Let the file of a network that saved settings name be run as it is now.

    Raises: RunFolderError for one that no person named here, unless it is trusted
    """
    file = _file(str(saved.settings.get("model")))
    if file is not None:
        trust.allow(file, named_in=named_in, trusted=trusted)


@contextmanager
def as_trained(folder: RunFolder, *, trusted: bool = False) -> Iterator[SavedConfig]:
    """The settings of a run, with its network as the copy in the folder defines it; as they are where there is none.

    Where the file has changed since, that is said. What stands beside the file can be imported in the body, also by the copy.
    trusted: whether code is run that no person named on this machine
    Raises: RunFolderError for such code, unless it is trusted
    """
    saved = read_config(folder.config)
    model = str(saved.settings.get("model"))
    file = _file(model)
    if file is None or not (folder.code / file.name).exists():
        allow_code(saved, named_in=folder.path, trusted=trusted)
        yield saved
        return
    beside = str(trust.allow_copy(folder.code / file.name, file, named_in=folder.path, trusted=trusted))
    if has_changed(folder, model):
        Screen().warning(
            f"{file} has changed since {folder.path} was trained; its weights are used with the code as it was then "
            f"({folder.code / file.name})"
        )
    copy = f"{(folder.code / file.name).resolve()}:{model.rpartition(':')[2]}"
    sys.path.append(beside)
    try:
        yield replace(saved, settings={**saved.settings, "model": copy})
    finally:
        sys.path.remove(beside)


def _file(model: str) -> Path | None:
    file, _, _ = model.rpartition(":")
    return Path(file) if file.endswith(".py") else None
