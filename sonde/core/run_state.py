"""What state a run is in, told from its folder alone: finished, running, stopped as requested, failed, or gone without a word.

A run that stops or fails says so in the last line of its metrics.jsonl, an event of `ENDINGS`, which is cut off again when it
goes on. One that was killed could write nothing: its process holds the folder's lock no more. A run that is trained further
after it had finished is again what its latest lines and its process say, until it has its new result. Free of torch.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sonde.core.damaged import DAMAGE
from sonde.core.files import parsed_json, read_json
from sonde.core.log_lines import parsed_line
from sonde.core.run_owner import owner_of

INTERRUPTED, FAILED = "interrupted", "failed"
ENDINGS = (INTERRUPTED, FAILED)
"""Events that say how a run without a result ended; their details have "why", in one line."""
TAIL_BYTES = 16_384  # of metrics.jsonl: its last whole line is in there
MOST_WHY = 60  # characters of what a fold said, in a listing
MOST_STATE = 50_000_000  # bytes of a checkpoint's state.json that are read for a number

Condition = Literal["finished", "running", "interrupted", "failed", "killed"]


@dataclass(frozen=True, kw_only=True)
class RunState:
    """How far a run came and whether it goes on.

    condition: "killed" where the process is gone and could not say why
    step:      the last that was logged
    failed_at: the step that an error names as its own, which is not done; 0 where none is named
    why:       what the run itself said when it stopped or failed
    signal:    that asked it to stop, 0 for none
    fold:      of a cross-validation, the part of the rows that it is at (from 1)
    line:      the last line that was logged
    """

    condition: Condition
    step: int = 0
    failed_at: int = 0
    why: str = ""
    signal: int = 0
    fold: int = 0
    line: Mapping[str, Any]

    @property
    def words(self) -> str:
        """For a listing.

        >>> RunState(condition="running", step=1200, fold=2, line={}).words
        'running, fold 2, step 1,200'
        >>> RunState(condition="failed", fold=2, why="RuntimeError: no room", line={}).words
        'failed, fold 2, step 0: RuntimeError: no room'
        """
        fold = f"fold {self.fold}, " if self.fold else ""
        why = self.why if self.condition == "failed" and self.fold else ""  # which fold's, its folder may not tell
        why = f": {why if len(why) <= MOST_WHY else why[:MOST_WHY].rstrip() + '…'}" if why else ""
        return f"{self.condition}, {fold}step {self.failed_at or self.step:,}{why}"

    @property
    def place(self) -> str:
        """Where it ended, or is: at a step that failed, else after the last that was logged.

        >>> RunState(condition="failed", step=1, failed_at=2, line={}).place
        'at step 2'
        """
        return f"at step {self.failed_at:,}" if self.failed_at else f"after step {self.step:,}"


def state_of(place: Path) -> RunState:
    """The state of the run in a folder."""
    if (place / "result.json").exists() and not _goes_on(place):
        return RunState(condition="finished", line={})
    fold = _last_fold(place)
    if fold:
        return _of_failed_fold(place) or _of_folds(place, fold)
    line = last_line(place / "metrics.jsonl")
    step, event = int(line.get("step") or 0), line.get("event")
    owner = owner_of(place)
    if owner is not None and (owner != os.getpid() or event not in ENDINGS):  # a dying process draws its own report
        return RunState(condition="running", step=step, line=line)
    details = line.get("details")
    told: Mapping[str, Any] = details if isinstance(details, dict) else {}
    why, error = str(told.get("why") or ""), _last_error(place / "findings.jsonl")
    at = error.get("step")
    failed_at = at if isinstance(at, int) else 0
    if event == INTERRUPTED:
        signal = told.get("signal")
        return RunState(
            condition="interrupted", step=step, why=why, signal=signal if isinstance(signal, int) else 0, line=line
        )
    if event == FAILED:
        return RunState(condition="failed", step=step, failed_at=failed_at, why=why, line=line)
    if not error:
        return RunState(condition="killed", step=step, line=line)
    why = str(error.get("evidence"))  # all that earlier versions wrote
    return RunState(condition="failed", step=step, failed_at=failed_at, why=why, line=line)


def last_line(path: Path) -> dict[str, Any]:
    """The last whole line of a log that has a step; a torn one, as a kill leaves, is passed over. Empty for none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return {}
    return next((line for text in reversed(lines) if "step" in (line := parsed_line(text) or {})), {})


def checkpoint_step(place: Path) -> int | None:
    """After which step the newest whole checkpoint of a run was written; None where there is none."""
    for name in ("last", "previous"):
        path = place / "checkpoints" / name / "state.json"
        try:
            if path.stat().st_size > MOST_STATE:
                continue
            return int(parsed_json(path.read_bytes().partition(b"\n")[2])["state"]["progress"]["step"])
        except (OSError, *DAMAGE):
            continue
    return None


def folds_of(place: Path) -> list[Path]:
    """The folders of a cross-validation's folds, in their order; none for another run."""
    named = [entry for entry in place.glob("fold-*") if entry.is_dir() and entry.name[5:].isdigit()]
    return sorted(named, key=lambda entry: int(entry.name[5:]))


def _goes_on(place: Path) -> bool:
    """Whether a run that had a result was trained further since: lines are logged beyond it."""
    try:
        steps = read_json(place / "result.json").get("steps")
    except (OSError, *DAMAGE):
        return False
    return isinstance(steps, int) and int(last_line(place / "metrics.jsonl").get("step") or 0) > steps


def _last_fold(place: Path) -> int:
    folds = folds_of(place)
    return int(folds[-1].name[5:]) if folds else 0


def _of_folds(place: Path, fold: int) -> RunState:
    """Of a cross-validation without a result: it is where its last fold is."""
    at = state_of(place / f"fold-{fold}")
    running = owner_of(place) is not None and at.condition not in ENDINGS
    condition: Condition = "running" if running else "killed" if at.condition == "finished" else at.condition
    return replace(at, condition=condition, fold=fold)


def _of_failed_fold(place: Path) -> RunState | None:
    """Of a cross-validation whose fold failed before its first step, and so left no folder; None of any other."""
    line = last_line(place / "metrics.jsonl")
    details, owner = line.get("details"), owner_of(place)
    told: Mapping[str, Any] = details if isinstance(details, dict) and line.get("event") == FAILED else {}
    fold = told.get("fold")
    begun = isinstance(fold, int) and (place / f"fold-{fold}" / "config.yaml").exists()  # which tells by itself
    if not isinstance(fold, int) or begun or owner not in (None, os.getpid()):
        return None
    return RunState(condition="failed", why=str(told.get("why") or ""), fold=fold, line=line)


def _last_error(path: Path) -> Mapping[str, Any]:
    """The last finding, where that is an error; empty where it is none."""
    try:
        lines = path.read_bytes().splitlines()
        last = parsed_json(lines[-1]) if lines else {}
        return last if last.get("severity") == "error" else {}
    except (OSError, *DAMAGE):
        return {}
