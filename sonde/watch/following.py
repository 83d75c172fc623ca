"""A run that is followed: its folder read again where it changed, its page's parts drawn again where they differ."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sonde.core.run_folder import RunFolder, open_run
from sonde.core.run_owner import owner_of
from sonde.core.run_state import folds_of, state_of
from sonde.report.folder import SPLITS, Reading, read_files, with_lines
from sonde.report.intact import drawn
from sonde.report.learning import within
from sonde.report.page import AddedBy, nothing, render
from sonde.report.sections import sections
from sonde.watch.page import resources_html, title_of, top_html
from sonde.watch.resources import Look, kept, look
from sonde.watch.tail import Tail
from sonde.watch.top import Top, top_of

Window = tuple[float, float]
FINDINGS_BYTES = 2**20  # all of them: one that is taken back is blanked where it stands
SHARE = 0.005  # of the time at most for each of two drawings, together 1 %: training goes on on the same processors

MOST_RECENT = 8  # versions that are kept, for pages that begin to listen after they were drawn


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a page shows of a run. parts: name -> HTML;  title: of the browser's tab;  version: the same for the same parts"""

    top: Top
    title: str
    parts: Mapping[str, str]
    version: str


@dataclass(kw_only=True)
class _Drawing:
    """Parts as they were drawn last. stale: whether more is known by now;  due: when they may be drawn again, in seconds"""

    parts: Mapping[str, str]
    stale: bool = True
    due: float = 0.0

    def wanted(self, clock: float, *, now: bool) -> bool:
        """now: whether to draw it however much that costs"""
        return self.stale and (now or clock >= self.due)


class Following:
    """One run. Looking costs some calls of the operating system while nothing changes, and reading what was appended else.

    added: what the run's task adds to the report, from its reading;  spelled: the reading in the spelling of who began the run
    clock, cost: seconds now, and of this thread's processor time
    """

    def __init__(
        self,
        path: Path,
        added: Callable[[Reading], AddedBy] = lambda run: nothing,
        *,
        spelled: Callable[[Reading], Reading] = lambda run: run,
        clock: Callable[[], float] = time.monotonic,
        cost: Callable[[], float] = time.thread_time,
    ) -> None:
        folder = open_run(path)
        self.path, self._added, self._spelled, self._clock, self._cost = path, added, spelled, clock, cost
        findings = Tail(folder.findings, known_bytes=FINDINGS_BYTES)
        self._logs = [Tail(folder.metrics), findings, Tail(folder.signals)]
        self._files = read_files(path)
        self._stamp = _stamp(folder)
        self._owner: int | None = None
        self._looks: list[Look] = []
        self._top = _Drawing(parts={})
        self._sections: dict[Window | None, _Drawing] = {}
        self._top_now = Top(light="starting", title="")
        self._recent: dict[str, Mapping[str, str]] = {}  # version -> parts, of the last that were shown
        self._lock = threading.Lock()

    def shown(self, window: Window | None = None) -> Shown:
        """The run as it is now, or as it was a little ago where drawing it all the time would cost too much.

        window: the part of the curves' x axis to draw, by default all
        Raises: RunFolderError when the folder is gone
        """
        with self._lock:
            before = self._owner
            if self._read():
                for drawing in (self._top, *self._sections.values()):
                    drawing.stale = True
            now = self._owner != before or self._owner is None  # what dies or has ended does not wait
            if self._top.wanted(self._clock(), now=now):
                self._draw(self._top, self._live)
            sections = self._sections.setdefault(window, _Drawing(parts={}))
            if sections.wanted(self._clock(), now=now):
                self._draw(sections, lambda run: self._sections_of(run, window))
            return self._remembered({**self._top.parts, **sections.parts})

    def _remembered(self, parts: Mapping[str, str]) -> Shown:
        text = "\0".join(f"{name}\0{html}" for name, html in parts.items())
        version = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._recent[version] = parts
        while len(self._recent) > MOST_RECENT:
            self._recent.pop(next(iter(self._recent)))
        name = self.path.resolve().name
        return Shown(top=self._top_now, title=title_of(name, self._top_now), parts=parts, version=version)

    def parts_of(self, version: str) -> Mapping[str, str]:
        """What a page shows that was drawn a moment ago; nothing of one that is older."""
        with self._lock:
            return self._recent.get(version, {})

    def forget(self, window: Window | None) -> None:
        """A page with this window was closed."""
        with self._lock:
            self._sections.pop(window, None)

    def report(self) -> str:
        """The whole report as it stands now. Raises: RunFolderError when the folder is gone"""
        with self._lock:
            self._read()
            run = self._reading()
        return render(run, self._added(run))

    def _read(self) -> bool:
        """Read what is new; whether anything is."""
        folder, owner = open_run(self.path), owner_of(self.path)
        # the owner first: what a run writes at its end is there once it is gone
        changed = [owner != self._owner, *(log.read() for log in self._logs)]
        self._owner = owner
        if (stamp := _stamp(folder)) != self._stamp:
            self._files, self._stamp = read_files(self.path), stamp
            changed.append(True)
        elif any(changed):
            self._files = replace(self._files, state=state_of(self.path))
        return any(changed)

    def _draw(self, drawing: "_Drawing", draw: Callable[[Reading], Mapping[str, str]]) -> None:
        """Draw a part anew, and say when it may be drawn again."""
        began = self._cost()
        drawing.parts, drawing.stale = draw(self._reading()), False
        drawing.due = self._clock() + (self._cost() - began) / SHARE

    def _live(self, run: Reading) -> Mapping[str, str]:
        """What is not in the report: the top, and what a run that trains uses."""
        if self._owner is not None and (seen := look(self._owner)) is not None:
            self._looks = kept(self._looks, seen)

        def draw(whole: Reading) -> tuple[Top, dict[str, str]]:
            top = top_of(whole)
            trains = top.light in ("starting", "running")
            return top, {
                "top": top_html(whole, top),
                "resources": resources_html(whole, self._looks) if trains else "",
            }

        self._top_now, parts = drawn(run, draw)
        return parts

    def _sections_of(self, run: Reading, window: Window | None) -> Mapping[str, str]:
        found = sections(run, self._added(run))
        if window is not None and (part := within(run, *window)).steps:
            found["learning"] = sections(part)["learning"]
        return found

    def _reading(self) -> Reading:
        metrics, findings, signals = (log.entries for log in self._logs)
        run = with_lines(self._files, metrics, findings, signals)
        damaged = [f"{log.damaged} damaged lines of {log.path.name} were left out" for log in self._logs if log.damaged]
        return self._spelled(replace(run, unreadable=(*run.unreadable, *damaged)))


def _stamp(folder: RunFolder) -> tuple[object, ...]:
    """What changes when a file that is not a log is written: each is replaced in one step, which its folder tells too."""
    splits = [folder.evaluation / split for split in SPLITS]
    files = (folder.config, folder.plan, folder.data, folder.env, folder.result, folder.lr_range)
    seen = [_seen(place) for place in (*files, folder.evaluation, folder.samples, *splits, folder.checkpoints / "last")]
    return (*seen, len(folds_of(folder.path)))


def _seen(place: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(place)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
