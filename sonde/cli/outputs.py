"""Where a command writes: never in or over a run's own data, and over nothing but what it wrote itself."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sonde.core.damaged import read_object
from sonde.core.errors import ConfigError
from sonde.core.run_folder import RunFolder
from sonde.core.units import counted

if TYPE_CHECKING:
    from sonde.run.run import Run

EMBEDDED = "embedded"  # the form of data that come with Sonde, whose source is a name and no path
MARK = ".sonde-samples"  # in a folder of samples or predictions: the name of each, which may be replaced
USUAL = "samples"  # the name, before its ending, of a file of samples where nobody says


def refuse_own_data(out: Path, run: "Run") -> None:
    """Raises: ConfigError for a place that is a run's own data, or in them"""
    file = RunFolder(run.folder).data
    about = read_object(file, run=run.folder) if file.exists() else {}
    text = str(about.get("source") or "")
    if not text or about.get("form") == EMBEDDED:
        return
    for source in (Path(text), Path(text.rpartition("#")[0] or text)):  # a part of an archive is the archive
        if not source.exists():
            continue
        place, target = source.resolve(), out.resolve()
        if target == place or place in target.parents:
            raise ConfigError(
                f"--out {out} {'is' if target == place else 'is in'} the data that {run.folder} was trained on, {source}; "
                "name a place outside of it with --out"
            )


def refuse_inputs(out: Path, inputs: Sequence[str]) -> None:
    """Raises: ConfigError for a place that is one of a command's inputs, or a picture that is there in a folder of them"""
    target = out.resolve()
    for given in inputs:
        if not os.path.exists(given):  # a text
            continue
        place = Path(given).resolve()
        if target == place or (place in target.parents and out.suffix.lower() == ".png" and out.exists()):
            raise ConfigError(
                f"--out {out} would be written in or over the input {given}; name another place with --out"
            )


class OutputPlace:
    """A file or folder for samples or predictions, which is free or holds earlier ones.

    usual: the name, before its ending, of a file that is replaced.  Raises: ConfigError for a place with anything else
    """

    def __init__(self, out: Path, run: "Run", *, folder: bool, usual: str = USUAL) -> None:
        refuse_own_data(out, run)
        self.out, self._folder = out, folder
        self._before = _earlier(out) if folder else _there(out, usual)

    def clear(self) -> int:
        """Remove earlier files from the folder, just before new ones are written; how many. Raises: OSError"""
        if self._folder:
            for file in self._before:
                file.unlink()
        return len(self._before)

    def mark(self) -> None:
        """Write down what stands in the folder now. Raises: OSError"""
        if self._folder:
            names = sorted(each.name for each in self.out.iterdir() if each.name != MARK)
            (self.out / MARK).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _earlier(folder: Path) -> list[Path]:
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise ConfigError(f"--out {folder} is a file; name another folder")
    there = [each for each in folder.iterdir() if each.name != MARK]
    mark = folder / MARK
    ours = set(mark.read_text("utf-8").splitlines()) if mark.is_file() else set()
    others = [each for each in there if each.name not in ours or not each.is_file()]
    if others:
        what = counted(len(others), "file or folder", "files or folders")
        raise ConfigError(
            f"--out {folder} holds {what} that Sonde did not write, such as {min(others).name}; name a new or empty "
            "folder"
        )
    return there


def _there(file: Path, usual: str) -> list[Path]:
    if not file.exists():
        return []
    if file.stem != usual or not file.is_file():
        free = next(name for place in range(2, 10**6) if not (name := file.with_stem(f"{file.stem}-{place}")).exists())
        raise ConfigError(f"--out {file} exists already; name another file, such as --out {shlex.quote(str(free))}")
    return [file]
