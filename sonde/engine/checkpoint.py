"""Checkpoints: complete or absent, verified when read, written by another thread, without pickle.

A checkpoint is a folder of `weights.safetensors` (the modules), `state.safetensors` (every other tensor) and `state.json`
(everything else, the hashes of the two and its own), which is written last. Complex tensors are held as pairs of numbers, and
named in it. A new one is made beside its place; then the old `last` becomes `previous` and the new one `last`. A kill at any
instant leaves at least one whole folder to find.
"""

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from sonde.core.config_file import how_to_resume
from sonde.core.damaged import reading, way_on
from sonde.core.errors import RunFolderError, first_line
from sonde.core.files import parsed_json, sha256, sync_folder, write_bytes
from sonde.engine.tree import copied, join, separate

FORMAT = 1


def write(folder: Path, weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write a checkpoint into `folder`, which must not exist. Raises: OSError, leaving nothing behind."""
    folder.mkdir(parents=True)
    try:
        tree, tensors = separate(dict(state))
        hashes: dict[str, str] = {}
        paired: dict[str, list[str]] = {}
        for name, content in (("weights.safetensors", dict(weights)), ("state.safetensors", tensors)):
            # contiguous copies of their own: safetensors refuses views, ties and other strides
            paired[name] = [key for key, value in content.items() if value.is_complex()]
            packed = save({key: _real(value).detach().contiguous().clone() for key, value in content.items()})
            write_bytes(folder / name, packed)
            hashes[name] = hashlib.sha256(packed).hexdigest()
        complex_ones = {"complex": paired} if any(paired.values()) else {}
        body = json.dumps({"format": FORMAT, "files": hashes, **complex_ones, "state": tree})
        seal = hashlib.sha256(body.encode()).hexdigest()
        write_bytes(folder / "state.json", f"{seal}\n{body}\n".encode())
        sync_folder(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _real(value: Tensor) -> Tensor:
    """A complex tensor as pairs of numbers, (…, 2): safetensors has no complex128."""
    return torch.view_as_real(value.resolve_conj()) if value.is_complex() else value


def read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(weights, state) of a checkpoint that is whole. Raises: RunFolderError naming the file that is not."""
    body = _sealed(folder)
    for name in body["files"]:
        _check(folder, name, body)
    weights = _tensors(folder, "weights.safetensors", body)
    return weights, _state(folder, body)


def read_state(folder: Path) -> dict[str, Any]:
    """The state alone, without the weights. Raises: see `read`"""
    body = _sealed(folder)
    with reading(folder / "state.json", run=folder.parent.parent, remedy=without(folder)):
        _check(folder, "state.safetensors", body)
    return _state(folder, body)


def _check(folder: Path, name: str, body: Mapping[str, Any]) -> None:
    path = folder / name
    if not path.exists():
        raise RunFolderError(f"{path} is missing; {without(folder)}")
    if sha256(path) != body["files"][name]:
        raise RunFolderError(_modified(path))


def _tensors(folder: Path, name: str, body: Mapping[str, Any]) -> dict[str, Tensor]:
    try:
        # safetensors hands out views of one unaligned mapping: copies can be updated in place and outlive the file
        held = {key: value.clone() for key, value in load_file(folder / name).items()}
    except SafetensorError as error:
        raise RunFolderError(f"{folder} cannot be read ({first_line(error)}); {without(folder)}") from error
    with reading(folder / "state.json", run=folder.parent.parent, remedy=without(folder)):
        for key in body.get("complex", {}).get(name, ()):
            held[key] = torch.view_as_complex(held[key])
    return held


def _state(folder: Path, body: Mapping[str, Any]) -> dict[str, Any]:
    tensors = _tensors(folder, "state.safetensors", body)
    with reading(folder / "state.json", run=folder.parent.parent, remedy=without(folder)):
        state = join(body["state"], tensors)
        if not isinstance(state, dict):
            raise ValueError("the state is not an object")
        return state


def without(folder: Path) -> str:
    """What to do about a checkpoint that is damaged in a way that its hashes do not show."""
    if folder.name == "last" and (folder.parent / "previous").exists():
        return f"move it away to resume from the previous one: {folder}"
    return way_on(folder.parent.parent)


def _modified(path: Path) -> str:
    return f"{path} is truncated or was modified (its SHA-256 is not the recorded one); {without(path.parent)}"


def _sealed(folder: Path) -> dict[str, Any]:
    path = folder / "state.json"
    if not path.exists():
        raise RunFolderError(f"{path} is missing; {without(folder)}")
    seal, _, body = path.read_bytes().rstrip(b"\n").partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != seal:
        raise RunFolderError(_modified(path))
    with reading(path, run=folder.parent.parent, remedy=without(folder)):
        content = parsed_json(body)
        if not isinstance(content["files"], dict) or {Path(name).name for name in content["files"]} != {
            *content["files"]
        }:
            raise ValueError("its files are not those of a checkpoint")
        known = content["format"] == FORMAT
    if not known:
        raise RunFolderError(f"{path} has format {content['format']}; this version of Sonde reads format {FORMAT}")
    return content


def newest(
    checkpoints: Path, *, report: Callable[[str], None]
) -> tuple[Path, dict[str, Tensor], dict[str, Any]] | None:
    """The furthest whole checkpoint among `last`, `previous` and finished ones not yet renamed; None if there is none.

    A broken one is skipped and reported through `report`.
    """
    found: list[tuple[int, Path, dict[str, Tensor], dict[str, Any]]] = []
    for folder in _candidates(checkpoints):
        try:
            weights, state = read(folder)
        except RunFolderError as error:
            if folder.name in ("last", "previous"):
                report(f"checkpoint skipped: {str(error).partition('; ')[0]}")
            continue
        with reading(folder / "state.json", run=checkpoints.parent, remedy=without(folder)):
            found.append((int(state["progress"]["step"]), folder, weights, state))
        if folder.name == "last" and not any(checkpoints.glob(".new-*")):
            break  # nothing can be further
    if not found:
        return None
    _, folder, weights, state = max(found, key=lambda entry: entry[0])
    if folder.name == "previous":
        report(f"resuming from the previous checkpoint, step {state['progress']['step']}")
    return folder, weights, state


def _candidates(checkpoints: Path) -> Iterator[Path]:
    for name in ("last", "previous"):
        if (checkpoints / name).is_dir():
            yield checkpoints / name
    for pattern in (".new-*", ".old-*"):
        yield from sorted(checkpoints.glob(pattern))


def put_in_place(checkpoints: Path, fresh: Path) -> None:
    """Make `fresh` the `last` checkpoint and keep the one before it as `previous`."""
    last, previous, old = checkpoints / "last", checkpoints / "previous", checkpoints / ".old-previous"
    if old.exists():
        shutil.rmtree(old)
    if last.exists():
        if previous.exists():
            previous.rename(old)
        last.rename(previous)
    fresh.rename(last)
    sync_folder(checkpoints)
    shutil.rmtree(old, ignore_errors=True)


def put_best(checkpoints: Path, fresh: Path) -> None:
    """Make `fresh` the `best` checkpoint."""
    best, old = checkpoints / "best", checkpoints / ".best-old"
    shutil.rmtree(old, ignore_errors=True)
    if best.exists():
        best.rename(old)
    fresh.rename(best)
    sync_folder(checkpoints)
    shutil.rmtree(old, ignore_errors=True)


def best_folder(checkpoints: Path) -> Path:
    """The best checkpoint, also where a kill fell between the two renames that replace it.

    Raises: RunFolderError when there is none
    """
    for name in ("best", ".best-new", ".best-old"):
        if (checkpoints / name / "state.json").exists():
            return checkpoints / name
    raise RunFolderError(f"{checkpoints} holds no best checkpoint; train longer, or resume the run")


class Writer:
    """Writes checkpoints on a thread of its own, one at a time, in the order they were requested.

    What is handed over is copied first, between two steps, so training goes on while it is written. A failure is kept and
    raised at the next call, in the training thread.
    """

    def __init__(self, checkpoints: Path, *, stop_here: Callable[[str], None] | None = None) -> None:
        self.checkpoints = checkpoints
        checkpoints.mkdir(parents=True, exist_ok=True)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._probe = stop_here or (lambda place: None)

    def save(
        self,
        weights: Mapping[str, Tensor],
        state: Mapping[str, Any],
        *,
        best: tuple[Mapping[str, Tensor], Mapping[str, Any]] | None = None,
    ) -> None:
        """Copy and hand over; waits only for the checkpoint before. `best` is put in place before `last`, which tells of it.

        Raises: RunFolderError when an earlier write failed (a full disk, say)
        """
        self.wait()
        job = (copied(dict(weights)), copied(dict(state)), None if best is None else copied(best))
        self._thread = threading.Thread(target=self._write, args=job, name="sonde-checkpoint", daemon=False)
        self._thread.start()

    def wait(self) -> None:
        """Until nothing is being written. Raises: RunFolderError when the write failed."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            if isinstance(failure, OSError):
                before = "the previous one is intact" if (self.checkpoints / "last").exists() else "there is none yet"
                raise RunFolderError(
                    f"cannot write a checkpoint to {self.checkpoints}: {failure.strerror or failure}; {before}: free disk space, "
                    f"then resume with: {how_to_resume(self.checkpoints.parent)}"
                ) from failure
            raise failure

    def _write(self, weights: dict[str, Tensor], state: dict[str, Any], best: Any) -> None:
        try:
            if best is not None:
                best_weights, best_state = best
                self._one(".best-new", best_weights, best_state, put_best)
            self._one(f".new-{state['progress']['step']}", weights, state, put_in_place)
        except BaseException as failure:  # handed to the training thread by wait()
            self._failure = failure

    def _one(
        self, name: str, weights: Mapping[str, Tensor], state: Mapping[str, Any], place: Callable[[Path, Path], None]
    ) -> None:
        fresh = self.checkpoints / name
        shutil.rmtree(fresh, ignore_errors=True)
        self._probe("write")
        write(fresh, weights, state)
        self._probe("rename")
        place(self.checkpoints, fresh)
        self._probe("done")


def clear_leftovers(checkpoints: Path) -> None:
    """Remove unfinished folders once a resumed run has what it needs."""
    for pattern in (".new-*", ".old-*", ".best-*"):
        for folder in checkpoints.glob(pattern):
            shutil.rmtree(folder, ignore_errors=True)
