"""The run folder: where each thing stands, who may write it, and what state it is in. Free of torch."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from sonde.core.errors import RunFolderError
from sonde.core.files import read_json

State = Literal["new", "unfinished", "finished"]


TEMPORARY = "sonde-fit-"  # begins the name of a folder that is removed once the run in it is over


class RunFolder:
    """Paths of one run. See docs/run-folder.md for what each file holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.plan = path / "plan.json"
        self.schema = path / "schema.json"
        self.tokenizer = path / "tokenizer.json"
        self.target_tokenizer = path / "target-tokenizer.json"
        self.data = path / "data.json"
        self.env = path / "env.json"
        self.metrics = path / "metrics.jsonl"
        self.findings = path / "findings.jsonl"
        self.signals = path / "signals.jsonl"
        self.result = path / "result.json"
        self.lr_range = path / "lr_range.json"
        self.evaluation = path / "evaluation"
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.events = path / "events"
        self.report = path / "report.html"
        self.code = path / "code"
        self.generated = path / "generated.npz"
        self.autoencoder = path / "autoencoder"

    def state(self) -> State:
        """Whether a run begins, resumes or is finished here. Raises: RunFolderError for a folder that is something else."""
        if not self.path.exists():
            return "new"
        if not self.path.is_dir():
            raise RunFolderError(f"{self.path} is a file; --out takes a folder")
        if self.result.exists() and (self.checkpoints / "last").exists():
            return "finished"
        if self.config.exists():
            return "unfinished"
        if any(entry.name != ".lock" and not _is_torn(entry.name) for entry in self.path.iterdir()):
            raise RunFolderError(f"{self.path} is not empty and holds no run; give --out another folder")
        return "new"

    def finished(self) -> dict[str, object]:
        """The content of result.json."""
        return read_json(self.result)

    def clear(self) -> None:
        """Remove what a run writes, so that no file of it can be taken for the next one's; other files stay."""
        with suppress(OSError, ValueError, AttributeError, KeyError):  # no code, or a data.json that is none
            file = read_json(self.data).get("code", {}).get("file", {})
            (self.code / Path(str(file["name"])).name).unlink()
            self.code.rmdir()
        folders = (self.evaluation, self.samples, self.checkpoints, self.events, self.autoencoder)
        files = (self.config, self.plan, self.schema, self.data, self.env, self.metrics, self.result, self.findings)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        for file in (
            *files,
            self.signals,
            self.tokenizer,
            self.target_tokenizer,
            self.lr_range,
            self.report,
            self.generated,
        ):
            file.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Take back a run that was refused before its first step, and its folder too where nothing else is in it."""
        self.clear()
        with suppress(OSError):  # other files are in there, or it is not ours to remove
            if [entry.name for entry in self.path.iterdir()] == [".lock"]:
                (self.path / ".lock").unlink()
            self.path.rmdir()

    def _refuse_links(self) -> None:
        """A link among the files that a run writes would lead what is written to a place that nobody named.

        Raises: RunFolderError naming the first
        """
        inner = (self.checkpoints, self.evaluation, self.samples, self.events, self.code, self.autoencoder)
        top = [entry for entry in self.path.iterdir() if entry.name in self._names() or entry.name.startswith("fold-")]
        deep = (Path(at) / name for folder in inner for at, *found in os.walk(folder) for name in sum(found, []))
        link = next((entry for entry in (*top, *deep) if entry.is_symlink()), None)
        if link is not None:
            raise RunFolderError(
                f"{link} is a symbolic link, and runs are not written through links; replace it by a copy of its "
                "target, or give --out another folder"
            )
        self.refuse_odd()

    def refuse_odd(self) -> None:
        """Raises: RunFolderError for a file of the run that is a pipe or a device, whose reading might never end."""
        for name in self._names():
            place = self.path / name
            if place.exists() and not (place.is_file() or place.is_dir()):
                raise RunFolderError(f"{place} is neither a file nor a folder; remove it, or give another run")

    def _names(self) -> set[str]:
        """What a run writes right into its folder."""
        return {".lock"} | {place.name for place in vars(self).values() if place is not self.path}

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder for this process. Raises: RunFolderError when it cannot be made or a live run holds it.

        The lock is the operating system's (flock), so it ends with the process however that ends. Children that are forked
        meanwhile (workers that read) give up their share of it at once, or they would hold the folder after its death.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_links()
            handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise _unwritable(self.path, error) from None
        held = [handle]

        def give_up() -> None:
            while held:
                os.close(held.pop())

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=give_up)
        try:
            _lock(handle, self.path)
            try:
                os.ftruncate(handle, 0)
                os.write(handle, f"{os.getpid()}\n".encode())
            except OSError as error:
                raise _unwritable(self.path, error) from None
            yield
        finally:
            give_up()


def _is_torn(name: str) -> bool:
    """Whether a file is what a kill leaves of a run's first file (`files.write_bytes`)."""
    return name.startswith(".config.yaml.") and name.endswith(".part")


def _unwritable(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(f"cannot write to {path}: {error.strerror}; give --out a folder you may write to")


def _lock(handle: int, path: Path) -> None:
    if os.name != "posix":
        return  # Windows has no flock; two runs in one folder are then up to the person
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(handle, 32, 0).decode().strip()
        raise RunFolderError(
            f"{path} is in use{f' by process {owner}' if owner else ''}; wait for it, or give --out another folder"
        ) from None


def fresh_path(data: str, model: str, *, under: Path = Path("runs")) -> Path:
    """runs/<data>-<model>-<n>, made, with the first n that is free. Raises: RunFolderError when it cannot be made."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{data[:80]}-{model[:80]}").strip("-.") or "run"
    try:
        under.mkdir(parents=True, exist_ok=True)
        taken = [int(m[1]) for entry in under.iterdir() if (m := re.fullmatch(re.escape(stem) + r"-(\d+)", entry.name))]
        number = max(taken, default=0) + 1
        while True:
            path = under / f"{stem}-{number}"
            try:
                path.mkdir()
                return path
            except FileExistsError:
                number += 1
    except OSError as error:
        raise _unwritable(under, error) from None


def open_run(path: str | Path) -> RunFolder:
    """An existing run. Raises: RunFolderError when there is none at `path`."""
    folder = RunFolder(Path(path))
    if not folder.path.is_dir():
        raise RunFolderError(f"there is no run folder {path}; `sonde runs` lists existing runs")
    if not folder.config.exists():
        raise RunFolderError(f"{path} holds no run (no config.yaml); `sonde runs` lists existing runs")
    folder.refuse_odd()
    return folder
