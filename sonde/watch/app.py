"""What the browser is answered: pages, and streams of what changed in them. Reads run folders; changes nothing."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sonde.core.errors import RunFolderError, SondeError
from sonde.report.folder import Reading
from sonde.report.page import AddedBy
from sonde.watch.following import Following, Shown, Window
from sonde.watch.page import SCRIPTS, STYLES, Listed, page_html, runs_html
from sonde.watch.server import ALWAYS, POLICY, application, joined

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LOOK_S, SELDOM_S = 1.0, 5.0  # between looks at a run, at least, and where a look takes long
SHARE = 0.005  # of one core's time, which looks may take: what they take more is waited for
LIST_S = 10.0  # between looks at the list of runs
ALIVE_S = 15.0  # after which a stream without news says that it is there: else no closed page would be noticed
SLICE_S = 0.2  # in which a stream notices that the server is to end
MOST_FOLLOWED = 8  # runs whose reading is kept
OF_REPORTS = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'"
)


class Watcher:
    """The runs below a folder.

    first: the key of the run that is shown where none is named;  listed: the runs, newest first
    added: what a run's task adds to its report;  stopping: whether the server is about to end
    spelled: a reading in the spelling of settings of who began the run
    """

    def __init__(
        self,
        root: Path,
        first: Callable[[], str],
        listed: Callable[[], Sequence[Listed]],
        added: Callable[[Reading], AddedBy],
        stopping: Callable[[], bool],
        spelled: Callable[[Reading], Reading] = lambda run: run,
    ) -> None:
        self._root, self._first, self._listed, self._added, self._stopping = root, first, listed, added, stopping
        self._spelled = spelled
        self._followed: dict[str, Following] = {}
        self._list: tuple[float, Sequence[Listed]] = (0.0, ())  # when it is to be read again, and what it was
        self._states: dict[str, str] = {}

    def followed(self, key: str) -> Following:
        """The run with a key. Raises: RunFolderError for a key that leads elsewhere, or to no run"""
        parts = key.split("/")
        fold = len(parts) == 2 and parts[1].startswith("fold-")
        if not (len(parts) == 1 or fold) or any(
            part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts
        ):
            raise RunFolderError("there is no such run here")
        if key not in self._followed:
            self._followed[key] = Following(self._root / key, self._added, spelled=self._spelled)
            while len(self._followed) > MOST_FOLLOWED:
                self._followed.pop(next(iter(self._followed)))
        return self._followed[key]

    def _runs(self, key: str, state: str) -> str:
        """The list of runs as HTML, read again after a while, and where the run that is shown came into another state."""
        due, known = self._list
        if time.monotonic() >= due or self._states.get(key, state) != state:
            began = time.thread_time()
            known = self._listed()
            self._list = (time.monotonic() + LIST_S + 100 * (time.thread_time() - began), known)
        self._states[key] = state
        return runs_html(known, key)

    async def home(self, request: "Request") -> "Response":
        """The newest run's page, or the one's that was named."""
        from starlette.responses import RedirectResponse

        return RedirectResponse(f"/run/{quote(self._first())}", status_code=302)

    async def page(self, request: "Request") -> "Response":
        """A run's page as it is now; its script asks for what changes."""
        from starlette.responses import HTMLResponse

        key = request.path_params["key"]
        shown, runs = await asyncio.to_thread(self._look, key)
        html = page_html(shown.title, key, shown.version, {**shown.parts, "runs": runs})
        return HTMLResponse(html, headers={**ALWAYS, "Content-Security-Policy": POLICY})

    async def report(self, request: "Request") -> "Response":
        """The report, drawn from what the folder holds now. It may come from elsewhere: it is shut in."""
        from starlette.responses import HTMLResponse

        html = await asyncio.to_thread(self.followed(request.path_params["key"]).report)
        return HTMLResponse(html, headers={**ALWAYS, "Content-Security-Policy": OF_REPORTS})

    async def events(self, request: "Request") -> "Response":
        """Server-sent events (HTML standard, 9.2): after each look the parts that changed."""
        from starlette.responses import StreamingResponse

        key, version = request.path_params["key"], request.query_params.get("version", "")
        stream = self._changes(
            key, window_of(request.query_params.get("from"), request.query_params.get("to")), version
        )
        return StreamingResponse(stream, media_type="text/event-stream", headers=ALWAYS)

    async def _changes(self, key: str, window: Window | None, version: str) -> AsyncIterator[str]:
        sent: dict[str, str] | None = None
        told, gone = time.monotonic(), ""
        try:
            while not self._stopping():
                begun = time.process_time()
                try:
                    shown, runs = await asyncio.to_thread(self._look, key, window)
                    gone = ""
                except (SondeError, OSError) as error:  # it may come back: a run that is begun anew
                    if gone != (gone := f"This run cannot be read any more: {error}"):
                        yield _message(gone=gone)
                    sent = {}
                    await self._pause()
                    continue
                parts = {**shown.parts, "runs": runs}
                if sent is None:
                    sent = {**self.followed(key).parts_of(version)}
                changed = {name: html for name, html in parts.items() if sent.get(name) != html}
                if changed or time.monotonic() - told > ALIVE_S:
                    yield _message(title=shown.title, parts=changed) if changed else ": still here\n\n"
                    told = time.monotonic()
                sent = parts
                await self._pause(time.process_time() - begun)
        finally:
            if window is not None and key in self._followed:
                self._followed[key].forget(window)

    def _look(self, key: str, window: Window | None = None) -> tuple[Shown, str]:
        shown = self.followed(key).shown(window)
        return shown, self._runs(key, shown.top.light)

    async def _pause(self, took: float = 0.0) -> None:
        """Until the next look. took: seconds of the processor that the last one did"""
        until = time.monotonic() + pause_after(took)
        while time.monotonic() < until and not self._stopping():
            await asyncio.sleep(SLICE_S)


def pause_after(took: float) -> float:
    """Seconds to the next look after one that took so many of the processor's.

    >>> pause_after(0.001), pause_after(0.01), pause_after(0.2)
    (1.0, 2.0, 5.0)
    """
    return min(SELDOM_S, max(LOOK_S, took / SHARE))


def build(watcher: Watcher) -> "Starlette":
    """The application."""
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def absent(request: "Request", error: Exception) -> "Response":
        return PlainTextResponse(f"{error}\n", status_code=404, headers=ALWAYS)

    routes = [
        Route("/", watcher.home),
        Route("/run/{key:path}", watcher.page),
        Route("/events/{key:path}", watcher.events),
        Route("/report/{key:path}", watcher.report),
    ]
    return application([*routes, *joined(STYLES, SCRIPTS)], {RunFolderError: absent})


def window_of(low: str | None, high: str | None) -> Window | None:
    """The part of the x axis that an address asks for; None where it is no part.

    >>> window_of("1.5", "3"), window_of("3", "1"), window_of("nan", "1"), window_of(None, "1")
    ((1.5, 3.0), None, None, None)
    """
    with contextlib.suppress(ValueError):
        found = float(low or "nan"), float(high or "nan")
        return found if 0 <= found[0] < found[1] < float("inf") else None
    return None


def _message(*, title: str = "", gone: str = "", parts: dict[str, str] | None = None) -> str:
    return f"data: {json.dumps({'title': title, 'gone': gone, 'parts': parts or {}})}\n\n"
